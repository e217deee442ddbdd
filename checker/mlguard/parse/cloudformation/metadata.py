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
    """Read `Metadata: {mlguard: {ignore: [{policy: id, reason: text, until: date}]}}`.

    What says less is read as well: an ignore without a reason is told of, not passed over.
    """
    own = metadata.content.nodes.get("mlguard") if metadata and isinstance(metadata.content, Entries) else None
    listed = own.content.nodes.get("ignore") if own is not None and isinstance(own.content, Entries) else None
    if listed is None:
        return ()
    return tuple(_waiver(node) for node in (listed.content.nodes if isinstance(listed.content, Items) else (listed,)))


def _waiver(node: Node) -> Waiver:
    fields = node.content.nodes if isinstance(node.content, Entries) else {"policy": node}
    said = {key: value.content for key, value in fields.items()}
    policies = said.get("policy")
    texts = [one.content for one in policies.nodes] if isinstance(policies, Items) else [policies]
    names = [name for text in texts for name in _text(text).replace(",", " ").split()]
    return Waiver(tuple(names), _text(said.get("reason")), _text(said.get("until")), node.span.first_line())


def _text(content: object) -> str:
    return content if isinstance(content, str) else ""
