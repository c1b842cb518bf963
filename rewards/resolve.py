"""From a reference to a reward function: callable, built-in name, file, `file.py:func` or `pkg.mod:func`."""

from __future__ import annotations

import ast
import contextlib
import difflib
import functools
import hashlib
import importlib.util
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from .errors import RewardError
from .load import functions_in, importable, missing_module, read_source, run_source

RewardFunction = Callable[[Any], Any]
"""Takes `RewardParams`, returns a number or a mapping of named terms."""

RewardRef = str | Path | RewardFunction

DEFAULT_FUNCTION = "reward_function"
_LIBRARY = Path(__file__).parent / "library"


@dataclass(frozen=True)
class Reward:
    r"""A reward function, with what is needed to find it again in another process.

    It pickles as its reference: the process that unpickles it loads the function anew, and refuses when the
    source has changed meanwhile.

    Args:
        name: Built-in name, file stem or function name, for people.
        source: The whole file's text, the function's for a callable; None when there is none.
        digest: SHA-256 of the source (with `\n` line ends), in hex.
        ref: What resolves to the same function again: a string with an absolute path, or the callable.
        file: The file with the function's lines, if there is one.
        function: The function itself.
    """

    name: str
    source: str | None = field(repr=False)
    digest: str
    ref: str | RewardFunction
    file: str | None
    function: RewardFunction = field(repr=False, compare=False)

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self.ref, self.digest)


def resolve(ref: RewardRef | Reward) -> Reward:
    """Find a reward function.

    A file runs as a new module on each call, so two results never share globals; a callable is taken as it
    is. The function's name in a file or module is `reward_function` unless given after a colon.

    Args:
        ref: A callable, a built-in name (`library()` lists them), a file, `file.py:func` or `pkg.mod:func`.
            A `Reward` is returned as it is.

    Raises:
        RewardError: Nothing is there, it does not load, or it cannot be called with `params` alone.
    """
    if isinstance(ref, Reward):
        return ref
    if isinstance(ref, Path):
        return _from_file(ref, DEFAULT_FUNCTION)
    if not isinstance(ref, str):
        return _from_callable(ref)
    if ref in library():
        return _from_file(_LIBRARY / f"{ref}.py", DEFAULT_FUNCTION, ref=ref)
    place, function = _split(ref)
    is_path = place.endswith(".py") or "/" in place or "\\" in place
    if is_path or (place and Path(place).exists()):
        return _from_file(Path(place), function)
    if place != ref:
        return _from_module(place, function)
    raise _unknown(ref)


@functools.cache
def library() -> Mapping[str, str]:
    """The built-in rewards: name -> one line on what it pays for."""
    found = {}
    for path in sorted(_LIBRARY.glob("*.py")):
        if not path.stem.startswith("_"):
            text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            found[path.stem] = text.partition("\n")[0]
    return MappingProxyType(found)


def _restore(ref: str | RewardFunction, digest: str) -> Reward:
    reward = resolve(ref)
    if reward.digest != digest:
        raise RewardError("was changed while it was in use", file=reward.file, fix="start the run again")
    return reward


def _split(ref: str) -> tuple[str, str]:
    """The part before the function's name, and that name; a drive letter's colon is no separator."""
    place, colon, function = ref.rpartition(":")
    if colon and len(place) > 1 and "/" not in function and "\\" not in function:
        return place, function or DEFAULT_FUNCTION
    return ref, DEFAULT_FUNCTION


def _from_file(path: Path, function: str, ref: str | None = None) -> Reward:
    path = path.expanduser().absolute()
    if not path.is_file():
        raise _missing_file(path)
    source = read_source(path)
    name = path.stem if function == DEFAULT_FUNCTION else f"{path.stem}:{function}"
    found = getattr(run_source(source, path), function, None)
    if found is None:
        raise _missing_function(function, source, str(path))
    _accepts_params(found, function, str(path))
    # An absolute path, because a worker may start in another folder.
    return Reward(name, source, _digest(source), ref or f"{path}:{function}", str(path), found)


