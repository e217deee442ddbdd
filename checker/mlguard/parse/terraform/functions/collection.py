"""Lists, sets and maps: functions that keep the places of the items that they hand on."""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.parse.terraform.conversion import converted
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.graphemes import graphemes
from mlguard.parse.terraform.functions.signature import Call, Function, Run, counted, function, seen
from mlguard.parse.terraform.type_system import Collection, Type, listed, unified
from mlguard.parse.terraform.values import (
    MAX_ITEMS,
    MAX_WEIGHT,
    ListItems,
    MapEntries,
    SetItems,
    boolean,
    equal,
    hidden,
    is_known,
    text,
    type_of,
    unchanged_no_more,
    unknown,
    whole,
)
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown


def items_of(node: Node) -> Items:
    """Give a list, a set or a tuple; FailureError for anything else."""
    if not isinstance(node.content, Items):
        raise FailureError("a list was expected")
    return node.content


def sequence_of(node: Node) -> Items:
    """Give a list or a tuple; FailureError for anything else, sets among them."""
    if not isinstance(node.content, Items) or isinstance(node.content, SetItems):
        raise FailureError("a list was expected")
    return node.content


def entries_of(node: Node) -> Entries:
    """Give a map or an object; FailureError for anything else."""
    if not isinstance(node.content, Entries):
        raise FailureError("a map was expected")
    return node.content


def bounded(nodes: Sequence[Node]) -> tuple[Node, ...]:
    """Refuse a list beyond the limit: NotEvaluatedError."""
    if len(nodes) > MAX_ITEMS:
        raise NotEvaluatedError(f"a list of more than {MAX_ITEMS:,} items")
    return tuple(nodes)


def _concat(call: Call) -> Content:
    if not call.arguments:
        raise FailureError("a list was expected")
    nodes: list[Node] = []
    rest: Unknown | None = None
    for argument in call.arguments:
        reason = unknown(argument.content)
        found = Items((), reason) if reason else sequence_of(argument)
        nodes.extend(found.nodes)
        rest = rest or found.rest
    kinds = [type_of(argument) for argument in call.arguments]
    common = unified(kinds) if all(isinstance(kind, Collection) for kind in kinds) else None
    if isinstance(common, Collection):
        nodes = [converted(node, common.element) for node in nodes]
        return ListItems(bounded(nodes), rest, common.element)
    return Items(bounded(nodes), rest)


def _merge(call: Call) -> Content:
    """Merge maps: after an unknown one, earlier keys are there, with a value that is not known."""
    nodes: dict[str, Node] = {}
    rest: Unknown | None = None
    for argument in call.arguments:
        reason = unknown(argument.content)
        if argument.content is None:
            continue
        found = Entries({}, reason) if reason else entries_of(argument)
        if found.rest is not None:
            rest = rest or found.rest
            nodes = {key: Node(found.rest, node.span, node.key_span) for key, node in nodes.items()}
        nodes.update(found.nodes)
    if len(nodes) > MAX_ITEMS:
        raise NotEvaluatedError(f"a map of more than {MAX_ITEMS:,} keys")
    kinds = [type_of(argument) for argument in call.arguments]
    if kinds and isinstance(kinds[0], Collection) and all(kind == kinds[0] for kind in kinds):
        return MapEntries(nodes, rest, kinds[0].element)
    return Entries(nodes, rest)


def _lookup(call: Call) -> Content | Node:
    whole_map, key, *default = call.arguments
    if len(default) > 1:
        raise FailureError("too many arguments")
    if unknown(whole_map.content) or unknown(key.content):
        return hidden(call.arguments[:2])
    found = entries_of(whole_map)
    name = text(key.content)
    fallback = [converted(node, found.element) for node in default] if isinstance(found, MapEntries) else default
    if name in found.nodes:
        return _from(whole_map, found.nodes[name])
    if found.rest is not None:
        return hidden((Node(found.rest, whole_map.span), *fallback))
    if fallback:
        return unchanged_no_more(fallback[0])
    raise FailureError(f"there is no element {name!r}")


def _from(whole_value: Node, found: Node) -> Node:
    origins = (*unchanged_no_more(whole_value).origins, *unchanged_no_more(found).origins)
    return Node(found.content, found.span, None, origins)


