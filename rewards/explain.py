"""From an exception inside a reward function to one line: where, with which values, and how to mend it."""

from __future__ import annotations

import ast
import builtins
import difflib
import linecache
import re
import traceback
from collections.abc import Iterable, Mapping
from typing import Any

from .errors import RewardError
from .load import missing_module
from .params import PARAMS
from .resolve import Reward

_PYTHON_2 = {"xrange": "range", "unicode": "str", "raw_input": "input", "long": "int", "basestring": "str"}
_USUAL_IMPORTS = {
    "math": "import math",
    "np": "import numpy as np",
    "numpy": "import numpy",
    "random": "import random",
}


def explain(error: BaseException, reward: Reward, params: Mapping[str, Any]) -> RewardError:
    """Describe an exception that left a reward function.

    Args:
        error: The exception, with its traceback.
        reward: The reward function.
        params: What it was called with.

    Returns:
        An error that names the line, its text, the values in it and, where one is known, the fix.
    """
    line, names = _failing_frame(error, reward)
    text = _line_text(reward, line)
    used = _values(text, names, params)
    what = f"{_message(error)} at step {params.get('steps', 0):g}"
    if text:
        what += f" in `{text}`"
    if used:
        what += " with " + ", ".join(f"{name}={value}" for name, value in used.items())
    fix = _fix(error, text, names, params)
    return RewardError(what, file=reward.file or reward.name, line=line, fix=fix)


def _failing_frame(error: BaseException, reward: Reward) -> tuple[int | None, Mapping[str, Any]]:
    """The last line of the user's own file that ran, with its variables; libraries below it are skipped."""
    frames = list(traceback.walk_tb(error.__traceback__))[1:]  # the first is our own call
    own = [(frame, line) for frame, line in frames if frame.f_code.co_filename == reward.file]
    if not own:
        return None, {}
    frame, line = own[-1]
    return line, {**frame.f_globals, **frame.f_locals}


def _line_text(reward: Reward, line: int | None) -> str:
    if line is None or reward.file is None:
        return ""
    if isinstance(reward.ref, str) and reward.source is not None:
        rows = reward.source.splitlines()  # the text that runs; the file may have been edited since
        return rows[line - 1].strip() if line <= len(rows) else ""
    return linecache.getline(reward.file, line).strip()


def _values(text: str, names: Mapping[str, Any], params: Mapping[str, Any]) -> dict[str, str]:
    """Numbers and short lists that the failing line reads."""
    found: dict[str, str] = {}
    for node in _nodes(text):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value in params:
            found[node.value] = _short(params[node.value])
        elif isinstance(node, ast.Name) and isinstance(names.get(node.id), bool | int | float | str | None):
            if node.id in names:
                found[node.id] = _short(names[node.id])
        elif isinstance(node, ast.Name) and isinstance(names.get(node.id), list | tuple):
            found[f"len({node.id})"] = str(len(names[node.id]))
    return dict(list(found.items())[:8])


def _nodes(text: str) -> Iterable[ast.AST]:
    # A line may open a block (`if x:`) or continue one (`elif x:`), and is then no statement by itself.
    for candidate in (text, f"{text}\n    pass", f"if 0: pass\n{text}\n    pass", text.strip("()[],")):
        try:
            return ast.walk(ast.parse(candidate))
        except SyntaxError:
            continue
    return ()


def _short(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple) and len(value) > 3:
        return f"[{len(value)} entries]"
    text = repr(value)
    return text if len(text) <= 40 else text[:37] + "..."


def _message(error: BaseException) -> str:
    if isinstance(error, KeyError):
        return f"KeyError {error.args[0]!r}" if error.args else "KeyError"
    if isinstance(error, SystemExit):
        return "it ended the program"
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _fix(error: BaseException, text: str, names: Mapping[str, Any], params: Mapping[str, Any]) -> str:
    match error:
        case KeyError():
            return _fix_key(error.args[0] if error.args else None)
        case ZeroDivisionError():
            return "keep the divisor above zero, for example `a / max(b, 1e-6)`"
        case IndexError():
            if "object" in text and not params.get("objects_location"):
                return "the objects_* lists are empty when the track has no objects: test their length first"
            return "wrap the index round the lap: `waypoints[i % len(waypoints)]`"
        case UnboundLocalError():
            return f"if it lasts between steps, make `global {_quoted(error)}` the function's first line"
        case NameError():
            return _fix_name(error.name or "", names)
        case AttributeError():
            return _fix_attribute(error)
        case ModuleNotFoundError():
            return missing_module(error.name or "")[1] + "; import it at the top of the file"
        case RecursionError():
            return "the function calls itself without end"
        case ValueError() if "math domain" in str(error):
            return "clamp the argument: acos and asin want -1..1, sqrt wants 0 or more"
        case TypeError() if "NoneType" in str(error):
            return "something in this line is None: set it before the first step, or look for a .get()"
    return "drop exit()" if isinstance(error, SystemExit) else ""


def _fix_key(key: object) -> str:
    if not isinstance(key, str):
        return ""
    if close := difflib.get_close_matches(key, PARAMS, n=1):
        return f"did you mean '{close[0]}'?"
    return f"params has {', '.join(PARAMS)}"


def _fix_name(name: str, names: Mapping[str, Any]) -> str:
    if name in _PYTHON_2:
        return f"'{name}' is Python 2's: use '{_PYTHON_2[name]}'"
    if name in _USUAL_IMPORTS:
        return f"add `{_USUAL_IMPORTS[name]}` at the top of the file"
    if name in PARAMS:
        return f"read it first: {name} = params['{name}']"
    close = difflib.get_close_matches(name, [*names, *dir(builtins)], n=1)
    return f"did you mean '{close[0]}'?" if close else "give it a value before this line"


def _quoted(error: BaseException) -> str:
    """The first quoted word of an error's text."""
    return next(iter(re.findall(r"'([^']*)'", str(error))), "")


def _fix_attribute(error: AttributeError) -> str:
    gone = re.match(r"module 'numpy' has no attribute '(float|int|bool|object|str)'", str(error))
    if gone is not None:
        return f"numpy has dropped np.{gone[1]}: use {gone[1]}"
    if isinstance(error.obj, dict) and error.name in PARAMS:
        return f"write params['{error.name}']"
    close = difflib.get_close_matches(error.name or "", dir(error.obj), n=1)
    return f"did you mean '{close[0]}'?" if close else ""
