"""Planned values where their authors wrote them: the plan says what, the configuration says where.

What the plan does not know yet is taken from the configuration, which may know a part of it or what it refers to.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from mlguard.parse.terraform.plan.values import SENSITIVE
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.source import Span
from mlguard.value import (
    Choice,
    Content,
    EncodedText,
    Entries,
    Items,
    Node,
    Origin,
    Reference,
    Unknown,
    references_in,
    settle,
    text_of,
)

PLANNED = "planned value"
_SYMBOLIC = "[?]"
_MAX_DEPTH = 40


def located(planned: Node, written: Node) -> Node:
    """Put the body of a planned resource over the body that the configuration gives."""
    content, below = planned.content, _entries(written)
    if not isinstance(content, Entries):
        return written
    header = Node(None, written.span, written.key_span)
    nodes = {key: _lazily(node, below.get(key), header) for key, node in content.nodes.items()}
    return Node(Entries(nodes, content.rest), written.span, written.key_span)


def moved(planned: Node, to: Span) -> Node:
    """Put a planned value, all of it, at one place; where the plan holds it is told as its origin."""
    return _moved(planned, Node(None, to, to))


def _lazily(planned: Node, written: Node | None, at: Node) -> Node:
    if written is None:
        return _unwritten(planned, at)
    return Node(Choice(lambda scenario: _over(planned, settle(written, scenario), scenario, 0)), at.span, at.key_span)


def _unwritten(planned: Node, at: Node) -> Node:
    """Give what a provider adds: nothing where it is empty or not known, since its author left it out."""
    content = planned.content
    empty = isinstance(content, Items | Entries) and not content.nodes
    if empty or not content or (isinstance(content, Unknown) and content.because != SENSITIVE):
        return Node(None, at.span, at.key_span)
    return _moved(planned, at)


def _over(planned: Node, written: Node, scenario: Scenario, depth: int) -> Node:
    """Put a planned value over a written one."""
    content = planned.content
    if isinstance(content, Unknown | Reference):
        return _later(content, written)
    if depth > _MAX_DEPTH:
        return _moved(planned, written)
    if isinstance(content, Entries):
        return _over_entries(planned, content, written, scenario, depth)
    if isinstance(content, Items):
        return _over_items(planned, content, written, scenario, depth)
    if isinstance(written.content, EncodedText) and _encodes(content, written.content):
        return written  # its parts know where they stand, which the text of a plan does not
    if isinstance(written.content, Unknown | Choice) or not _same(content, written.content):
        return replace(written, content=content, origins=(*written.origins, Origin(planned.place, PLANNED)))
    return replace(written, content=content)


def _later(content: Unknown | Reference, written: Node) -> Node:
    """Say what is known of a value that is not known yet; a written null is one that the provider fills in."""
    if isinstance(content, Unknown) and content.because == SENSITIVE:
        return replace(written, content=content)
    symbolic = any(_SYMBOLIC in one.address for one in references_in(written, Scenario()))
    if isinstance(written.content, str | int | float) or (symbolic and isinstance(content, Reference)):
        return replace(written, content=content)  # the plan knows the keys of instances
    return written


def _over_entries(planned: Node, content: Entries, written: Node, scenario: Scenario, depth: int) -> Node:
    whole = written
    if isinstance(written.content, Items) and len(written.content.nodes) == 1 and written.content.rest is None:
        whole = settle(written.content.nodes[0], scenario)
    if not isinstance(whole.content, Entries):
        return _moved(planned, written)
    nodes = {}
    for key, node in content.nodes.items():
        below = whole.content.nodes.get(key)
        if below is None:
            nodes[key] = _unwritten(node, whole) if whole.content.rest is None else _moved(node, whole)
        else:
            nodes[key] = _over(node, settle(below, scenario), scenario, depth + 1)
    return replace(whole, content=Entries(nodes))


def _over_items(planned: Node, content: Items, written: Node, scenario: Scenario, depth: int) -> Node:
    there = [settle(item, scenario) for item in _items(written)]
    if isinstance(written.content, Entries) and len(content.nodes) == 1:
        there = [written]
    if len(there) != len(content.nodes):
        return _moved(planned, written)
    nodes = []
    for index, node in enumerate(content.nodes):  # the items of a set stand in another order in the plan
        others = [*range(index, len(content.nodes)), *range(index)]
        chosen = next((at for at in others if there[at] is not _USED and _agree(node, there[at], scenario, 0)), None)
        if chosen is None:
            nodes.append(_moved(node, written))
        else:
            nodes.append(_over(node, there[chosen], scenario, depth + 1))
            there[chosen] = _USED
    return replace(written, content=Items(tuple(nodes)))


def _agree(planned: Node, written: Node, scenario: Scenario, depth: int) -> bool:
    """Tell whether two values may be the same: no known part of them differs."""
    one, other = planned.content, written.content
    if isinstance(one, Entries) and isinstance(other, Entries) and depth < _MAX_DEPTH:
        return all(
            _agree(node, settle(other.nodes[key], scenario), scenario, depth + 1)
            for key, node in one.nodes.items()
            if key in other.nodes
        )
    if isinstance(one, str | int | float) and isinstance(other, str | int | float):
        return _same(one, other)
    return True


def _same(one: Content, other: Content) -> bool:
    """Compare scalars as a provider does, to which 100 and "100.0" are one number."""
    left, right = text_of(one), text_of(other)
    if left is None or right is None or left == right:
        return left == right
    try:
        return float(left) == float(right)
    except ValueError:
        return False


def _encodes(planned: Content, written: EncodedText) -> bool:
    """Tell whether a planned text is the JSON of the same value, however it is spaced."""
    if not isinstance(planned, str) or planned == written:
        return planned == written
    try:
        return bool(json.loads(planned) == json.loads(written))
    except (ValueError, RecursionError):
        return False


def _moved(planned: Node, at: Node) -> Node:
    content: Content = planned.content
    origins = () if isinstance(content, Unknown) else (Origin(planned.place, PLANNED),)
    if isinstance(content, Entries):
        content = Entries({key: _moved(node, at) for key, node in content.nodes.items()}, content.rest)
    elif isinstance(content, Items):
        content = Items(tuple(_moved(node, at) for node in content.nodes), content.rest)
    return Node(content, at.span, at.key_span, origins)


def _entries(node: Node) -> Mapping[str, Node]:
    return node.content.nodes if isinstance(node.content, Entries) else {}


def _items(node: Node) -> tuple[Node, ...]:
    return node.content.nodes if isinstance(node.content, Items) and node.content.rest is None else ()


def disagreement(planned: Node, written: Node, depth: int = 0) -> str:
    """Name an argument that is written as a plain value and planned as another; empty when there is none."""
    values = _entries(planned)
    for key, node in _entries(written).items() if depth <= _MAX_DEPTH else ():
        found = values.get(key)
        if found is None:
            continue
        if _plain(node.content) and _plain(found.content) and not _same(found.content, node.content):
            return key
        blocks, planned_blocks = _items(node), _items(found)
        for index, block in enumerate(blocks if len(blocks) == len(planned_blocks) else ()):
            differing = [disagreement(other, block, depth + 1) for other in planned_blocks]
            if all(differing):  # the blocks of a set stand in another order in the plan
                return f"{key}.{differing[index]}"
    return ""


def _plain(content: Content) -> bool:
    """Tell whether a value is a word or a number: providers keep longer texts in forms of their own."""
    return isinstance(content, str | int | float) and "\n" not in str(content) and str(content)[:1] not in ("{", "[")


_USED = Node(None, Span("", 0, 0, 0, 0))
