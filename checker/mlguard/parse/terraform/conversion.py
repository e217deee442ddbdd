"""Values converted to types, and collections made of values.

https://developer.hashicorp.com/terraform/language/expressions/type-constraints#conversion-of-complex-types
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.precision import exact, general
from mlguard.parse.terraform.quoting import quoted
from mlguard.parse.terraform.type_system import (
    Collection,
    Object,
    Primitive,
    Tuple,
    Type,
    is_open,
    unified,
)
from mlguard.parse.terraform.values import (
    MAX_DEPTH,
    ListItems,
    MapEntries,
    Null,
    SetItems,
    boolean,
    hidden,
    is_known,
    number,
    text,
    type_of,
    unknown,
)
from mlguard.record import replace
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown


def converted(node: Node, target: Type, depth: int = 0) -> Node:
    """Convert a value; FailureError where Terraform would refuse that. Null and what is unknown stay."""
    content = node.content
    if depth > MAX_DEPTH:
        raise NotEvaluatedError(f"the value is nested more than {MAX_DEPTH} levels deep")
    if target == "any" or unknown(content):
        return node
    if content is None:
        return Null(None, node.span, node.key_span, node.origins, target)
    if isinstance(target, str):
        return _scalar(node, target)
    if isinstance(target, Object):
        return _object(node, target, depth)
    if isinstance(target, Tuple):
        return _tuple(node, target, depth)
    return _map(node, target.element, depth) if target.kind == "map" else _sequence(node, target, depth)


def _scalar(node: Node, target: Primitive) -> Node:
    content = node.content
    if target == "string":
        return node if isinstance(content, str) else replace(node, content=text(content))
    found: Content = number(content) if target == "number" else boolean(content)
    return node if found is content else replace(node, content=found)


def _object(node: Node, target: Object, depth: int) -> Node:
    content = node.content
    if not isinstance(content, Entries):
        raise FailureError("an object was expected")
    nodes: dict[str, Node] = {}
    for name, wanted in target.attributes.items():
        given = content.nodes.get(name)
        if given is not None:
            nodes[name] = replace(converted(given, wanted, depth + 1), key_span=given.key_span)
        elif content.rest is not None:
            nodes[name] = Node(content.rest, node.span)
        elif name in target.optional:
            nodes[name] = converted(Node(None, node.span), wanted)
        else:
            raise FailureError(f"the object has no {name!r}")
    return replace(node, content=Entries(nodes))


def _tuple(node: Node, target: Tuple, depth: int) -> Node:
    content = node.content
    if type(content) is not Items:
        raise FailureError("a tuple was expected")
    if content.rest is not None:
        return replace(node, content=content.rest)
    if len(content.nodes) != len(target.elements):
        raise FailureError(f"a tuple of {len(target.elements)} elements was expected")
    pairs = zip(content.nodes, target.elements, strict=True)
    return replace(node, content=Items(tuple(converted(item, wanted, depth + 1) for item, wanted in pairs)))


def _map(node: Node, element: Type, depth: int) -> Node:
    content = node.content
    if not isinstance(content, Entries):
        raise FailureError("a map was expected")
    if isinstance(content, MapEntries) and content.element == element:
        return node
    nodes, element = of_one_type(list(content.nodes.values()), element, depth)
    pairs = zip(content.nodes.items(), nodes, strict=True)
    entries = {key: replace(item, key_span=given.key_span) for (key, given), item in pairs}
    return replace(node, content=MapEntries(entries, content.rest, element))


def _sequence(node: Node, target: Collection, depth: int) -> Node:
    content = node.content
    if not isinstance(content, Items):
        raise FailureError(f"a {target.kind} was expected")
    if type(content) is (ListItems if target.kind == "list" else SetItems) and content.element == target.element:
        return node
    nodes, element = of_one_type(content.nodes, target.element, depth)
    if target.kind == "set":
        return replace(node, content=set_of(nodes, element, content.rest))
    return replace(node, content=ListItems(tuple(nodes), content.rest, element))


def of_one_type(nodes: Sequence[Node], element: Type = "any", depth: int = 0) -> tuple[list[Node], Type]:
    """Convert values to one type, that of all of them where `element` leaves it open, and give it."""
    if not is_open(element):
        return [converted(node, element, depth + 1) for node in nodes], element
    nodes = [converted(node, element, depth + 1) for node in nodes]
    found = unified([type_of(node) for node in nodes])
    if found is None:
        raise FailureError("all elements must have one type")
    if found in ("number", "bool"):
        return _beside_unknown(nodes), found
    return [converted(node, found, depth + 1) for node in nodes], found


def _beside_unknown(nodes: Sequence[Node]) -> list[Node]:
    """Give numbers, or truth values, as unknown ones where something unknown may turn all of them into texts."""
    open_nodes = [node for node in nodes if unknown(node.content)]
    if not open_nodes:
        return list(nodes)
    return [
        node if unknown(node.content) or node.content is None else Node(hidden(open_nodes), node.span) for node in nodes
    ]


def set_of(nodes: Iterable[Node], element: Type, rest: Unknown | None = None) -> SetItems:
    """Make a set: each value once, in the order that Terraform goes over sets; unknown ones are its rest."""
    found: dict[Any, Node] = {}
    references: dict[Reference, Node] = {}
    for node in nodes:
        content = node.content
        if isinstance(content, Reference):
            references.setdefault(content, node)
        elif is_known(node):
            found.setdefault(identity(node), node)
        else:
            rest = rest or hidden([node])
    kept = [found[key] for key in sorted(found)]
    return SetItems((*kept, *references.values()), rest, element)


def identity(node: Node) -> tuple[bool, Any]:
    """Give what a known value is told apart and sorted by, among others of its type.

    Null comes last; scalars are sorted by their value, all others by their notation.
    """
    content = node.content
    if content is None:
        return True, ""
    if isinstance(content, str):
        return False, content.encode()
    if isinstance(content, bool):
        return False, content
    if isinstance(content, int | float):
        return False, exact(content)
    return False, (_notation(node, 10), _notation(node, None))


def _notation(node: Node, digits: int | None) -> bytes:
    """Write a value as Terraform does to sort the items of a set: numbers in ten digits."""
    content = node.content
    if content is None:
        return b"~"
    if isinstance(content, bool):
        return b"T" if content else b"F"
    if isinstance(content, str):
        return quoted(content).encode()
    if isinstance(content, int | float):
        return general(content, digits).encode()
    if isinstance(content, Entries):
        pairs = sorted(((key.encode(), v) for key, v in content.nodes.items()), key=lambda pair: pair[0])
        if isinstance(content, MapEntries):
            return (
                b"{"
                + b"".join(quoted(key.decode()).encode() + b":" + _notation(v, digits) + b";" for key, v in pairs)
                + b"}"
            )
        return b"<" + b"".join(_notation(below, digits) + b";" for _, below in pairs) + b">"
    inner = b"".join(_notation(below, digits) + b";" for below in content.nodes) if isinstance(content, Items) else b"?"
    return b"[" + inner + b"]" if isinstance(content, ListItems | SetItems) else b"<" + inner + b">"
