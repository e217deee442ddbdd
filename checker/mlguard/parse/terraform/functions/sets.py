"""Sets, and conversions between collections."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product

from mlguard.parse.terraform.functions.arguments import (
    Function,
    known_arguments,
    list_of,
    map_of,
    whole_arguments,
)
from mlguard.parse.terraform.functions.encoding import jsonencode
from mlguard.parse.terraform.values import (
    MAX_ITEMS,
    FailureError,
    SetItems,
    boolean,
    hidden,
    is_known,
    number,
    plain,
    unknown,
)
from mlguard.source import Span
from mlguard.value import Content, Items, Node, Reference, Unknown, text_of


def _unique(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """Leave out repetitions; FailureError where an item is not known well enough to tell."""
    found: dict[object, Node] = {}
    for node in nodes:
        content = node.content
        known = content if isinstance(content, Reference) else ("", _identity(plain(node)))
        found.setdefault(known, node)
    return tuple(found.values())


def _identity(value: object) -> str:
    return jsonencode(value)


def _distinct(arguments: list[Node], _span: Span) -> Content:
    found = list_of(arguments[0])
    if not all(is_known(node) or isinstance(node.content, Reference) for node in found.nodes):
        return Items((), hidden(arguments))
    return Items(_unique(found.nodes), found.rest)


def _compact(arguments: list[Node], _span: Span) -> Content:
    found = list_of(arguments[0])
    kept = [node for node in found.nodes if not isinstance(node.content, Unknown) and node.content not in (None, "")]
    open_nodes = [node for node in found.nodes if isinstance(node.content, Unknown)]
    return Items(tuple(kept), found.rest or (hidden(open_nodes) if open_nodes else None))


def _toset(arguments: list[Node], _span: Span) -> Content:
    found = list_of(arguments[0])
    known = [node for node in found.nodes if is_known(node) or isinstance(node.content, Reference)]
    others = [node for node in found.nodes if node not in known] if len(known) < len(found.nodes) else []
    nodes = list(_unique(tuple(known)))
    if all(isinstance(node.content, str) for node in nodes):
        nodes.sort(key=lambda node: str(node.content))
    return SetItems(tuple(nodes), found.rest or (hidden(others) if others else None))


def _tolist(arguments: list[Node], _span: Span) -> Content | Node:
    content = arguments[0].content
    if isinstance(content, SetItems):
        return Items(content.nodes, content.rest)
    return arguments[0] if content is None else list_of(arguments[0])


def _tomap(arguments: list[Node], _span: Span) -> Content | Node:
    return arguments[0] if arguments[0].content is None else map_of(arguments[0])


def _to_scalar(convert: Callable[[Content], Content]) -> Function:
    def converted(arguments: list[Node], _span: Span) -> Content | Node:
        content = arguments[0].content
        return arguments[0] if content is None or unknown(content) else convert(content)

    return converted


def _setproduct(arguments: list[Node], span: Span) -> Content:
    lists = [list_of(argument) for argument in arguments]
    if math.prod(len(found.nodes) for found in lists) * len(lists) > MAX_ITEMS:
        raise FailureError(f"a product of more than {MAX_ITEMS:,} items")
    rows = tuple(Node(Items(row), span) for row in product(*(found.nodes for found in lists)))
    return SetItems(rows) if all(isinstance(found, SetItems) for found in lists) else Items(rows)


def _sets(keep: Callable[[set[str], list[set[str]]], set[str]]) -> Function:
    """Make a function of sets from one of the identities of their items."""

    def combined(arguments: list[Node], _span: Span) -> Content:
        if not all(is_known(argument) for argument in arguments):
            return hidden(arguments)
        nodes: dict[str, Node] = {}
        sets: list[set[str]] = []
        for argument in arguments:
            named = {_identity(plain(node)): node for node in list_of(argument).nodes}
            nodes = {**named, **nodes}
            sets.append(set(named))
        kept = keep(sets[0], sets[1:])
        return SetItems(tuple(nodes[name] for name in sorted(nodes) if name in kept))

    return combined


def _matchkeys(arguments: list[Node], _span: Span) -> Content:
    if not all(is_known(argument) for argument in arguments[1:]):
        return hidden(arguments)
    values, keys = list_of(arguments[0]).nodes, list_of(arguments[1]).nodes
    wanted = {_identity(plain(node)) for node in list_of(arguments[2]).nodes}
    pairs = zip(values, keys, strict=True)
    return Items(tuple(value for value, key in pairs if _identity(plain(key)) in wanted))


def _difference(first: set[str], others: list[set[str]]) -> set[str]:
    return first.difference(*others)


SETS: Mapping[str, Function] = {
    "compact": known_arguments(_compact),
    "distinct": known_arguments(_distinct),
    "matchkeys": whole_arguments(_matchkeys),
    "setintersection": _sets(lambda first, others: first.intersection(*others)),
    "setproduct": whole_arguments(_setproduct),
    "setsubtract": _sets(_difference),
    "setunion": _sets(lambda first, others: first.union(*others)),
    "tobool": _to_scalar(boolean),
    "tolist": known_arguments(_tolist),
    "tomap": known_arguments(_tomap),
    "tonumber": _to_scalar(number),
    "toset": known_arguments(_toset),
    "tostring": _to_scalar(text_of),
}
