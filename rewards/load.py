"""Running a reward file: its text, a fresh module made of it, and plain words when either fails."""

from __future__ import annotations

import ast
import contextlib
import difflib
import functools
import importlib
import io
import itertools
import sys
import tokenize
import traceback
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import CodeType, ModuleType

from .errors import RewardError

_ORIGINAL_ONLY = frozenset({"markov", "rl_coach", "rospy", "rospkg", "gazebo_msgs", "deepracer_msgs"})
_serial = itertools.count()


def read_source(path: Path) -> str:
    """The text of a Python file, with any line ends, byte-order mark or coding line that Python accepts.

    Raises:
        RewardError: The file cannot be read, or is not text in the encoding that it claims.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise RewardError(f"cannot be read: {error.strerror}", file=str(path)) from error
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(raw).readline)
        text = raw.decode(encoding)
    except (SyntaxError, UnicodeDecodeError) as error:
        line = raw.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else None
        raise RewardError(
            "is not a text file in UTF-8", file=str(path), line=line, fix="save it with the encoding UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def run_source(source: str, path: Path, package: str = "") -> ModuleType:
    """Run a source text as a new module of its own, so that two cars never share its globals.

    Args:
        source: The text, as `read_source` gives it.
        path: Where it came from; helper modules beside it can be imported while it runs.
        package: The package that relative imports refer to.

    Raises:
        RewardError: It does not compile, or an exception left it while it ran.
    """
    code = _compile(source, str(path))
    module = ModuleType(f"_hairpin_reward_{next(_serial)}_{path.stem}")
    module.__file__ = str(path)
    module.__package__ = package
    # Registered, because dataclasses and pickle look a class's module up by its name.
    sys.modules[module.__name__] = module
    try:
        with importable(Path.cwd() if package else path.parent):
            exec(code, module.__dict__)
    except (Exception, SystemExit) as error:
        del sys.modules[module.__name__]
        raise _explain_import(error, path) from error
    except BaseException:
        del sys.modules[module.__name__]
        raise
    return module


@functools.lru_cache(maxsize=8)
def _compile(source: str, file: str) -> CodeType:
    # Kept, because a world resolves the same file once for each of its cars.
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `check` reports them, with the line
            return compile(source, file, "exec", dont_inherit=True)
    except SyntaxError as error:
        text = f" in `{error.text.strip()}`" if error.text and error.text.strip() else ""
        raise RewardError(
            f"{type(error).__name__}: {error.msg.partition('. ')[0]}{text}",
            file=file,
            line=error.lineno,
            fix=_syntax_fix(error),
        ) from error
    except ValueError as error:  # null bytes, in the first releases of Python 3.11
        raise RewardError(
            f"is not Python source: {error}", file=file, fix="save it as plain UTF-8"
        ) from error


def _syntax_fix(error: SyntaxError) -> str:
    message = error.msg
    if isinstance(error, TabError):
        return "indent with spaces alone: this block mixes tabs and spaces"
    if isinstance(error, IndentationError):
        return "line this block up, four spaces for each level"
    if "print" in message:
        return "Python 3 wants print(...), with parentheses"
    if "except" in message and "parenthesized" in message:
        return "write `except ERROR as name:`"
    if "U+201" in message:
        return "replace the typographic quotes by plain ones"
    if "null bytes" in message:
        return "save it as plain UTF-8"
    if "leading zeros" in message:
        return "drop the leading zeros"
    if "Maybe you meant '=='" in message:
        return "compare with =="
    return ""


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """While it lasts, modules in `folder` can be imported; each time anew, as the reward file itself is."""
    before = set(sys.modules)
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()  # the file beside may be a second old
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            # Helper modules lie beside the file itself; packages installed below it (.venv) do not.
            if file and Path(file).parent == folder and not name.startswith("_hairpin_reward_"):
                del sys.modules[name]


def _explain_import(error: BaseException, path: Path) -> RewardError:
    file = str(path)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename == file]
    line = frames[-1].lineno if frames else None
    if isinstance(error, RewardError):
        return error
    if isinstance(error, ModuleNotFoundError):
        what, fix = missing_module(error.name or "")
        return RewardError(what, file=file, line=line, fix=fix)
    if isinstance(error, SyntaxError):  # in a helper module
        return RewardError(
            f"{type(error).__name__}: {error.msg}",
            file=error.filename,
            line=error.lineno,
            fix=_syntax_fix(error),
        )
    if isinstance(error, SystemExit):
        return RewardError("ends the program while it is imported", file=file, line=line, fix="drop exit()")
    text = str(error).splitlines()[0] if str(error) else ""
    return RewardError(f"{type(error).__name__} while it is imported: {text}", file=file, line=line)


def missing_module(name: str) -> tuple[str, str]:
    """What to say, and what to do, about a module that cannot be imported."""
    top = name.partition(".")[0]
    if top in _ORIGINAL_ONLY:
        return f"module '{name}' exists only inside the DeepRacer simulator", "drop the import"
    if top == "__builtin__" or top in {"ConfigParser", "Queue", "StringIO", "cPickle"}:
        return f"module '{name}' is Python 2's", "use its Python 3 name"
    close = difflib.get_close_matches(top, ["math", "random", "numpy", "scipy", "shapely"], n=1)
    if close and close[0] != top:
        return f"there is no module '{name}'", f"did you mean '{close[0]}'?"
    return f"module '{name}' is not installed", f"pip install {top} (or put {top}.py beside the file)"


def functions_in(source: str) -> list[str]:
    """Names of the functions that a source text defines at its top level."""
    return [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
