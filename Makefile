# `make demo` and `make test` need nothing but Python 3.11: they make .venv and install into it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
PEERS := .venv-peers
BIN := $(VENV)/bin

.PHONY: help install demo test lint format bench clean

help:
	@echo "make demo    train, evaluate, export and rehearse a policy; the results lie in runs/demo"
	@echo "make test    lint, types and all tests"
	@echo "make bench   the tables of benchmarks/, other simulators among them"
	@echo "make format  format the code"

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,car,int8,dev]'
	@touch $@

demo: install
	$(BIN)/hairpin demo

test: install lint
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not alone"
	$(BIN)/python -m pytest -m alone

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: install $(PEERS)/.installed
	$(BIN)/python -m benchmarks --peers $(PEERS)/bin/python

# What cannot be installed here is missing in the table, no more.
$(PEERS)/.installed: benchmarks/peers.txt
	$(PYTHON) -m venv $(PEERS)
	-grep -v '^#' benchmarks/peers.txt | xargs -n 1 $(PEERS)/bin/python -m pip install --quiet \
		--disable-pip-version-check --only-binary :all:
	@touch $@

clean:
	rm -rf $(VENV) $(PEERS) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
