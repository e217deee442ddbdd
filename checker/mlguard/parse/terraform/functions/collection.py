"""Lists, sets and maps: functions that keep the places of the items that they hand on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mlguard.parse.terraform.functions.arguments import (
    Function,
    bounded,
    known_arguments,
    list_of,
    map_of,
    whole_arguments,
)
from mlguard.parse.terraform.functions.encoding import jsonencode
from mlguard.parse.terraform.functions.sets import SETS
from mlguard.parse.terraform.values import (
    MAX_ITEMS,
    FailureError,
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
from mlguard.value import Content, EncodedText, Entries, Items, Node, Reference, Unknown

_PLACEHOLDER = "\ue000"


def _concat(arguments: list[Node], _span: Span) -> Content:
    nodes: list[Node] = []
    rest: Unknown | None = None
    for argument in arguments:
        reason = unknown(argument.content)
        found = Items((), reason) if reason else list_of(argument)
        nodes.extend(found.nodes)
        rest = rest or found.rest
    return Items(bounded(nodes), rest)


def _merge(arguments: list[Node], span: Span) -> Content:
    """Merge maps: after an unknown one, earlier keys are there, with a value that is not known."""
    nodes: dict[str, Node] = {}
    rest: Unknown | None = None
    for argument in arguments:
        reason = unknown(argument.content)
        found = Entries({}, reason) if reason else map_of(argument)
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
    found = map_of(whole)
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
    nodes = list_of(arguments[0]).nodes
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
    found = map_of(arguments[0])
    return Items(tuple(Node(key, span) for key in sorted(found.nodes)), found.rest)


def _values(arguments: list[Node], _span: Span) -> Content:
    found = map_of(arguments[0])
    return Items(tuple(found.nodes[key] for key in sorted(found.nodes)), found.rest)


def _contains(arguments: list[Node], _span: Span) -> Content:
    found = list_of(arguments[0])
    answers = [equal(node, arguments[1]) for node in found.nodes]
    if True in answers:
        return True
    return hidden(arguments) if None in answers or found.rest is not None else False


def _index(arguments: list[Node], _span: Span) -> Content:
    for position, node in enumerate(list_of(arguments[0]).nodes):
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
        found = list_of(argument)
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
        bounded(nodes)

    into(list_of(arguments[0]), 0)
    return Items(tuple(nodes), rest[0] if rest else None)


def _zipmap(arguments: list[Node], _span: Span) -> Content:
    keys, values = list_of(arguments[0]).nodes, list_of(arguments[1]).nodes
    if any(unknown(key.content) for key in keys):
        return Entries({}, hidden(keys))
    if len(keys) != len(values):
        raise FailureError("the lists have different lengths")
    return Entries({text(key.content): value for key, value in zip(keys, values, strict=True)})


def _slice(arguments: list[Node], _span: Span) -> Content:
    nodes = list_of(arguments[0]).nodes
    start, end = (int(number(argument.content)) for argument in arguments[1:])
    if not 0 <= start <= end <= len(nodes):
        raise FailureError("the list is shorter than that")
    return Items(nodes[start:end])


def _reverse(arguments: list[Node], _span: Span) -> Content:
    return Items(list_of(arguments[0]).nodes[::-1])


def _sort(arguments: list[Node], _span: Span) -> Content:
    if not is_known(arguments[0]):
        return hidden(arguments)
    return Items(tuple(sorted(list_of(arguments[0]).nodes, key=lambda node: text(node.content))))


def _one(arguments: list[Node], _span: Span) -> Content | Node:
    nodes = list_of(arguments[0]).nodes
    if len(nodes) > 1:
        raise FailureError("the list has more than one item")
    return nodes[0] if nodes else None


def _chunklist(arguments: list[Node], span: Span) -> Content:
    nodes, size = list_of(arguments[0]).nodes, int(number(arguments[1].content))
    if size <= 0:
        return Items((arguments[0],))
    return Items(tuple(Node(Items(nodes[at : at + size]), span) for at in range(0, len(nodes), size)))


def _transpose(arguments: list[Node], span: Span) -> Content:
    if not is_known(arguments[0]):
        return hidden(arguments)
    turned: dict[str, list[Node]] = {}
    for key, values in sorted(map_of(arguments[0]).nodes.items()):
        for value in list_of(values).nodes:
            turned.setdefault(text(value.content), []).append(Node(key, span))
    return Entries({key: Node(Items(tuple(nodes)), span) for key, nodes in turned.items()})


def _truth(stops: object) -> Function:
    def over(arguments: list[Node], _span: Span) -> Content:
        found = list_of(arguments[0])
        open_nodes = [node for node in found.nodes if unknown(node.content)]
        answers = [boolean(node.content) for node in found.nodes if not unknown(node.content)]
        if stops in answers:
            return bool(stops)
        return hidden(arguments) if open_nodes or found.rest is not None else not stops

    return over


def _jsonencode(arguments: list[Node], _span: Span) -> Content:
    """Encode as JSON; unknown parts stand as `*` in the pattern of a partly known text."""
    if is_known(arguments[0]):
        return EncodedText(jsonencode(plain(arguments[0])), arguments[0])
    if unknown(arguments[0].content):
        return hidden(arguments)
    written = jsonencode(_sketch(arguments[0], 0))
    return replace(hidden(arguments, written.replace(f'"{_PLACEHOLDER}"', "*")), encodes=arguments[0])


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


COLLECTION: Mapping[str, Function] = {
    **SETS,
    "alltrue": known_arguments(_truth(stops=False)),
    "anytrue": known_arguments(_truth(stops=True)),
    "chunklist": whole_arguments(_chunklist),
    "coalesce": _coalesce,
    "coalescelist": _coalescelist,
    "concat": _concat,
    "contains": known_arguments(_contains),
    "element": whole_arguments(_element),
    "flatten": known_arguments(_flatten),
    "index": whole_arguments(_index),
    "issensitive": whole_arguments(lambda _arguments, _span: False),
    "jsonencode": _jsonencode,
    "keys": known_arguments(_keys),
    "length": whole_arguments(_length),
    "lookup": _lookup,
    "merge": _merge,
    "nonsensitive": _same,
    "one": whole_arguments(_one),
    "reverse": whole_arguments(_reverse),
    "sensitive": _same,
    "slice": whole_arguments(_slice),
    "sort": known_arguments(_sort),
    "transpose": known_arguments(_transpose),
    "values": known_arguments(_values),
    "zipmap": whole_arguments(_zipmap),
}
