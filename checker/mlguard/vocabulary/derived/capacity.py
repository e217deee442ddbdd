"""How many instances a resource may run at once, by what they are for and what they carry."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.knowledge import instances
from mlguard.record import record, replace
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.subject import Subject

_SUMMED = frozenset(("sagemaker.endpoint_config", "sagemaker.inference_experiment", "sagemaker.cluster"))
_GENERAL = frozenset(("autoscaling.group", "eks.node_group", "ec2.capacity_reservation"))
"""Kinds that serve everything: of those only what carries an accelerator is of interest."""
_NO_NUMBER = Unknown("the number of instances is not known")


@record()
class _Part:
    """Instances of one type: what they are for, their hardware, their number, and where each is written."""

    use: str
    hardware: str | Unknown
    count: int | Unknown
    at: Node
    type: Node


def instance_peaks(subject: Subject, scenario: Scenario) -> Content | Node:
    """List the most instances that may run at once: items with `use`, `hardware`, `peak` and `type`.

    Those of the variants of an endpoint and of the groups of a cluster run together, so they are added up; what is
    not known of one of them makes an item of its own.
    """
    parts = list(_parts(subject, scenario))
    if subject.resource.kind in _SUMMED:
        parts = _added_up(parts)
    if subject.resource.kind in _GENERAL:
        parts = [replace(part, use="cluster") for part in parts if part.hardware != "cpu"]
    return Node(Items(tuple(_item(part) for part in parts)), subject.resource.raw.name_span)


def _parts(subject: Subject, scenario: Scenario) -> Iterator[_Part]:
    if "max_size" in subject.resource.properties:
        part = _group(subject, scenario)
        if part is not None:
            yield part
        return
    name = "capacities" if "capacities" in subject.resource.properties else "machines"
    listed = items(subject.property(name, scenario), scenario)
    for item in listed.nodes if isinstance(listed, Items) else ():
        part = _part(subject, item, scenario)
        if part is not None:
            yield part
    rest = listed if isinstance(listed, Unknown) else listed.rest
    if rest is not None:
        at = Node(rest, subject.resource.raw.name_span)
        yield _Part("", rest, rest, at, at)


def _part(subject: Subject, item: Node, scenario: Scenario) -> _Part | None:
    """Give the instances of a variant, group or job; None where it has none of its own."""
    kind, count = child(item, "type", scenario), child(item, "count", scenario)
    serverless = child(item, "serverless", scenario)
    if serverless is not None and serverless.content is True:
        return None
    if count is None and subject.resource.kind == "sagemaker.cluster":
        return None  # one of the types that a group may take
    pool = items(child(item, "pool", scenario), scenario)
    types = [kind] if kind is not None else list(pool.nodes) if isinstance(pool, Items) else []
    hardware, chosen = hardware_of(types, item, scenario) if types else (Unknown("its instance type is not said"), item)
    use = child(item, "use", scenario)
    number, at = _most(subject, item, count, scenario)
    return _Part(text_of(use.content) or "" if use is not None else "", hardware, number, at or chosen, chosen)


def hardware_of(types: list[Node], item: Node, scenario: Scenario) -> tuple[str | Unknown, Node]:
    """Tell what instances carry, of several types the most that one of them does, and the type that says so."""
    unknown: tuple[Unknown, Node] | None = None
    for kind in types:
        answer = _accelerated(kind, item, scenario)
        if answer is True:
            return "accelerated", kind
        if isinstance(answer, Unknown):
            unknown = unknown or (answer, kind)
    return unknown or ("cpu", types[0])


def _accelerated(kind: Node, item: Node, scenario: Scenario) -> Content:
    settled = settle(kind, scenario)
    if isinstance(settled.content, Unknown):
        return settled.content
    own = child(item, "accelerated", scenario)
    if own is not None:
        return own.content
    answer = instances.is_accelerated(text_of(settled.content) or "")
    return Unknown("the instance type is not known") if answer is None else answer


def _most(subject: Subject, item: Node, count: Node | None, scenario: Scenario) -> tuple[int | Unknown, Node | None]:
    """Give the highest number that the code allows, and where it says so; one where it says nothing."""
    status = child(item, "scaling", scenario)
    scales = status is None or text_of(status.content) != "DISABLED"
    written = [count, child(item, "most", scenario) if scales else None]
    numbers = [(_number(node), node) for node in written if node is not None]
    for number, node in numbers:
        if isinstance(number, Unknown):
            return number, node
    most, at = max(
        ((number, node) for number, node in numbers if isinstance(number, int)), default=(1, None), key=_first
    )
    parallel = subject.property("max_parallel_jobs", scenario)
    if parallel is None:
        return most, at
    times = _number(parallel)
    return (times, parallel) if isinstance(times, Unknown) else (most * times, at or parallel)


def _first(pair: tuple[int, Node | None]) -> int:
    return pair[0]


def _number(node: Node) -> int | Unknown:
    if isinstance(node.content, Unknown):
        return node.content
    text = text_of(node.content) or ""
    return int(text) if text.isdecimal() and len(text) < 7 else _NO_NUMBER  # noqa: PLR2004  (more is no number)


def _group(subject: Subject, scenario: Scenario) -> _Part | None:
    """Give the instances of an Auto Scaling group or node group, where it may carry accelerators."""
    most, found = subject.property("max_size", scenario), launched_hardware(subject, scenario)
    if most is None or found is None:
        return None
    hardware, kind = found
    return _Part("", hardware, _number(most), most, kind)


def launched_hardware(subject: Subject, scenario: Scenario) -> tuple[str | Unknown, Node] | None:
    """Tell what the instances of a group carry, by its own types or else those of its template, and which says so."""
    for name in ("machines", "template_machines"):
        listed = items(subject.property(name, scenario), scenario)
        rest = listed if isinstance(listed, Unknown) else listed.rest
        found = [
            hardware_of([kind], item, scenario)
            for item in (listed.nodes if isinstance(listed, Items) else ())
            if (kind := child(item, "type", scenario)) is not None
        ]
        hidden = [one for one in found if isinstance(one[0], Unknown)]
        if rest is not None:
            hidden.append((rest, Node(rest, subject.resource.raw.name_span)))
        carrying = [one for one in found if one[0] == "accelerated"]
        if carrying or hidden or found:
            return (carrying or hidden or found)[0]
    return None


def _added_up(parts: list[_Part]) -> list[_Part]:
    """Add up the instances of one use and hardware; the largest part stands for them."""
    sums: dict[tuple[str, str], _Part] = {}
    hidden: list[_Part] = []
    for part in sorted(parts, key=_size, reverse=True):
        if isinstance(part.hardware, Unknown) or isinstance(part.count, Unknown):
            hidden.append(part)
            continue
        key = (part.use, part.hardware)
        sums[key] = replace(sums[key], count=_size(sums[key]) + part.count) if key in sums else part
    return [*sums.values(), *hidden]


def _size(part: _Part) -> int:
    return part.count if isinstance(part.count, int) else 0


def _item(part: _Part) -> Node:
    at = part.at
    entries = {
        "use": Node(part.use or Unknown("what it is for is not known"), at.span),
        "hardware": Node(part.hardware, at.span, at.key_span),
        "peak": Node(part.count, at.span, at.key_span, at.origins),
        "type": part.type,
    }
    return Node(Entries(entries), at.span, at.key_span)
