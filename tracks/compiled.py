"""Compilation of inner loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from numba import njit

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function, *, error_model: Literal["python", "numpy"] = "python") -> Function:
    """Compile a function with numba, without the interpreter's lock, and keep the machine code on disk.

    With the error model "numpy" a division by zero gives infinity, as in numpy, and loops that divide can do
    several numbers at a time.

    It lies beside the source file or, if that folder is read-only, in the user's cache folder. Where neither
    can be written to, the function is compiled anew in each process, which takes seconds.
    """
    fast: Any
    try:
        fast = njit(function, cache=True, nogil=True, error_model=error_model)
    except RuntimeError:  # numba finds no place for its cache
        fast = njit(function, nogil=True, error_model=error_model)
    return fast
