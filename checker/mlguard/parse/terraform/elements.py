"""The parts of values: elements looked up and gone over, and pieces of text put together."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.values import (
    MAX_DEPTH,
    MAX_TEXT,
    SetItems,
    equal,
    hidden,
    normal,
    number,
    pattern_of,
    text,
    unchanged_no_more,
    unknown,
)
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Origin, Reference, Unknown, settle


def joined(pieces: Iterable[Node]) -> str | Unknown:
    """Put pieces of a text together; a partly known one becomes an Unknown with its pattern."""
    pieces = list(pieces)
    known = not any(unknown(piece.content) for piece in pieces)
    texts = [text(piece.content) if known else _piece(piece.content) for piece in pieces]
    if sum(map(len, texts)) > MAX_TEXT:
        raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
    whole = normal("".join(texts))
    return whole if known else hidden(pieces, whole)


def _piece(content: Content) -> str:
    found = pattern_of(content)
    if found is None:
        raise FailureError("a template cannot hold null or a collection")
    return found


def either(reason: Unknown, yes: Node, no: Node, depth: int = 0) -> Node:
    """Give what two values have in common, of which nobody knows which one holds; `reason` says why not."""
    if equal(yes, no):
        return yes
    one, other = yes.content, no.content
    if depth < MAX_DEPTH and type(one) is type(other):
        if isinstance(one, Entries) and isinstance(other, Entries) and _same_keys(one, other):
            nodes = {key: either(reason, below, other.nodes[key], depth + 1) for key, below in one.nodes.items()}
            return replace(yes, content=replace(one, nodes=nodes))
        if isinstance(one, Items) and isinstance(other, Items) and _same_length(one, other):
            pairs = zip(one.nodes, other.nodes, strict=True)
            return replace(yes, content=replace(one, nodes=tuple(either(reason, *pair, depth + 1) for pair in pairs)))
    found = hidden((Node(reason, yes.span), yes, no), _common(one, other))
    return Node(replace(found, because=reason.because), yes.span, None, yes.origins)


def _same_keys(one: Entries, other: Entries) -> bool:
    return one.rest is None and other.rest is None and one.nodes.keys() == other.nodes.keys()


def _same_length(one: Items, other: Items) -> bool:
    whole = one.rest is None and other.rest is None and not isinstance(one, SetItems)
    return whole and len(one.nodes) == len(other.nodes)


def _common(one: Content, other: Content) -> str:
    """Give the pattern that two texts have in common: how both begin and how both end."""
    if not isinstance(one, str | Unknown) or not isinstance(other, str | Unknown):
        return "*"
    patterns = [content if isinstance(content, str) else content.pattern for content in (one, other)]
    begin = posixpath.commonprefix(patterns).partition("*")[0]
    end = posixpath.commonprefix([pattern[len(begin) :][::-1] for pattern in patterns])[::-1].rpartition("*")[2]
    return f"{begin}*{end}"


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
    return replace(found, span=value.span, key_span=None, origins=(*origins, *unchanged_no_more(found).origins))


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
