"""Would the DeepRacer console take this reward function as well?

Its rules, from `reward_func_validator` in aws-deepracer-community/deepracer-simapp. They bind nobody here and
are reported as notes for those who carry a function back and forth.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .problem import Problem
from .static import params_keys, params_names

_MODULES = frozenset({"math", "random", "numpy", "scipy", "shapely"})
_CALLS = frozenset({"open", "exec", "eval", "compile", "input"})
_WORDS = ("__import__", "load", "fromfile", "genfromtxt", "tofile", "save", "memmap")
_ABSENT_KEYS = frozenset({"objects_distance_from_center", "projection_distance", "sim_time"})
_LONGEST = 140_000


def service_notes(source: str, function: str) -> list[Problem]:
    """What the console's validator would refuse, with lines.

    Args:
        source: The file's text, which compiles.
        function: The reward function's name.
    """
    tree = ast.parse(source)
    found = [*_imports(tree), *_calls(tree), *_words(source), *_keys(tree, params_names(tree, function))]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            arguments = node.args
            if len(arguments.posonlyargs + arguments.args + arguments.kwonlyargs) != 1:
                found.append(("takes more than one parameter", node.lineno))
    if function != "reward_function":
        found.append((f"the function must be called reward_function, not {function}", None))
    if len(source) > _LONGEST:
        found.append((f"longer than {_LONGEST} characters", None))
    return [
        Problem("note", f"the DeepRacer console would refuse this: {what}", line=line) for what, line in found
    ]


_Found = tuple[str, int | None]


def _imports(tree: ast.Module) -> Iterator[_Found]:
    inside = {n for f in ast.walk(tree) if isinstance(f, ast.FunctionDef) for n in ast.walk(f)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = [node.module or "."]
        else:
            continue
        for module in modules:
            if module.partition(".")[0] not in _MODULES:
                yield f"module '{module}' is not on its list ({', '.join(sorted(_MODULES))})", node.lineno
        if node in inside:
            yield "import inside a function", node.lineno


def _calls(tree: ast.Module) -> Iterator[_Found]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _CALLS:
            yield f"call of {node.func.id}()", node.lineno


def _words(source: str) -> Iterator[_Found]:
    for word in _WORDS:
        if match := re.search(word, source):
            line = source.count("\n", 0, match.start()) + 1
            yield f"the text contains '{word}', even if only in a name or a comment", line


def _keys(tree: ast.Module, names: set[str]) -> Iterator[_Found]:
    for key, node, raises in params_keys(tree, names):
        if key in _ABSENT_KEYS and raises:
            yield f"its test has no params['{key}']", getattr(node, "lineno", None)
