"""SAM templates: `Globals` as the transform merges them into the resources of a template."""

from __future__ import annotations

from collections.abc import Mapping

from mlguard.record import replace
from mlguard.value import Entries, Items, Node

TRANSFORM = "AWS::Serverless-2016-10-31"
_MAX_DEPTH = 100
_GLOBAL = frozenset(
    ["Function", "Api", "HttpApi", "WebSocketApi", "SimpleTable", "StateMachine", "LayerVersion", "CapacityProvider"]
)


def with_globals(template: Node) -> Node:
    """Give a template whose serverless resources say themselves what its `Globals` say for them."""
    sections = _entries(template)
    wanted = {f"AWS::Serverless::{name}": node for name, node in _entries(sections.get("Globals")).items()}
    resources = sections.get("Resources")
    if not wanted or resources is None or not _is_serverless(sections.get("Transform")):
        return template
    made = {name: _merged_resource(node, wanted) for name, node in _entries(resources).items()}
    content = Entries({**sections, "Resources": replace(resources, content=Entries(made))})
    return replace(template, content=content)


def _is_serverless(transform: Node | None) -> bool:
    if transform is None:
        return False
    nodes = transform.content.nodes if isinstance(transform.content, Items) else (transform,)
    return any(node.content == TRANSFORM for node in nodes)


def _merged_resource(node: Node, wanted: Mapping[str, Node]) -> Node:
    fields = _entries(node)
    kind = fields["Type"].content if "Type" in fields else None
    shared = wanted.get(kind) if isinstance(kind, str) else None
    if shared is None or not isinstance(kind, str) or kind.rpartition("::")[2] not in _GLOBAL:
        return node
    own = fields.get("Properties")
    at = node.key_span or node.span
    merged = _merged(shared, own, 0) if own is not None else replace(shared, span=at, key_span=at)
    return replace(node, content=Entries({**fields, "Properties": merged}))


def _merged(shared: Node, own: Node, depth: int) -> Node:
    """Merge as SAM does: mappings key by key, lists one after the other, and else what the resource says itself."""
    outer, inner = shared.content, own.content
    if isinstance(outer, Entries) and isinstance(inner, Entries) and depth < _MAX_DEPTH:
        if _is_function(outer) or _is_function(inner):
            return own
        both = {
            key: _merged(node, inner.nodes[key], depth + 1) if key in inner.nodes else node
            for key, node in outer.nodes.items()
        }
        return replace(own, content=Entries({**both, **{k: v for k, v in inner.nodes.items() if k not in both}}))
    if isinstance(outer, Items) and isinstance(inner, Items):
        return replace(own, content=Items((*outer.nodes, *inner.nodes)))
    return own


def _is_function(content: Entries) -> bool:
    """Tell a call of an intrinsic function, which SAM takes for one value."""
    name = next(iter(content.nodes), "")
    return len(content.nodes) == 1 and (name in {"Ref", "Condition"} or name.startswith("Fn::"))


def _entries(node: Node | None) -> Mapping[str, Node]:
    return node.content.nodes if node is not None and isinstance(node.content, Entries) else {}