def _from_module(module: str, function: str) -> Reward:
    spec = None
    # A console script does not look for modules in the current folder by itself.
    with contextlib.suppress(ModuleNotFoundError, ValueError), importable(Path.cwd()):
        spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        what, fix = missing_module(module)
        raise RewardError(what, fix=fix if spec is None else "name a module with Python source")
    source = read_source(Path(spec.origin))
    package = spec.name if spec.submodule_search_locations is not None else spec.parent or ""
    found = getattr(run_source(source, Path(spec.origin), package), function, None)
    if found is None:
        raise _missing_function(function, source, spec.origin)
    _accepts_params(found, function, spec.origin)
    ref = f"{module}:{function}"
    return Reward(ref, source, _digest(source), ref, spec.origin, found)


def _from_callable(function: RewardFunction) -> Reward:
    if not callable(function):
        raise RewardError(
            f"a reward is a function, a name or a file, not {type(function).__name__} {function!r}"
        )
    inner = inspect.unwrap(function.func if isinstance(function, functools.partial) else function)
    named = inner if hasattr(inner, "__qualname__") else type(inner)
    name = getattr(named, "__qualname__", repr(named))
    source = file = None
    with contextlib.suppress(OSError, TypeError):
        source = inspect.getsource(named)
        file = inspect.getsourcefile(named)
    _accepts_params(function, name, file)
    digest = _digest(source if source is not None else f"{named.__module__}.{name}")
    return Reward(name, source, digest, function, file, function)


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode("utf-8", "surrogatepass")).hexdigest()


def _accepts_params(function: object, name: str, file: str | None) -> None:
    code = getattr(function, "__code__", None)
    line = code.co_firstlineno if code is not None else None
    if inspect.isclass(function):
        raise RewardError(
            f"{name} is a class, not a function",
            file=file,
            fix=f"add `{name} = {name}().METHOD`, or give an object",
        )
    if not callable(function):
        raise RewardError(f"{name} is {type(function).__name__}, not a function", file=file)
    if inspect.iscoroutinefunction(function):
        raise RewardError(f"{name} is async", file=file, line=line, fix="write `def`, not `async def`")
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise RewardError(
            f"{name} yields its result", file=file, line=line, fix="write `return`, not `yield`"
        )
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some compiled functions do not say
        return
    try:
        signature.bind({})
    except TypeError as error:
        raise RewardError(
            f"{name}{signature} cannot be called with params alone",
            file=file,
            line=line,
            fix=f"write `def {name.rpartition('.')[2]}(params):`",
        ) from error


def _missing_file(path: Path) -> RewardError:
    if path.is_dir():
        inside = path / f"{DEFAULT_FUNCTION}.py"
        return RewardError(
            "is a folder", file=str(path), fix=f"name {inside}" if inside.is_file() else "name the file in it"
        )
    names = {p.name: str(p) for p in path.parent.glob("*.py")} if path.parent.is_dir() else {}
    names |= {name: name for name in library()}
    close = difflib.get_close_matches(path.name, names, n=1) or difflib.get_close_matches(
        path.stem, names, n=1
    )
    fix = f"did you mean {names[close[0]]}?" if close else ""
    if not path.parent.is_dir():
        return RewardError(f"there is no folder {path.parent}", file=str(path), fix=fix)
    return RewardError("there is no such file", file=str(path), fix=fix)


def _missing_function(function: str, source: str, file: str) -> RewardError:
    there = functions_in(source)
    what = f"defines no function {function}; it has {', '.join(there) if there else 'no functions'}"
    close = difflib.get_close_matches(function, there, n=1)
    if function != DEFAULT_FUNCTION and DEFAULT_FUNCTION in there:
        fix = f"leave ':{function}' out"
    elif close:
        fix = f"rename {close[0]} to {function}, or name it: {Path(file).name}:{close[0]}"
    else:
        fix = f"add `def {function}(params):`"
    return RewardError(what, file=file, fix=fix)


def _unknown(ref: str) -> RewardError:
    beside = Path(f"{ref}.py")
    if beside.is_file():
        return RewardError(f"there is no built-in reward '{ref}'", fix=f"did you mean {beside}?")
    if "." in ref:
        with contextlib.suppress(ImportError, ValueError):
            if importlib.util.find_spec(ref) is not None:
                return RewardError(
                    f"there is no built-in reward '{ref}'", fix=f"did you mean {ref}:{DEFAULT_FUNCTION}?"
                )
    close = difflib.get_close_matches(ref, library(), n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"built-in are {', '.join(library())}; or give a file"
    return RewardError(f"there is no built-in reward '{ref}'", fix=hint)