def _element(call: Call) -> Content | Node:
    nodes = sequence_of(call[0]).nodes
    index = whole(call[1].content)
    if not nodes or index < 0:
        raise FailureError("the index is negative" if nodes else "the list is empty")
    return _from(call[0], nodes[index % len(nodes)])


def _length(call: Call) -> Content:
    content = call[0].content
    if isinstance(content, str):
        return len(graphemes(content))
    if isinstance(content, SetItems) and not is_known(call[0]) and len(content.nodes) > 1:
        return call.hidden()  # two that are not known yet may turn out to be one
    if isinstance(content, Items | Entries):
        return len(content.nodes)
    raise FailureError("a list, a map or a text was expected")


def _keys(call: Call) -> Content:
    found = entries_of(call[0])
    nodes = tuple(Node(key, call.span) for key in sorted(found.nodes))
    return ListItems(nodes, found.rest, "string") if isinstance(found, MapEntries) else Items(nodes, found.rest)


def _values(call: Call) -> Content:
    found = entries_of(call[0])
    nodes = tuple(found.nodes[key] for key in sorted(found.nodes))
    return ListItems(nodes, found.rest, found.element) if isinstance(found, MapEntries) else Items(nodes, found.rest)


def _contains(call: Call) -> Content:
    found = items_of(call[0])
    if unknown(call[0].content):
        return call.hidden()
    answers = [equal(node, call[1]) for node in found.nodes]
    if True in answers:
        return True
    return call.hidden() if None in answers or found.rest is not None else False


def _index(call: Call) -> Content:
    for position, node in enumerate(sequence_of(call[0]).nodes):
        same = equal(node, call[1])
        if same is None:
            return call.hidden()
        if same:
            return position
    raise FailureError("the list does not hold that")


def _coalesce(call: Call) -> Content | Node:
    """Give the first argument that is neither null nor an empty text, in the type that all have in common."""
    common = unified([type_of(argument) for argument in call.arguments])
    if common is None:
        raise FailureError("the arguments have types that do not go together")
    for position, argument in enumerate(call.arguments):
        if isinstance(argument.content, Reference) and position == 0:
            return unchanged_no_more(argument)
        if unknown(argument.content):
            return hidden(call.arguments[position:])
        if argument.content is not None and (made := converted(argument, common)).content != "":
            return unchanged_no_more(made)
    raise FailureError("no argument has a value")


def _coalescelist(call: Call) -> Content | Node:
    for argument in call.arguments:
        if unknown(argument.content):
            return call.hidden()
        found = sequence_of(argument)
        if found.nodes:
            return argument
        if found.rest is not None:
            return call.hidden()
    raise FailureError("every list is empty")


def _flatten(call: Call) -> Content:
    nodes: list[Node] = []
    rest: list[Unknown] = []
    waiting = [call[0]]
    items_of(call[0])
    seen_parts = 0
    while waiting:
        node = waiting.pop()
        seen_parts += 1
        if isinstance(node.content, Items):
            rest += [node.content.rest] if node.content.rest is not None else []
            waiting.extend(reversed(node.content.nodes))
        elif isinstance(node.content, Unknown):
            rest.append(node.content)
        else:
            nodes.append(node)
        if len(nodes) > MAX_ITEMS or seen_parts > MAX_WEIGHT:
            raise NotEvaluatedError(f"a list of more than {MAX_ITEMS:,} items")
    return Items(tuple(nodes), rest[0] if rest else None)


def _zipmap(call: Call) -> Content:
    keys, values = items_of(call[0]).nodes, sequence_of(call[1])
    if any(unknown(key.content) for key in keys):
        return Entries({}, hidden(keys))
    if len(keys) != len(values.nodes):
        raise FailureError("the lists have different lengths")
    found = {text(key.content): value for key, value in zip(keys, values.nodes, strict=True)}
    return MapEntries(found, None, values.element) if isinstance(values, ListItems) else Entries(found)


def _slice(call: Call) -> Content:
    found = sequence_of(call[0])
    start, end = whole(call[1].content), whole(call[2].content)
    if not 0 <= start <= end <= len(found.nodes):
        raise FailureError("the list is shorter than that")
    nodes = found.nodes[start:end]
    return ListItems(nodes, None, found.element) if isinstance(found, ListItems) else Items(nodes)


