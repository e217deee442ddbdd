"""Karpenter: which node pools may start accelerators, and what bounds them."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.knowledge import instances
from mlguard.patterns import lazy_pattern
from mlguard.record import record
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.manifests import manifests_of

_CATEGORIES = frozenset(("p", "g", "gr", "trn", "inf", "dl", "f", "vt"))
_ACCELERATOR = ("instance-gpu-", "instance-accelerator-")
_SIZES = (
    "instance-size",
    "instance-type",
    "instance-cpu",
    "instance-memory",
    "instance-gpu-count",
    "instance-accelerator-count",
)
_LIMITED = ("gpu", "neuron", "accelerator")
_DURATION = lazy_pattern(r"(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,8})s)?\Z")


@record()
class _Requirement:
    """What a pool requires of its nodes: a label without its domain, how it is compared, and with what."""

    label: str
    operator: str
    values: tuple[str, ...]
    hidden: Unknown | None = None


def node_pools(subject: Subject, scenario: Scenario) -> Node:
    """List the node pools that may start accelerators.

    Items with `name`, `limits` (set, missing), `sizes` (bounded, any), `consolidation` (on, never),
    `idle_minutes` (how long an empty node stays) and `replicas` (how many nodes are always there).
    """
    at = subject.resource.raw.name_span
    found = manifests_of(subject.property("manifest", scenario), "NodePool", subject.project.documents, scenario)
    if isinstance(found, Unknown):
        return Node(Items((), found), at)
    pools: list[Node] = []
    rest: Unknown | None = None
    for manifest in found:
        made = _pool(manifest, scenario)
        if isinstance(made, Unknown):
            rest = rest or made
        elif made is not None:
            pools.append(made)
    return Node(Items(tuple(pools), rest), at)


def _pool(manifest: Node, scenario: Scenario) -> Node | Unknown | None:
    """Give the pool of a manifest; None where it is another thing or starts no accelerators."""
    kind, version = child(manifest, "kind", scenario), child(manifest, "apiVersion", scenario)
    if kind is not None and isinstance(kind.content, Unknown):
        return kind.content
    if kind is None or text_of(kind.content) != "NodePool":
        return None
    if version is not None and not (text_of(version.content) or "karpenter.sh/").startswith("karpenter.sh/"):
        return None
    spec = child(manifest, "spec", scenario)
    if spec is None or isinstance(spec.content, Unknown):
        return spec.content if spec is not None and isinstance(spec.content, Unknown) else None
    template = _below(spec, ("template", "spec"), scenario)
    required = _requirements(template, scenario)
    carries = required if isinstance(required, Unknown) else _may_carry(required)
    if carries is False:
        return None
    if isinstance(carries, Unknown):
        return carries
    assert not isinstance(required, Unknown)  # noqa: S101  (it would be what it carries)
    name = _below(manifest, ("metadata", "name"), scenario)
    entries = {"name": name or Node(None, spec.span), **_bounds(spec, required, scenario)}
    return Node(Entries(entries), spec.span, spec.key_span)


def _bounds(spec: Node, required: list[_Requirement], scenario: Scenario) -> dict[str, Node]:
    limits, after = child(spec, "limits", scenario), _below(spec, ("disruption", "consolidateAfter"), scenario)
    disruption = after or child(spec, "disruption", scenario) or spec
    template = child(spec, "template", scenario) or spec
    return {
        "limits": _said(_limits(limits), limits or spec),
        "sizes": _said(_sizes(limits, required), template),
        "consolidation": _said(_consolidation(after), disruption),
        "idle_minutes": _said(_minutes(after), disruption),
        "replicas": child(spec, "replicas", scenario) or _said(0, spec),
    }


def _said(content: Content, at: Node) -> Node:
    return Node(content, at.span, at.key_span, at.origins)


def _below(node: Node | None, keys: tuple[str, ...], scenario: Scenario) -> Node | None:
    for key in keys:
        node = child(node, key, scenario) if node is not None else None
    return node


def _requirements(template: Node | None, scenario: Scenario) -> list[_Requirement] | Unknown:
    listed = items(child(template, "requirements", scenario), scenario) if template is not None else Items(())
    if isinstance(listed, Unknown):
        return listed
    if listed.rest is not None:
        return listed.rest
    return list(_read(listed, scenario))


def _read(listed: Items, scenario: Scenario) -> Iterator[_Requirement]:
    for node in listed.nodes:
        key, operator = child(node, "key", scenario), child(node, "operator", scenario)
        values = items(child(node, "values", scenario), scenario)
        nodes = values.nodes if isinstance(values, Items) else ()
        hidden = next((value.content for value in nodes if isinstance(value.content, Unknown)), None)
        hidden = hidden or (values if isinstance(values, Unknown) else values.rest)
        label = (text_of(key.content) or "").rpartition("/")[2] if key is not None else ""
        how = text_of(operator.content) or "" if operator is not None else ""
        yield _Requirement(label, how, tuple(text_of(value.content) or "" for value in nodes), hidden)


def _may_carry(required: list[_Requirement]) -> bool | Unknown:
    """Tell whether nodes of a pool may carry an accelerator: everything may that no requirement rules out."""
    verdicts = [_carries(one) for one in required]
    if False in verdicts:
        return False
    if True in verdicts:
        return True
    return next((verdict for verdict in verdicts if isinstance(verdict, Unknown)), True)


def _carries(one: _Requirement) -> bool | Unknown | None:
    """Say what one requirement tells of accelerators: that nodes have one, that they have none, or nothing."""
    if one.label.startswith(_ACCELERATOR):
        return not (one.operator == "DoesNotExist" or (one.operator == "In" and set(one.values) == {"0"}))
    if one.label == "instance-category":
        if one.operator == "NotIn" and {"p", "g"} <= set(one.values):
            return False
        carrying = any(value in _CATEGORIES for value in one.values)
    elif one.label in ("instance-family", "instance-type"):
        carrying = any(instances.is_accelerated(value) for value in one.values)
    else:
        return None
    if one.operator != "In":
        return None
    return True if carrying else one.hidden or False


def _limits(limits: Node | None) -> Content:
    if limits is None:
        return "missing"
    if isinstance(limits.content, Unknown):
        return limits.content
    content = limits.content
    return "set" if isinstance(content, Entries) and (content.nodes or content.rest) else "missing"


def _sizes(limits: Node | None, required: list[_Requirement]) -> str:
    """Tell whether something bounds the size of a node: a requirement, or a limit on accelerators."""
    content = limits.content if limits is not None else None
    limited = content.nodes if isinstance(content, Entries) else {}
    if any(word in name for name in limited for word in _LIMITED):
        return "bounded"
    bounded = any(one.label in _SIZES and one.operator in ("In", "Lt", "Lte") for one in required)
    return "bounded" if bounded else "any"


def _consolidation(after: Node | None) -> Content:
    if after is None:
        return "on"
    if isinstance(after.content, Unknown):
        return after.content
    return "never" if text_of(after.content) == "Never" else "on"


def _minutes(after: Node | None) -> Content:
    """Give after how many minutes a node that is empty goes; 0 where nothing is said, as Karpenter does."""
    if after is None or isinstance(after.content, Unknown):
        return 0 if after is None else after.content
    text = text_of(after.content) or ""
    found = _DURATION.match(text)
    if found is None or not text:
        return 0 if text == "Never" else Unknown(f'"{text}" is no duration')
    hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return hours * 60 + minutes + seconds / 60
