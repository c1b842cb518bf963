# `make demo` and `make test` need nothing but Python 3.11: they make .venv and install into it.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: help install demo test lint format bench clean

help:
	@echo "make demo    train, evaluate, export and rehearse a policy; the results lie in runs/demo"
	@echo "make test    lint, types and all tests"
	@echo "make bench   the tables of benchmarks/"
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

bench: install
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
