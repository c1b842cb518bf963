"""What can be said of a reward function without running it: a walk over its syntax tree."""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Iterator

from .params import PARAMS
from .problem import Problem

_TRIGONOMETRY = frozenset({"sin", "cos", "tan"})
_IN_DEGREES = frozenset({"heading", "steering_angle"})
_STEPS = frozenset({"steps"})
FIRST_STEP = 2  # that the first call of an episode sees: the preparing step counts
_READERS = frozenset({"open", "load", "loadtxt", "genfromtxt", "fromfile", "read_csv"})


def static_problems(source: str, function: str) -> list[Problem]:
    """Read a reward file: unknown keys, paths without a return, degrees in radian functions, slow habits.

    Args:
        source: The file's text, which compiles.
        function: The reward function's name.
    """
    tree = ast.parse(source)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    names = params_names(tree, function)
    found = [*_compiler_warnings(source), *_unknown_keys(tree, names)]
    for node in functions:
        found += _missing_return(node, node.name == function)
        found += _degrees(node, names)
        found += _first_steps(node, names)
        found += _file_reads(node)
    return found


def _compiler_warnings(source: str) -> Iterator[Problem]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        compile(source, "<reward>", "exec", dont_inherit=True)
    for warning in caught:
        yield Problem("warning", f"Python warns: {warning.message}", line=warning.lineno)


def params_names(tree: ast.Module, function: str) -> set[str]:
    """What a file calls its params: the reward function's first parameter, and `params` in its helpers."""
    defined = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function)
    return {"params"} | {node.args.args[0].arg for node in defined if node.args.args}


def params_keys(tree: ast.AST, names: set[str]) -> Iterator[tuple[str, ast.AST, bool]]:
    """Each literal key that is read from params: (key, node, whether a missing one raises KeyError)."""
    key: ast.expr | None
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load):
            holder, key, raises = node.value, node.slice, True
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get":
            holder, key, raises = node.func.value, node.args[0] if node.args else None, False
        else:
            continue
        is_params = isinstance(holder, ast.Name) and holder.id in names
        if is_params and isinstance(key, ast.Constant) and isinstance(key.value, str):
            yield key.value, node, raises


def _unknown_keys(tree: ast.Module, names: set[str]) -> Iterator[Problem]:
    # Keys that the file itself stores or asks for (`if "k" in params`) are known to it.
    own = {
        node.slice.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Subscript)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.slice, ast.Constant)
    }
    own |= {
        node.left.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Constant)
    }
    for key, node, raises in params_keys(tree, names):
        if key in PARAMS or key in own:
            continue
        close = difflib.get_close_matches(key, PARAMS, n=1)
        fix = f"did you mean '{close[0]}'?" if close else f"params has {', '.join(PARAMS)}"
        effect = "this line fails when it is reached" if raises else "this .get() always gives its default"
        yield Problem(
            "error" if raises else "warning",
            f"params has no key '{key}': {effect}",
            line=getattr(node, "lineno", None),
            fix=fix,
        )


def _missing_return(function: ast.FunctionDef, is_reward: bool) -> Iterator[Problem]:
    returns = [n for n in ast.walk(function) if isinstance(n, ast.Return)]
    if not is_reward or not any(node.value is not None for node in returns):
        return  # without any return, running it shows None
    fix = "end the function with `return float(reward)`"
    for node in returns:
        if node.value is None and _owner(function, node) is function:
            yield Problem("error", "`return` without a value gives None", line=node.lineno, fix=fix)
    if _falls_through(function.body):
        what = "may end without `return` (when no branch applies), which gives None"
        yield Problem("warning", what, line=function.lineno, fix=fix)


def _owner(function: ast.FunctionDef, node: ast.AST) -> ast.AST:
    inner = [f for f in ast.walk(function) if isinstance(f, ast.FunctionDef) and f is not function]
    return next((f for f in inner if any(part is node for part in ast.walk(f))), function)


def _falls_through(body: list[ast.stmt]) -> bool:
    """Whether a block's end can be reached; True only where that is plain to see."""
    last = body[-1]
    match last:
        case ast.Return() | ast.Raise():
            return False
        case ast.If():
            return not last.orelse or _falls_through(last.body) or _falls_through(last.orelse)
        case ast.With():
            return _falls_through(last.body)
        case ast.Try():
            if last.finalbody and not _falls_through(last.finalbody):
                return False
            ends = [last.orelse or last.body, *(handler.body for handler in last.handlers)]
            return any(_falls_through(end) for end in ends)
        case ast.While() | ast.Match() | ast.For():
            return False  # cannot be told by looking
    return True


def _first_steps(function: ast.FunctionDef, names: set[str]) -> Iterator[Problem]:
    """Tests for a first step that no call sees: `steps` is 2 then, since the preparing step counts."""
    held = {
        node.targets[0].id
        for node in ast.walk(function)
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and _key(node.value, names, _STEPS) is not None
    }
    for node in ast.walk(function):
        match node:
            case ast.Compare(left=left, ops=[op], comparators=[ast.Constant(value=int(value))]):
                limit = {ast.Eq: value, ast.LtE: value, ast.Lt: value - 1}.get(type(op), FIRST_STEP)
            case _:
                continue
        is_steps = left.id in held if isinstance(left, ast.Name) else _key(left, names, _STEPS) is not None
        if is_steps and limit < FIRST_STEP:
            what = f"`{ast.unparse(node)}` is never true: the first call of an episode sees steps == 2"
            yield Problem("warning", what, node.lineno, fix=f"{ast.unparse(left)} <= {FIRST_STEP}")


def _degrees(function: ast.FunctionDef, names: set[str]) -> Iterator[Problem]:
    holders: dict[str, str] = {}
    assigned: list[str] = []
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            assigned.append(node.targets[0].id)
            if (key := _key(node.value, names, _IN_DEGREES)) is not None:
                holders[node.targets[0].id] = key
    holders = {name: key for name, key in holders.items() if assigned.count(name) == 1}
    for node in ast.walk(function):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or len(node.args) != 1:
            continue
        if node.func.attr not in _TRIGONOMETRY:
            continue
        argument = node.args[0]
        key = (
            holders.get(argument.id) if isinstance(argument, ast.Name) else _key(argument, names, _IN_DEGREES)
        )
        if key is not None:
            yield Problem(
                "warning",
                f"'{key}' is in degrees, but {node.func.attr}() takes radians",
                line=node.lineno,
                fix=f"{node.func.attr}(math.radians(...))",
            )


def _key(node: ast.AST, names: set[str], wanted: frozenset[str]) -> str | None:
    """The key that an expression reads from params and no more, if it is one of those wanted."""
    return next((key for key, where, _ in params_keys(node, names) if where is node and key in wanted), None)


def _file_reads(function: ast.FunctionDef) -> Iterator[Problem]:
    if function.name == "__init__":
        return
    for node in ast.walk(function):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in _READERS:
            fix = "read it once, at the top of the file"
            yield Problem(
                "warning", f"{name}() inside a function reads a file at each step", line=node.lineno, fix=fix
            )
