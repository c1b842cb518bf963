"""The car's side: the contract, policy bundles and the runtime that drives with them.

Nothing is imported before it is asked for: the guard, which must stay small, is a part of this package and
needs the standard library alone. The rest needs numpy, and OpenVINO once a policy is loaded.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .bundle import Bundle, read_bundle, write_bundle
    from .contract import (
        ActionSpace,
        Command,
        ContinuousActions,
        Contract,
        ContractError,
        DiscreteActions,
        Fingerprint,
        ModelMetadata,
        ObservationSpec,
        observe,
        parse_model_metadata,
        read_model_metadata,
        to_command,
        to_commands,
        to_metadata_units,
    )
    from .errors import BundleError, PolicyError
    from .policy import Policy
    from .runtime import drive

__all__ = [
    "ActionSpace",
    "Bundle",
    "BundleError",
    "Command",
    "ContinuousActions",
    "Contract",
    "ContractError",
    "DiscreteActions",
    "Fingerprint",
    "ModelMetadata",
    "ObservationSpec",
    "Policy",
    "PolicyError",
    "drive",
    "observe",
    "parse_model_metadata",
    "read_bundle",
    "read_model_metadata",
    "to_command",
    "to_commands",
    "to_metadata_units",
    "write_bundle",
]


_MODULES = {
    "bundle": ("Bundle", "read_bundle", "write_bundle"),
    "contract": (
        "ActionSpace",
        "Command",
        "ContinuousActions",
        "Contract",
        "ContractError",
        "DiscreteActions",
        "Fingerprint",
        "ModelMetadata",
        "ObservationSpec",
        "observe",
        "parse_model_metadata",
        "read_model_metadata",
        "to_command",
        "to_commands",
        "to_metadata_units",
    ),
    "errors": ("BundleError", "PolicyError"),
    "policy": ("Policy",),
    "runtime": ("drive",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """The public names, from the modules that define them."""
    if name in _MODULE_OF:
        return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
