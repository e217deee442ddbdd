"""Walk paths like `ProductionVariants[].InstanceType` through raw nodes, three-valued."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial

from mlguard.record import replace
from mlguard.resource import LISTED
from mlguard.scenario import Memory, Scenario
from mlguard.value import Entries, Items, Node, Origin, Unknown, child, items, remembered, settle, text_of
from mlguard.vocabulary.model import Field, snake_case


@cache
def steps_of(path: str, cloud_control: bool) -> tuple[tuple[str, bool], ...]:  # noqa: FBT001  (a cache key)
    """Split a path into keys, each with whether it is a list to go through; `.` is the empty path."""
    steps = []
    for part in path.split("."):
        key = part.removesuffix("[]")
        if key:
            steps.append((snake_case(key) if cloud_control else key, part.endswith("[]")))
    return tuple(steps)


def walk(node: Node, path: str, scenario: Scenario, *, cloud_control: bool = False) -> Node | None:
    """Give what stands at a path: None where it is absent, a node of Items when the path goes through lists."""
    return _walk(node, steps_of(path, cloud_control), scenario)


def _walk(node: Node, steps: tuple[tuple[str, bool], ...], scenario: Scenario) -> Node | None:
    here: Node | None = settle(node, scenario)
    for index, (key, is_list) in enumerate(steps):
        if here is None:
            return None
        here = child(here, key, scenario)
        if is_list:
            return _through(here, steps[index + 1 :], scenario)
    return None if here is None or here.content is None else here


def _through(node: Node | None, steps: tuple[tuple[str, bool], ...], scenario: Scenario) -> Node | None:
    if node is None:
        return None
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        return Node(Items((), listed), node.span, node.key_span)
    found: list[Node] = []
    rest = listed.rest
    for listed_item in listed.nodes:
        item = _at_home(listed_item, node)
        below = _walk(item, steps, scenario) if steps else settle(item, scenario)
        if below is None or below.content is None:
            continue
        if isinstance(below.content, Items) and any(is_list for _, is_list in steps):
            found.extend(below.content.nodes)
            rest = rest or below.content.rest
        else:
            found.append(below)
    return Node(Items(tuple(found), rest), node.span, node.key_span)


def _at_home(item: Node, listed: Node) -> Node:
    """Let an item that was written elsewhere stand where its list does, and know where it came from."""
    if item.key_span is not None or listed.key_span is None or listed.span.holds(item.span):
        return item
    through = (replace(origin, parameter=None) for origin in listed.origins)  # it is one value of many
    origins = (*through, Origin(item.span, LISTED), *item.origins)
    return replace(item, span=listed.span, key_span=listed.key_span, origins=origins)


def read_field(field: Field, node: Node, scenario: Scenario, *, cloud_control: bool = False) -> Node | None:
    """Read a field of a raw node; None where it is absent."""
    if field.each is not None:
        return _read_items(field, field.each, node, scenario, cloud_control=cloud_control)
    if not field.paths:
        return Node(field.value, node.span, node.key_span)
    found = [walk(node, path, scenario, cloud_control=cloud_control) for path in field.paths]
    if field.exists:
        return _any_there(found, node)
    first = next((one for one in found if one is not None), None)
    if first is None or field.equals is None:
        return first
    if isinstance(first.content, Unknown):
        return first
    written = text_of(first.content)
    if written is None:
        return Node(Unknown("another resource decides it"), first.span, first.key_span, first.origins)
    holds = any(written.lower() == (text_of(wanted) or "").lower() for wanted in field.equals)
    return Node(holds, first.span, first.key_span, first.origins)


def _read_items(
    field: Field, each: Mapping[str, Field], node: Node, scenario: Scenario, *, cloud_control: bool
) -> Node | None:
    for path in field.paths or (".",):
        found = walk(node, path, scenario, cloud_control=cloud_control) if path != "." else settle(node, scenario)
        if found is None:
            continue
        through_list = any(is_list for _, is_list in steps_of(path, cloud_control))
        listed = items(found, scenario) if through_list else Items((found,))
        if isinstance(listed, Unknown):
            return Node(Items((), listed), found.span, found.key_span)
        made = tuple(_item(item, each, cloud_control=cloud_control) for item in listed.nodes)
        return Node(Items(made, listed.rest), found.span, found.key_span)
    return None


def _item(node: Node, each: Mapping[str, Field], *, cloud_control: bool) -> Node:
    def read(field: Field, scenario: Scenario) -> Node:
        return read_field(field, node, scenario, cloud_control=cloud_control) or Node(None, node.span, node.key_span)

    memory, span, key_span = Memory(), node.span, node.key_span
    entries = {
        name: Node(remembered(memory, name, partial(read, field)), span, key_span) for name, field in each.items()
    }
    return Node(Entries(entries), node.span, node.key_span, node.origins)


def _any_there(found: list[Node | None], node: Node) -> Node:
    unknown: Node | None = None
    for one in found:
        if one is None or (isinstance(one.content, Items) and not one.content.nodes and one.content.rest is None):
            continue
        hidden = isinstance(one.content, Unknown) and one.content.pattern == "*"  # a text known in part is there
        if hidden or (isinstance(one.content, Items) and not one.content.nodes):
            unknown = one
            continue
        return Node(True, one.span, one.key_span)  # noqa: FBT003  (a content)
    if unknown is not None:
        content = unknown.content
        because = content if isinstance(content, Unknown) else Unknown("it may be a longer list")
        return Node(because, unknown.span, unknown.key_span)
    return Node(False, node.span, node.key_span)  # noqa: FBT003
