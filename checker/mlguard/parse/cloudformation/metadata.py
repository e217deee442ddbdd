"""What the `Metadata` of a resource says to mlguard: the construct that made it, and what its author accepts."""

from __future__ import annotations

from mlguard.resource import Waiver
from mlguard.value import Entries, Items, Node


def construct_path(metadata: Node | None) -> str:
    """Give the path of the CDK construct that made a resource; empty where no construct did."""
    if metadata is not None and isinstance(metadata.content, Entries):
        path = metadata.content.nodes.get("aws:cdk:path")
        if path is not None and isinstance(path.content, str):
            return path.content
    return ""


def waivers(metadata: Node | None) -> tuple[Waiver, ...]:
    """Read `Metadata: {mlguard: {ignore: [{policy: id, reason: text, until: date}]}}`."""
    own = metadata.content.nodes.get("mlguard") if metadata and isinstance(metadata.content, Entries) else None
    listed = own.content.nodes.get("ignore") if own is not None and isinstance(own.content, Entries) else None
    if listed is None or not isinstance(listed.content, Items):
        return ()
    found = []
    for node in listed.content.nodes:
        if isinstance(node.content, Entries):
            fields = {key: value.content for key, value in node.content.nodes.items()}
            policies = fields.get("policy")
            names = policies.replace(",", " ").split() if isinstance(policies, str) else []
            reason, until = fields.get("reason"), fields.get("until")
            found.append(Waiver(tuple(names), _text(reason), _text(until), node.span.first_line()))
    return tuple(found)


def _text(content: object) -> str:
    return content if isinstance(content, str) else ""
