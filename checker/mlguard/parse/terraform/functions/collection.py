"""Lists, sets and maps: functions that keep the places of the items that they hand on."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from itertools import product

from mlguard.parse.terraform.functions.encoding import jsonencode
from mlguard.parse.terraform.values import (
    MAX_ITEMS,
    FailureError,
    SetItems,
    boolean,
    equal,
    hidden,
    is_known,
    number,
    plain,
    text,
    unchanged_no_more,
    unknown,
)
from mlguard.source import Span
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, text_of

Function = Callable[[list[Node], Span], Content | Node]
_PLACEHOLDER = "\ue000"


def _list_of(node: Node) -> Items:
    if not isinstance(node.content, Items):
        raise FailureError("a list was expected")
    return node.content


def _map_of(node: Node) -> Entries:
    if node.content is None:
        return Entries({})
    if not isinstance(node.content, Entries):
        raise FailureError("a map was expected")
    return node.content


def _known(function: Function) -> Function:
    """Give Unknown where an argument itself is unknown; its items may be."""

    def guarded(arguments: list[Node], span: Span) -> Content | Node:
        if any(unknown(argument.content) for argument in arguments):
            return hidden(arguments)
        return function(arguments, span)

    return guarded


def _whole(function: Function) -> Function:
    """Give Unknown where an argument or any number of items in it is unknown; each item may be."""

    def guarded(arguments: list[Node], span: Span) -> Content | Node:
        for argument in arguments:
            content = argument.content
            if unknown(content) or (isinstance(content, Items | Entries) and content.rest is not None):
                return hidden(arguments)
        return function(arguments, span)

    return guarded


def _concat(arguments: list[Node], _span: Span) -> Content:
    nodes: list[Node] = []
    rest: Unknown | None = None
    for argument in arguments:
        reason = unknown(argument.content)
        found = Items((), reason) if reason else _list_of(argument)
        nodes.extend(found.nodes)
        rest = rest or found.rest
    return Items(_bounded(nodes), rest)


def _bounded(nodes: list[Node]) -> tuple[Node, ...]:
    if len(nodes) > MAX_ITEMS:
        raise FailureError(f"a list of more than {MAX_ITEMS:,} items")
    return tuple(nodes)


def _merge(arguments: list[Node], span: Span) -> Content:
    """Merge maps: after an unknown one, earlier keys are there, with a value that is not known."""
    nodes: dict[str, Node] = {}
    rest: Unknown | None = None
    for argument in arguments:
        reason = unknown(argument.content)
        found = Entries({}, reason) if reason else _map_of(argument)
        if found.rest is not None:
            rest = rest or found.rest
            nodes = {key: Node(found.rest, node.span, node.key_span) for key, node in nodes.items()}
        nodes.update(found.nodes)
    if len(nodes) > MAX_ITEMS:
        raise FailureError(f"a map of more than {MAX_ITEMS:,} keys for {span.path}")
    return Entries(nodes, rest)


def _lookup(arguments: list[Node], _span: Span) -> Content | Node:
    whole, key, *default = arguments
    if unknown(whole.content) or unknown(key.content):
        return hidden(arguments[:2])
    found = _map_of(whole)
    name = text(key.content)
    if name in found.nodes:
        return _from(whole, found.nodes[name])
    if found.rest is not None:
        return hidden((Node(found.rest, whole.span), *default))
    if default:
        return unchanged_no_more(default[0])
    raise FailureError(f"there is no element {name!r}")


def _from(whole: Node, found: Node) -> Node:
    origins = (*unchanged_no_more(whole).origins, *unchanged_no_more(found).origins)
    return Node(found.content, found.span, None, origins)


def _element(arguments: list[Node], _span: Span) -> Content | Node:
    nodes = _list_of(arguments[0]).nodes
    if not nodes:
        raise FailureError("the list is empty")
    index = int(number(arguments[1].content))
    if index < 0:
        raise FailureError("the index is negative")
    return _from(arguments[0], nodes[index % len(nodes)])


def _length(arguments: list[Node], _span: Span) -> Content:
    content = arguments[0].content
    if isinstance(content, str):
        return len(content)
    if isinstance(content, Items | Entries):
        return len(content.nodes)
    raise FailureError("a list, a map or a text was expected")


def _keys(arguments: list[Node], span: Span) -> Content:
    found = _map_of(arguments[0])
    return Items(tuple(Node(key, span) for key in sorted(found.nodes)), found.rest)


def _values(arguments: list[Node], _span: Span) -> Content:
    found = _map_of(arguments[0])
    return Items(tuple(found.nodes[key] for key in sorted(found.nodes)), found.rest)


def _contains(arguments: list[Node], _span: Span) -> Content:
    found = _list_of(arguments[0])
    answers = [equal(node, arguments[1]) for node in found.nodes]
    if True in answers:
        return True
    return hidden(arguments) if None in answers or found.rest is not None else False


def _index(arguments: list[Node], _span: Span) -> Content:
    for position, node in enumerate(_list_of(arguments[0]).nodes):
        same = equal(node, arguments[1])
        if same is None:
            return hidden(arguments)
        if same:
            return position
    raise FailureError("the list does not hold that")


def _coalesce(arguments: list[Node], _span: Span) -> Content | Node:
    for position, argument in enumerate(arguments):
        if isinstance(argument.content, Reference) and position == 0:
            return unchanged_no_more(argument)
        if unknown(argument.content):
            return hidden(arguments[position:])
        if argument.content is not None and argument.content != "":
            return unchanged_no_more(argument)
    raise FailureError("no argument has a value")


def _coalescelist(arguments: list[Node], _span: Span) -> Content | Node:
    for argument in arguments:
        if unknown(argument.content):
            return hidden(arguments)
        found = _list_of(argument)
        if found.nodes:
            return argument
        if found.rest is not None:
            return hidden(arguments)
    raise FailureError("every list is empty")


def _flatten(arguments: list[Node], _span: Span) -> Content:
    nodes: list[Node] = []
    rest: list[Unknown] = []

    def into(found: Items, depth: int) -> None:
        if depth > MAX_ITEMS // 200:
            raise FailureError("lists nested too deeply")
        if found.rest is not None:
            rest.append(found.rest)
        for node in found.nodes:
            if isinstance(node.content, Items):
                into(node.content, depth + 1)
            elif isinstance(node.content, Unknown):
                rest.append(node.content)
            else:
                nodes.append(node)
        _bounded(nodes)

    into(_list_of(arguments[0]), 0)
    return Items(tuple(nodes), rest[0] if rest else None)


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
    found = _list_of(arguments[0])
    if not all(is_known(node) or isinstance(node.content, Reference) for node in found.nodes):
        return Items((), hidden(arguments))
    return Items(_unique(found.nodes), found.rest)


def _compact(arguments: list[Node], _span: Span) -> Content:
    found = _list_of(arguments[0])
    kept = [node for node in found.nodes if not isinstance(node.content, Unknown) and node.content not in (None, "")]
    open_nodes = [node for node in found.nodes if isinstance(node.content, Unknown)]
    return Items(tuple(kept), found.rest or (hidden(open_nodes) if open_nodes else None))


def _toset(arguments: list[Node], _span: Span) -> Content:
    found = _list_of(arguments[0])
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
    return arguments[0] if content is None else _list_of(arguments[0])


def _tomap(arguments: list[Node], _span: Span) -> Content | Node:
    return arguments[0] if arguments[0].content is None else _map_of(arguments[0])


def _to_scalar(convert: Callable[[Content], Content]) -> Function:
    def converted(arguments: list[Node], _span: Span) -> Content | Node:
        content = arguments[0].content
        return arguments[0] if content is None or unknown(content) else convert(content)

    return converted


def _zipmap(arguments: list[Node], _span: Span) -> Content:
    keys, values = _list_of(arguments[0]).nodes, _list_of(arguments[1]).nodes
    if any(unknown(key.content) for key in keys):
        return Entries({}, hidden(keys))
    if len(keys) != len(values):
        raise FailureError("the lists have different lengths")
    return Entries({text(key.content): value for key, value in zip(keys, values, strict=True)})


def _slice(arguments: list[Node], _span: Span) -> Content:
    nodes = _list_of(arguments[0]).nodes
    start, end = (int(number(argument.content)) for argument in arguments[1:])
    if not 0 <= start <= end <= len(nodes):
        raise FailureError("the list is shorter than that")
    return Items(nodes[start:end])


def _reverse(arguments: list[Node], _span: Span) -> Content:
    return Items(_list_of(arguments[0]).nodes[::-1])


def _sort(arguments: list[Node], _span: Span) -> Content:
    if not is_known(arguments[0]):
        return hidden(arguments)
    return Items(tuple(sorted(_list_of(arguments[0]).nodes, key=lambda node: text(node.content))))


def _one(arguments: list[Node], _span: Span) -> Content | Node:
    nodes = _list_of(arguments[0]).nodes
    if len(nodes) > 1:
        raise FailureError("the list has more than one item")
    return nodes[0] if nodes else None


def _chunklist(arguments: list[Node], span: Span) -> Content:
    nodes, size = _list_of(arguments[0]).nodes, int(number(arguments[1].content))
    if size <= 0:
        return Items((arguments[0],))
    return Items(tuple(Node(Items(nodes[at : at + size]), span) for at in range(0, len(nodes), size)))


def _setproduct(arguments: list[Node], span: Span) -> Content:
    lists = [_list_of(argument) for argument in arguments]
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
            named = {_identity(plain(node)): node for node in _list_of(argument).nodes}
            nodes = {**named, **nodes}
            sets.append(set(named))
        kept = keep(sets[0], sets[1:])
        return SetItems(tuple(nodes[name] for name in sorted(nodes) if name in kept))

    return combined


def _matchkeys(arguments: list[Node], _span: Span) -> Content:
    if not all(is_known(argument) for argument in arguments[1:]):
        return hidden(arguments)
    values, keys = _list_of(arguments[0]).nodes, _list_of(arguments[1]).nodes
    wanted = {_identity(plain(node)) for node in _list_of(arguments[2]).nodes}
    pairs = zip(values, keys, strict=True)
    return Items(tuple(value for value, key in pairs if _identity(plain(key)) in wanted))


def _transpose(arguments: list[Node], span: Span) -> Content:
    if not is_known(arguments[0]):
        return hidden(arguments)
    turned: dict[str, list[Node]] = {}
    for key, values in sorted(_map_of(arguments[0]).nodes.items()):
        for value in _list_of(values).nodes:
            turned.setdefault(text(value.content), []).append(Node(key, span))
    return Entries({key: Node(Items(tuple(nodes)), span) for key, nodes in turned.items()})


def _truth(stops: object) -> Function:
    def over(arguments: list[Node], _span: Span) -> Content:
        found = _list_of(arguments[0])
        open_nodes = [node for node in found.nodes if unknown(node.content)]
        answers = [boolean(node.content) for node in found.nodes if not unknown(node.content)]
        if stops in answers:
            return bool(stops)
        return hidden(arguments) if open_nodes or found.rest is not None else not stops

    return over


def _jsonencode(arguments: list[Node], _span: Span) -> Content:
    """Encode as JSON; unknown parts stand as `*` in the pattern of a partly known text."""
    if is_known(arguments[0]):
        return jsonencode(plain(arguments[0]))
    if unknown(arguments[0].content):
        return hidden(arguments)
    written = jsonencode(_sketch(arguments[0], 0))
    return hidden(arguments, written.replace(f'"{_PLACEHOLDER}"', "*"))


def _sketch(node: Node, depth: int) -> object:
    content = node.content
    if depth > MAX_ITEMS // 200:
        raise FailureError("the value is nested too deeply")
    if isinstance(content, Unknown):
        return _PLACEHOLDER if content.pattern == "*" else content.pattern
    if isinstance(content, Reference):
        return _PLACEHOLDER
    if isinstance(content, Entries):
        return {key: _sketch(below, depth + 1) for key, below in content.nodes.items()}
    if isinstance(content, Items):
        return [_sketch(below, depth + 1) for below in content.nodes]
    return content


def _same(arguments: list[Node], _span: Span) -> Node:
    return arguments[0]


def _difference(first: set[str], others: list[set[str]]) -> set[str]:
    return first.difference(*others)


COLLECTION: Mapping[str, Function] = {
    "alltrue": _known(_truth(stops=False)),
    "anytrue": _known(_truth(stops=True)),
    "chunklist": _whole(_chunklist),
    "coalesce": _coalesce,
    "coalescelist": _coalescelist,
    "compact": _known(_compact),
    "concat": _concat,
    "contains": _known(_contains),
    "distinct": _known(_distinct),
    "element": _whole(_element),
    "flatten": _known(_flatten),
    "index": _whole(_index),
    "issensitive": _whole(lambda _arguments, _span: False),
    "jsonencode": _jsonencode,
    "keys": _known(_keys),
    "length": _whole(_length),
    "lookup": _lookup,
    "matchkeys": _whole(_matchkeys),
    "merge": _merge,
    "nonsensitive": _same,
    "one": _whole(_one),
    "reverse": _whole(_reverse),
    "sensitive": _same,
    "setintersection": _sets(lambda first, others: first.intersection(*others)),
    "setproduct": _whole(_setproduct),
    "setsubtract": _sets(_difference),
    "setunion": _sets(lambda first, others: first.union(*others)),
    "slice": _whole(_slice),
    "sort": _known(_sort),
    "tobool": _to_scalar(boolean),
    "tolist": _known(_tolist),
    "tomap": _known(_tomap),
    "tonumber": _to_scalar(number),
    "toset": _known(_toset),
    "tostring": _to_scalar(text_of),
    "transpose": _known(_transpose),
    "values": _known(_values),
    "zipmap": _whole(_zipmap),
}
