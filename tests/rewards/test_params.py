"""The description of params agrees with itself and with what the original simulator gives."""

from __future__ import annotations

from hairpin.rewards import PARAMS, RewardParams


def test_every_key_is_described_once_and_in_order() -> None:
    assert list(PARAMS) == list(RewardParams.__annotations__)
    assert len(PARAMS) == 27


def test_described_types_are_the_declared_ones() -> None:
    declared = {
        key: getattr(hint, "__forward_arg__", str(hint)) for key, hint in RewardParams.__annotations__.items()
    }
    assert {key: doc.type for key, doc in PARAMS.items()} == declared


def test_every_number_has_a_unit_and_every_key_a_meaning() -> None:
    assert all(doc.meaning for doc in PARAMS.values())
    assert [key for key, doc in PARAMS.items() if doc.type.startswith("float") and not doc.unit] == []


def test_stand_in_params_have_exactly_the_keys(make_params) -> None:
    assert make_params().keys() == PARAMS.keys()