def _reverse(call: Call) -> Content:
    found = items_of(call[0])
    if isinstance(found, ListItems | SetItems):
        return ListItems(found.nodes[::-1], None, found.element)
    return Items(found.nodes[::-1])


def _sort(call: Call) -> Content:
    nodes = items_of(call[0]).nodes
    if any(node.content is None for node in nodes):
        raise FailureError("an item is null")
    if not is_known(call[0]):
        return call.hidden()
    return Items(tuple(sorted(nodes, key=lambda node: text(node.content).encode())))


def _one(call: Call) -> Content | Node:
    found = items_of(call[0])
    if len(found.nodes) > 1:
        raise FailureError("the list has more than one item")
    return found.nodes[0] if found.nodes else None


def _chunklist(call: Call) -> Content:
    found, size = items_of(call[0]), whole(call[1].content)
    if size < 0:
        raise FailureError("the size is negative")
    element: Type = found.element if isinstance(found, ListItems) else "any"
    size = size or max(len(found.nodes), 1)
    parts = [found.nodes[at : at + size] for at in range(0, len(found.nodes), size)]
    nodes = tuple(Node(ListItems(part, None, element), call.span) for part in parts)
    return ListItems(nodes, None, listed(element))


def _transpose(call: Call) -> Content:
    if not is_known(call[0]):
        return call.hidden()
    turned: dict[str, list[Node]] = {}
    for key, values in sorted(entries_of(call[0]).nodes.items()):
        for value in items_of(values).nodes:
            turned.setdefault(text(value.content), []).append(Node(key, call.span))
    return Entries({key: Node(Items(tuple(turned[key])), call.span) for key in sorted(turned)})


def _truth(*, stops: bool) -> Run:
    """Make `alltrue`, which stops at what is not true, or `anytrue`, which stops at what is."""

    def over(call: Call) -> Content:
        found = items_of(call[0])
        answers = [
            node.content is not None and boolean(node.content) for node in found.nodes if not unknown(node.content)
        ]
        if stops in answers:
            return stops
        return call.hidden() if len(answers) < len(found.nodes) or found.rest is not None else not stops

    return over


def _to(kind: str) -> Run:
    """Make a conversion to a collection of any elements."""

    def made(call: Call) -> Content | Node:
        return converted(call[0], Collection(kind, "any"))  # type: ignore[arg-type]

    return made


def _same(call: Call) -> Node:
    return call[0]


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("alltrue", "list(bool) -> bool", seen(_truth(stops=False))),
    ("anytrue", "list(bool) -> bool", seen(_truth(stops=True))),
    ("chunklist", "list(any) number -> any", counted(_chunklist)),
    ("coalesce", "any?* -> any", _coalesce),
    ("coalescelist", "any* -> any", _coalescelist),
    ("concat", "any* -> any", _concat),
    ("contains", "any any -> bool", seen(_contains)),
    ("element", "any number -> any", counted(_element)),
    ("ephemeralasnull", "any? -> any", _same),
    ("flatten", "any -> any", seen(_flatten)),
    ("index", "any any -> number", counted(_index)),
    ("keys", "any -> any", seen(_keys)),
    ("length", "any -> number", counted(_length)),
    ("lookup", "any string any?* -> any", _lookup),
    ("merge", "any?* -> any", _merge),
    ("nonsensitive", "any? -> any", _same),
    ("one", "any -> any", counted(_one)),
    ("reverse", "any -> any", counted(_reverse)),
    ("sensitive", "any? -> any", _same),
    ("slice", "any number number -> any", counted(_slice)),
    ("sort", "list(string) -> list(string)", seen(_sort)),
    ("tobool", "any? -> bool", _same),
    ("tolist", "any? -> any", _to("list")),
    ("tomap", "any? -> any", _to("map")),
    ("tonumber", "any? -> number", _same),
    ("toset", "any? -> any", _to("set")),
    ("tostring", "any? -> string", _same),
    ("transpose", "map(list(string)) -> map(list(string))", seen(_transpose)),
    ("values", "any -> any", seen(_values)),
    ("zipmap", "list(string) any -> any", counted(_zipmap)),
)
COLLECTION: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
