"""Does a reward function remember earlier steps? Then each car needs one of its own."""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from types import BuiltinFunctionType, FunctionType, ModuleType, NoneType

from .resolve import DEFAULT_FUNCTION, Reward, resolve

# Everything else that can be imported may hold state of its own.
_STATELESS_MODULES = frozenset({"numpy", "scipy", "shapely", "hairpin"}) | sys.stdlib_module_names
# fmt: off
_MUTATING = frozenset([
    "append", "appendleft", "extend", "extendleft", "insert", "pop", "popleft", "popitem", "remove", "clear",
    "update", "setdefault", "add", "discard", "sort", "reverse", "rotate", "fill", "put", "write", "send",
    "shuffle", "insort", "insort_left", "insort_right", "heappush", "heappop", "heapify", "heapreplace",
    "heappushpop", "setattr", "delattr", "globals", "vars", "locals", "exec", "eval", "next",
])
_MAKES_NEW = frozenset([
    "list", "dict", "set", "sorted", "tuple", "float", "int", "str", "len", "abs", "np", "numpy", "math",
])
_NEW_OBJECTS = (
    ast.List, ast.Dict, ast.Set, ast.Tuple, ast.ListComp, ast.DictComp, ast.SetComp,
    ast.Constant, ast.BinOp, ast.UnaryOp, ast.Compare, ast.JoinedStr,
)
_HARMLESS = (
    bool, int, float, str, bytes, tuple, list, dict, set, frozenset,
    NoneType, type, BuiltinFunctionType, ModuleType,
)
# fmt: on
_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


def is_stateful(reward: Reward) -> bool:
    """Whether a reward function may keep something between calls; True when it cannot be told.

    Read from the source: `global`, attributes and items of what lives outside the function, mutable defaults,
    helper modules. A cache of pure results (`functools.lru_cache`) does not count.
    """
    if isinstance(reward.ref, FunctionType):
        return _keeps_state(reward.ref)
    if not isinstance(reward.ref, str) or reward.source is None:
        return True
    return any(True for _ in _evidence(ast.parse(reward.source)))


def per_car(reward: Reward, count: int) -> list[Reward]:
    """One reward function for each of `count` cars: the same one if it keeps no state, else fresh ones.

    A plain function that was given as such cannot be loaded anew: when it may keep state there is a warning,
    since all cars then share it. Other callables (objects, methods, partials) are copied.
    """
    if count == 1 or not is_stateful(reward):
        return [reward] * count
    if isinstance(reward.ref, str):
        return [reward, *(resolve(reward.ref) for _ in range(count - 1))]
    if not isinstance(reward.ref, FunctionType | BuiltinFunctionType):
        return [resolve(copy.deepcopy(reward.ref)) for _ in range(count)]
    warnings.warn(
        f"reward function {reward.name} may keep state between steps, and {count} cars share it; "
        "give it as a file (or 'module:function') to give each car its own",
        stacklevel=2,
    )
    return [reward] * count


@dataclass(frozen=True)
class _Outside:
    """Names at a module's top level: `objects` come from unknown calls, `containers` are lists and such."""

    objects: frozenset[str]
    containers: frozenset[str]


def _evidence(tree: ast.Module) -> Iterator[ast.AST]:
    outside = _outside(tree)
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.args.args)
    first = {node.args.args[0].arg for node in functions if node.name == DEFAULT_FUNCTION}
    for node in ast.walk(tree):
        if isinstance(node, ast.Global | ast.Nonlocal) or _is_foreign_import(node):
            yield node
        elif isinstance(node, _Function):
            defaults = [*node.args.defaults, *node.args.kw_defaults]
            yield from (d for d in defaults if isinstance(d, ast.List | ast.Dict | ast.Set | ast.Call))
            yield from _touches(node, outside, first | {"params"})


def _is_foreign_import(node: ast.AST) -> bool:
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").partition(".")[0] not in _STATELESS_MODULES
    if isinstance(node, ast.Import):
        return any(alias.name.partition(".")[0] not in _STATELESS_MODULES for alias in node.names)
    return False


def _outside(tree: ast.Module) -> _Outside:
    objects: set[str] = set()
    containers: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            names = _targets(node)
            if isinstance(node.value, ast.Call) and _root(node.value) not in _MAKES_NEW:
                objects |= names
            elif not isinstance(node.value, ast.Constant | ast.UnaryOp | ast.BinOp | ast.Tuple):
                containers |= names
        elif not isinstance(node, _Function | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))
    return _Outside(frozenset(objects), frozenset(containers))


def _touches(function: _Function, outside: _Outside, own_params: set[str]) -> Iterator[ast.AST]:
    """What a function does to objects that outlive the call."""
    fresh, aliases = _locals(function, outside)
    fresh |= own_params
    in_init = isinstance(function, ast.FunctionDef) and function.name == "__init__"
    for node in ast.walk(function):
        if isinstance(node, ast.Attribute | ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
            holder = node.value.id if isinstance(node.value, ast.Name) else ""
            if holder not in fresh and not (in_init and holder == "self"):
                yield node
        elif isinstance(node, ast.AugAssign):
            if isinstance(node.target, ast.Name) and node.target.id in aliases:
                yield node
        elif isinstance(node, ast.Call) and _touching_call(node, fresh, outside):
            yield node


def _touching_call(call: ast.Call, fresh: set[str], outside: _Outside) -> bool:
    root = _root(call.func)
    if root in outside.objects or any(k.arg == "out" for k in call.keywords):
        return True
    if any(isinstance(part, ast.Name) and part.id in outside.objects for part in call.args):
        return True
    if isinstance(call.func, ast.Attribute):
        is_own = isinstance(call.func.value, ast.Name) and root in fresh
        return call.func.attr in _MUTATING and not is_own
    return root in _MUTATING


def _locals(function: _Function, outside: _Outside) -> tuple[set[str], set[str]]:
    """Local names that only ever hold objects made in this call, and those that may hold a module's list."""
    made: set[str] = set()
    other: set[str] = {a.arg for a in [*function.args.args, *function.args.kwonlyargs]}
    aliases: set[str] = set()
    for node in ast.walk(function):
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            is_call = isinstance(node.value, ast.Call) and _root(node.value) in _MAKES_NEW
            names = _targets(node)
            (made if is_call or isinstance(node.value, _NEW_OBJECTS) else other).update(names)
            if _root(node.value) in outside.containers:
                aliases.update(names)
    return made - other, aliases


def _targets(node: ast.Assign | ast.AnnAssign) -> set[str]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _root(node: ast.AST) -> str:
    """The leftmost name of `a.b[c].d()`."""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _keeps_state(function: FunctionType) -> bool:
    """The same for a function object: its source, and all that it names, so far as can be seen."""
    waiting, seen = [function], {function}
    while waiting:
        current = waiting.pop()
        try:
            tree = ast.parse(textwrap.dedent(inspect.getsource(current)))
        except (OSError, SyntaxError):  # no source, or a lambda's, which is the middle of a statement
            return True
        if current.__closure__ or any(True for _ in _evidence(tree)):
            return True
        for name in current.__code__.co_names:
            value = current.__globals__.get(name)
            if isinstance(value, FunctionType):
                if value not in seen:
                    seen.add(value)
                    waiting.append(value)
            elif not isinstance(value, _HARMLESS) and type(value).__module__ != "numpy":
                return True
    return False
