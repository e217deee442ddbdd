"""Sets, and functions that leave items out."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product
from typing import Any

from mlguard.parse.terraform.conversion import converted, identity, set_of
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.collection import items_of
from mlguard.parse.terraform.functions.signature import Call, Function, Run, counted, function, seen
from mlguard.parse.terraform.type_system import Collection, Tuple, Type, unified
from mlguard.parse.terraform.values import MAX_ITEMS, ListItems, SetItems, hidden, is_known, type_of
from mlguard.value import Content, Items, Node, Reference, Unknown


def _distinct(call: Call) -> Content:
    found = items_of(call[0])
    element: Type = found.element if isinstance(found, ListItems) else "any"
    if not all(is_known(node) or isinstance(node.content, Reference) for node in found.nodes):
        return ListItems((), hidden(call.arguments), element)
    kept: dict[object, Node] = {}
    for node in found.nodes:
        kept.setdefault(node.content if isinstance(node.content, Reference) else identity(node), node)
    return ListItems(tuple(kept.values()), found.rest, element)


def _compact(call: Call) -> Content:
    found = items_of(call[0])
    open_nodes = [node for node in found.nodes if isinstance(node.content, Unknown)]
    kept = [node for node in found.nodes if not isinstance(node.content, Unknown) and node.content not in (None, "")]
    return Items(tuple(kept), found.rest or (hidden(open_nodes) if open_nodes else None))


def _setproduct(call: Call) -> Content:
    """Combine every item with every other; a set where one of the arguments is one."""
    if len(call.arguments) < 2:  # noqa: PLR2004  (a product has two sides)
        raise FailureError("at least two lists or sets were expected")
    lists = [items_of(argument) for argument in call.arguments]
    if math.prod(len(found.nodes) for found in lists) * len(lists) > MAX_ITEMS:
        raise NotEvaluatedError(f"a product of more than {MAX_ITEMS:,} items")
    typed = [converted(argument, Collection("list", "any")) for argument in call.arguments]
    parts = [node.content for node in typed if isinstance(node.content, ListItems)]
    element = Tuple(tuple(part.element for part in parts))
    rows = [Node(Items(row), call.span) for row in product(*(part.nodes for part in parts))]
    if any(isinstance(found, SetItems) for found in lists):
        return set_of(rows, element)
    return ListItems(tuple(rows), None, element)


def _sets(keep: Callable[[set[Any], list[set[Any]]], set[Any]]) -> Run:
    """Make a function of sets from one of the identities of their items."""

    def combined(call: Call) -> Content:
        common = unified([type_of(argument) for argument in call.arguments])
        if not isinstance(common, Collection) and common != "any":
            raise FailureError("the sets have items of types that do not go together")
        if not all(is_known(argument) for argument in call.arguments):
            return call.hidden()
        nodes: dict[Any, Node] = {}
        sets: list[set[Any]] = []
        for argument in call.arguments:
            named = {identity(node): node for node in items_of(converted(argument, common)).nodes}
            nodes = {**named, **nodes}
            sets.append(set(named))
        kept = keep(sets[0], sets[1:])
        element: Type = common.element if isinstance(common, Collection) else "any"
        return set_of((node for name, node in nodes.items() if name in kept), element)

    return combined


def _matchkeys(call: Call) -> Content:
    values, keys, wanted = (items_of(argument) for argument in call.arguments)
    if len(values.nodes) != len(keys.nodes):
        raise FailureError("the lists have different lengths")
    if not all(is_known(argument) for argument in call.arguments[1:]):
        return call.hidden()
    common = unified([type_of(argument) for argument in call.arguments[1:]])
    if not isinstance(common, Collection):
        raise FailureError("the keys have types that do not go together")
    found = {identity(converted(node, common.element)) for node in wanted.nodes}
    pairs = zip(values.nodes, keys.nodes, strict=True)
    kept = [value for value, key in pairs if identity(converted(key, common.element)) in found]
    return ListItems(tuple(kept), None, values.element if isinstance(values, ListItems) else "any")


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("compact", "list(string) -> list(string)", seen(_compact)),
    ("distinct", "list(any) -> any", seen(_distinct)),
    ("matchkeys", "list(any) list(any) list(any) -> any", counted(_matchkeys)),
    ("setintersection", "set(any) set(any)* -> any", _sets(lambda first, others: first.intersection(*others))),
    ("setproduct", "any* -> any", counted(_setproduct)),
    ("setsubtract", "set(any) set(any) -> any", _sets(lambda first, others: first.difference(*others))),
    ("setunion", "set(any) set(any)* -> any", _sets(lambda first, others: first.union(*others))),
)
SETS: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
