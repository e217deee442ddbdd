"""The tags that reach what is billed: which there are, and what may still be added when somebody deploys."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from mlguard.scenario import Scenario
from mlguard.value import Entries, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.subject import Subject

_OWN = ("Tags", "tags", "tags_all", "tag")
_WITHOUT_DEFAULTS = ("aws_autoscaling_group", "awscc_")  # the default tags of the provider do not reach these


@dataclass(slots=True)
class TagSet:
    """The known tags by key, each with its value, and why there may be more; None where there are no others."""

    nodes: dict[str, Node] = field(default_factory=dict)
    rest: Unknown | None = None


def tags_of(subject: Subject, scenario: Scenario) -> TagSet:
    """Give the tags of a resource: those from outside, then its own, which win."""
    found = TagSet()
    raw = subject.resource.raw
    below = raw.tags_below if not raw.type.startswith(_WITHOUT_DEFAULTS) else None
    own = [subject.raw(key, scenario) for key in _OWN]
    for node in (*([settle(below, scenario)] if below is not None else []), *(node for node in own if node)):
        _add(found, node, scenario)
    return found


def tag_of(subject: Subject, key: str, scenario: Scenario) -> Node | None:
    """Give the value of a tag: None where it is known to be absent, an Unknown node where it may be there."""
    found = tags_of(subject, scenario)
    if key in found.nodes:
        return found.nodes[key]
    return None if found.rest is None else Node(found.rest, subject.resource.raw.name_span)


def _add(found: TagSet, node: Node, scenario: Scenario) -> None:
    content = node.content
    if isinstance(content, Entries):
        found.nodes |= {key: settle(value, scenario) for key, value in content.nodes.items()}
        found.rest = found.rest or content.rest
        return
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        found.rest = found.rest or listed
        return
    found.rest = found.rest or listed.rest
    for key, value in _pairs(listed.nodes, scenario):
        written = text_of(key.content)
        if written is not None:
            found.nodes[written] = value
        else:
            unknown = key.content if isinstance(key.content, Unknown) else None
            found.rest = found.rest or unknown or Unknown("the key of a tag is decided at deployment")


def _pairs(nodes: tuple[Node, ...], scenario: Scenario) -> Iterator[tuple[Node, Node]]:
    """Read a list of tags in either spelling; a tag without a value has an empty one."""
    for node in nodes:
        item = settle(node, scenario)
        if isinstance(item.content, Unknown):
            yield item, item
            continue
        for key_name, value_name in (("Key", "Value"), ("key", "value")):
            key = child(item, key_name, scenario)
            if key is not None:
                yield key, child(item, value_name, scenario) or Node("", key.span, key.key_span)
                break
