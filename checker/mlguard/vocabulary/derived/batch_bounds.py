"""AWS Batch: what bounds an environment: the sizes that it may choose among, its vCPUs, and what both cost."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlguard.knowledge import instances
from mlguard.scenario import Scenario
from mlguard.value import Content, Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.subject import Subject

_MOST_VCPUS = 10_000_000


def any_size_of(subject: Subject, scenario: Scenario) -> Content:
    """Give the accelerated family, or the pattern, of which every size may be started; absent where sizes are named."""
    node = subject.field("type", scenario)
    if node is None or isinstance(node.content, Unknown):
        return None if node is None else node.content
    written = text_of(node.content) or ""
    if "*" in written:
        return written if any(fnmatchcase(name, written) for name in instances.accelerated_types()) else None
    return written if written in instances.accelerated_families() else None


def batch_hardware(subject: Subject, scenario: Scenario) -> Content:
    """Say what the instances of an environment may carry: `accelerated` or `cpu`."""
    unknown: Unknown | None = None
    for kind in _types(subject, scenario):
        if isinstance(kind, Unknown):
            unknown = unknown or kind
            continue
        answer = _carries_accelerator(kind)
        if answer is True:
            return "accelerated"
        if answer is None:
            unknown = unknown or Unknown(f'"{kind}" is not an instance type that mlguard knows')
    return unknown or "cpu"


def worst_hourly_usd(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the on-demand price of an hour in USD when the dearest of the named types fills all vCPUs."""
    found = _worst(subject, scenario)
    if found is None or isinstance(found, Unknown):
        return found
    most = subject.property("max_vcpus", scenario)
    return Node(found[0], most.span, most.key_span, most.origins) if most is not None else found[0]


def worst_case(subject: Subject, scenario: Scenario) -> Content:
    """Give the instances that this price is for: `125 x p3.2xlarge`."""
    found = _worst(subject, scenario)
    return found if found is None or isinstance(found, Unknown) else found[1]


def _worst(subject: Subject, scenario: Scenario) -> tuple[float, str] | Unknown | None:
    most = subject.property("max_vcpus", scenario)
    if most is None:
        return None
    if isinstance(most.content, Unknown):
        return most.content
    text = text_of(most.content) or ""
    if not text.isdecimal() or not 0 < int(text) < _MOST_VCPUS:
        return Unknown("the number of vCPUs is not known")
    listed = items(subject.property("machines", scenario), scenario)
    nodes = listed.nodes if isinstance(listed, Items) else ()
    return max((one for node in nodes for one in _price(node, int(text), scenario)), default=None)


def _price(machine: Node, vcpus: int, scenario: Scenario) -> Iterator[tuple[float, str]]:
    """Give what the vCPUs cost on a type; nothing where the type or its price is not known."""
    kind, hourly = child(machine, "type", scenario), child(machine, "hourly_usd", scenario)
    known = instances.lookup(text_of(kind.content) or "") if kind is not None else None
    if known is not None and known.vcpu and hourly is not None and isinstance(hourly.content, int | float):
        count = -(-vcpus // known.vcpu)
        yield round(count * hourly.content, 2), f"{count:,} x {known.type}"


def _types(subject: Subject, scenario: Scenario) -> Iterator[str | Unknown]:
    """Give the instance types that the environment names."""
    listed = items(subject.property("machines", scenario), scenario)
    for item in listed.nodes if isinstance(listed, Items) else ():
        kind = child(item, "type", scenario)
        if kind is not None:
            written = text_of(kind.content)
            yield kind.content if isinstance(kind.content, Unknown) else written or Unknown("it is decided elsewhere")
    rest = listed if isinstance(listed, Unknown) else listed.rest
    if rest is not None:
        yield rest


def _carries_accelerator(kind: str) -> bool | None:
    if "*" not in kind:
        return instances.is_accelerated(kind)
    return any(fnmatchcase(name, kind) for name in instances.accelerated_types())
