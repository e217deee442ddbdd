"""The parts of values: elements looked up and gone over, and pieces of text put together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from mlguard.parse.terraform.values import (
    MAX_TEXT,
    FailureError,
    SetItems,
    hidden,
    number,
    pattern_of,
    text,
    unchanged_no_more,
    unknown,
)
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Origin, Reference, Unknown, settle


def joined(pieces: Iterable[Node]) -> str | Unknown:
    """Put pieces of a text together; a partly known one becomes an Unknown with its pattern."""
    pieces = list(pieces)
    known = not any(unknown(piece.content) for piece in pieces)
    texts = [text(piece.content) if known else _piece(piece.content) for piece in pieces]
    if sum(map(len, texts)) > MAX_TEXT:
        raise FailureError(f"a text of more than {MAX_TEXT:,} characters")
    whole = "".join(texts)
    return whole if known else hidden(pieces, whole)


def _piece(content: Content) -> str:
    found = pattern_of(content)
    if found is None:
        raise FailureError("a template cannot hold null or a collection")
    return found


def each(collection: Node) -> Iterable[tuple[Node, Node]]:
    """Give the keys and values that a `for` goes over, maps in the order of their keys."""
    content = collection.content
    if isinstance(content, Entries):
        return [(Node(key, content.nodes[key].span), content.nodes[key]) for key in sorted(content.nodes)]
    if isinstance(content, SetItems):
        return [(node, node) for node in content.nodes]
    if isinstance(content, Items):
        return [(Node(index, node.span), node) for index, node in enumerate(content.nodes)]
    raise FailureError("a list, a set or a map was expected")


def step(value: Node, key: Node, scenario: Scenario) -> Node:
    """Look up an attribute or an index; where the value came from goes along."""
    content = value.content
    if isinstance(content, Unknown):
        return Node(replace(content, pattern="*"), value.span, None, unchanged_no_more(value).origins)
    reason = unknown(key.content)
    if isinstance(content, Reference) and reason is None:
        attribute = _attribute(content.attribute, key.content)
        return replace(value, content=replace(content, attribute=attribute))
    if reason is not None:
        return Node(hidden((key, value)), value.span)
    found = _element(content, key.content)
    if isinstance(found, Unknown):
        return Node(found, value.span, None, unchanged_no_more(value).origins)
    found = settle(found, scenario)
    origins = unchanged_no_more(value).origins
    if origins:
        origins = (*origins[:-1], Origin(found.span, origins[-1].what))
    return Node(found.content, value.span, None, (*origins, *unchanged_no_more(found).origins))


def _attribute(before: str, key: Content) -> str:
    if isinstance(key, str) and key.replace("_", "a").replace("-", "a").isalnum() and not key[0].isdigit():
        return f"{before}.{key}" if before else key
    return f"{before}[{text(key)}]"


def _element(content: Content, key: Content) -> Node | Unknown:
    if isinstance(content, Entries):
        name = text(key)
        if name in content.nodes:
            return content.nodes[name]
        if content.rest is not None:
            return content.rest
        raise FailureError(f"there is no element {name!r}")
    if isinstance(content, Items) and not isinstance(content, SetItems):
        if content.rest is not None:
            return content.rest
        index = number(key)
        if isinstance(index, int) and 0 <= index < len(content.nodes):
            return content.nodes[index]
        raise FailureError(f"there is no item {index}")
    raise FailureError("the value has no elements")
