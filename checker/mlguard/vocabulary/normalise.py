"""Raw projects to projects in the words of the vocabulary.

Nothing is read here: each property becomes a node that is read when a policy looks at it, in the scenario it is
looked at in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from mlguard.record import record, replace
from mlguard.resource import Gap, Project, RawProject, RawResource, Resource
from mlguard.scenario import Memory, Scenario
from mlguard.value import Choice, Content, Entries, Items, Node, Unknown, remembered, settle
from mlguard.vocabulary.charges import charges_of
from mlguard.vocabulary.derived import Settings, Siblings, Subject, derivation
from mlguard.vocabulary.embedded import Carrier, EmbeddedJob, Reader, jobs_of
from mlguard.vocabulary.gaps import told
from mlguard.vocabulary.joins import companions, directory, followed
from mlguard.vocabulary.model import Kind, Property, Reading, Vocabulary
from mlguard.vocabulary.paths import read_field, walk

_MACHINE_LEARNING = "machine_learning"
"""The property of what is always a part of an ML system that costs money; of others it is derived."""


@record(eq=False)
class _World:
    """What the reading of one project's properties needs."""

    raw: RawProject
    vocabulary: Vocabulary
    settings: Settings
    by_address: Mapping[str, RawResource]
    by_type: Mapping[str, tuple[RawResource, ...]]
    memory: Memory
    resources: Siblings


def normalise(
    raw: RawProject, vocabulary: Vocabulary, settings: Settings, native: frozenset[str] = frozenset()
) -> Project:
    """Give the project's resources by kind, with properties that are read when they are looked at.

    `native` are kinds like `terraform:aws_lambda_function`, which some policy judges by the format's own words.
    """
    by_type: dict[str, list[RawResource]] = {}
    for resource in raw.resources:
        by_type.setdefault(resource.type, []).append(resource)
    world = _World(
        raw,
        vocabulary,
        settings,
        {resource.address: resource for resource in raw.resources},
        {kind: tuple(listed) for kind, listed in by_type.items()},
        Memory(),
        Siblings(),
    )
    for resource in raw.resources:
        if f"{resource.format}:{resource.type}" in native:
            own = Kind(f"{resource.format}:{resource.type}", resource.type, (), {}, {})
            world.resources.append(_resource(world, own, resource))
        for kind in vocabulary.kind_of_type.get(resource.type, ()):
            world.resources.append(_resource(world, kind, resource))
            if kind.carries:
                world.resources.extend(_carried(world, kind, resource))
    by_kind: dict[str, list[Resource]] = {}
    for made in world.resources:
        by_kind.setdefault(made.kind, []).append(made)
    return Project(
        raw,
        tuple(world.resources),
        {kind: tuple(listed) for kind, listed in by_kind.items()},
        tuple((gap, _hidden(gap, vocabulary)) for gap in raw.gaps if gap.hides),
    )


def _hidden(gap: Gap, vocabulary: Vocabulary) -> tuple[Node, ...]:
    open_value, yes = Node(Unknown(gap.what), gap.span), Node(True, gap.span)  # noqa: FBT003  (a content)
    kinds = {kind.name: kind for name in gap.hides or () for kind in vocabulary.kind_of_type.get(name, ())}
    found: list[Node] = []
    for name, kind in kinds.items():
        told = {"kind": Node(name, gap.span), **({_MACHINE_LEARNING: yes} if kind.machine_learning else {})}
        found.append(Node(Entries({**dict.fromkeys(kind.properties, open_value), **told}), gap.span))
    return tuple(found)


def _resource(world: _World, kind: Kind, raw: RawResource) -> Resource:
    properties: dict[str, Node] = {}
    resource = Resource(kind.name, raw, properties)
    if kind.machine_learning:
        properties[_MACHINE_LEARNING] = Node(True, raw.name_span)  # noqa: FBT003  (a content)
    for name, prop in (*world.vocabulary.common.items(), *kind.properties.items()):
        compute = partial(_property, world, kind, resource, prop)
        key = (raw.address, kind.name, name)
        properties[name] = Node(remembered(world.memory, key, compute), raw.name_span)
    return _billed(world, kind, resource)


def _billed(world: _World, kind: Kind, resource: Resource) -> Resource:
    subject = Subject(resource, world.raw, world.settings, None, world.resources)
    return replace(resource, charges=partial(charges_of, subject, kind.billing))


def _property(world: _World, kind: Kind, resource: Resource, prop: Property, scenario: Scenario) -> Node:
    if prop.derived:
        return _derived(world, resource, None, prop, scenario)
    raw = resource.raw
    readings = prop.spellings.get(raw.type) or _format_readings(prop, raw)
    found = [_read(world, kind, raw, reading, scenario) for reading in readings]
    if any(reading.each is not None for reading in readings):
        return _shaped(world, resource, prop, found)
    first = next((node for node in found if node is not None and not isinstance(node.content, Unknown)), None)
    unknown = next((node for node in found if node is not None), None)
    return first or unknown or Node(None, raw.name_span)


def _format_readings(prop: Property, raw: RawResource) -> tuple[Reading, ...]:
    if raw.type.startswith("awscc_"):
        return prop.spellings.get("cloudformation", ())
    return prop.spellings.get(raw.format, ())


def _read(world: _World, kind: Kind, raw: RawResource, reading: Reading, scenario: Scenario) -> Node | None:
    if reading.companion is not None:
        return _read_companions(world, kind, raw, reading, scenario)
    if reading.follow is not None:
        mates = [mate for name in reading.follow.types for mate in _of_type(world, name)]
        found = followed(reading.follow, raw, world.by_address, mates, scenario)
        if not isinstance(found, RawResource):
            return found
        return _read_here(found, reading, scenario)
    return _read_here(raw, reading, scenario)


def _of_type(world: _World, name: str) -> tuple[RawResource, ...]:
    return world.by_type.get(name, ())


def _read_here(raw: RawResource, reading: Reading, scenario: Scenario) -> Node | None:
    return read_field(reading.field, raw.body, scenario, cloud_control=raw.type.startswith("awscc_"))


def _read_companions(world: _World, kind: Kind, raw: RawResource, reading: Reading, scenario: Scenario) -> Node | None:
    companion = reading.companion
    assert companion is not None  # noqa: S101  (the caller looked)
    mates = [mate for name in companion.types for mate in _of_type(world, name)]
    if not mates and not world.raw.gaps:
        return None
    name = _own_name(kind, raw, scenario)
    key = ("companions", companion.types, companion.by)
    among = world.memory.recall(key, scenario, lambda inner: directory(companion, mates, inner))
    joined, perhaps = companions(raw, name, among)
    if not joined and perhaps is None:
        given = world.memory.recall((*key, "hidden"), scenario, lambda inner: told(companion, world.raw.gaps, inner))
        gap = given.of(raw, name.content if name is not None else None)
        perhaps = Unknown(gap.what) if gap is not None else None
    found = [node for mate in joined if (node := _read_here(mate, reading, scenario)) is not None]
    if reading.each is None:
        return found[0] if found else (Node(perhaps, raw.name_span) if perhaps else None)
    if not found and perhaps is None:
        return None
    nodes = tuple(node for one in found if isinstance(one.content, Items) for node in one.content.nodes)
    rests = [one.content.rest for one in found if isinstance(one.content, Items) and one.content.rest]
    place = found[0] if found else Node(None, raw.name_span)
    return replace(place, content=Items(nodes, perhaps or next(iter(rests), None)))


def _own_name(kind: Kind, raw: RawResource, scenario: Scenario) -> Node | None:
    cloud_control = raw.type.startswith("awscc_")
    spelled = "cloudformation" if cloud_control else raw.format
    path = kind.name_paths.get(raw.type) or kind.name_paths.get(spelled)
    return walk(raw.body, path, scenario, cloud_control=cloud_control) if path else None


def _shaped(world: _World, resource: Resource, prop: Property, found: Sequence[Node | None]) -> Node:
    """Join the lists that several readings gave; absent only when none of them is there."""
    there = [node for node in found if node is not None]
    if not there:
        return Node(None, resource.raw.name_span)
    nodes: list[Node] = []
    rest: Unknown | None = None
    for node in there:
        if isinstance(node.content, Items):
            nodes.extend(node.content.nodes)
            rest = rest or node.content.rest
        elif isinstance(node.content, Unknown):
            rest = rest or node.content
    if not nodes and rest is None and not _written(there):
        return Node(None, resource.raw.name_span)
    shape = world.vocabulary.shapes.get(prop.shape, {})
    made = tuple(_with_shape(world, resource, node, shape) for node in nodes) if shape else tuple(nodes)
    return Node(Items(made, rest), there[0].span, there[0].key_span)


def _written(nodes: Sequence[Node]) -> bool:
    return any(node.key_span is not None for node in nodes)


def _with_shape(world: _World, resource: Resource, item: Node, shape: Mapping[str, Property]) -> Node:
    entries = dict(item.content.nodes) if isinstance(item.content, Entries) else {}
    whole, memory = item.holding(Entries(entries)), Memory()
    for name, prop in shape.items():
        derived = remembered(memory, name, partial(_derived, world, resource, whole, prop))
        entries[name] = Node(derived, item.span, item.key_span)
    return whole


def _derived(world: _World, resource: Resource, item: Node | None, prop: Property, scenario: Scenario) -> Node:
    subject = Subject(resource, world.raw, world.settings, item, world.resources)
    result: Node | Content = derivation(prop.derived)(subject, scenario)
    if isinstance(result, Node):
        return result
    at = item if item is not None else Node(None, resource.raw.name_span)
    if item is not None and isinstance(item.content, Entries) and "type" in item.content.nodes:
        at = settle(item.content.nodes["type"], scenario)  # what is derived of a machine is said where its type stands
    return Node(result, at.span, at.key_span, at.origins)


def _carried(world: _World, kind: Kind, raw: RawResource) -> list[Resource]:
    """Make resources of the jobs that a pipeline or state machine starts."""

    def read(name: str, scenario: Scenario) -> Node | None:
        prop = kind.properties.get(name)
        readings = (prop.spellings.get(raw.type) or _format_readings(prop, raw)) if prop is not None else ()
        found = (_read(world, kind, raw, reading, scenario) for reading in readings)
        return next((node for node in found if node is not None), None)

    reader = Reader(world.raw.documents)
    carrier = Carrier(partial(read, "definition"), partial(read, "substitutions"), reader, raw.address)
    return [_embedded(world, raw, job) for job in jobs_of(kind.carries, carrier)]


def _embedded(world: _World, raw: RawResource, job: EmbeddedJob) -> Resource:
    """Make a resource of a job: it is deployed with its carrier, in the scenarios that have it, and has its tags."""

    def exists(scenario: Scenario) -> bool | Unknown:
        there = raw.exists(scenario)
        return there if there is False or job.exists(scenario) else False

    kind = world.vocabulary.kinds[job.kind]
    around = Subject(Resource("", raw, {}), world.raw, world.settings, None, Siblings())
    tags = Node(Choice(lambda scenario: _tags_as_node(around, scenario)), raw.name_span)
    carried = replace(
        raw, type=f"embedded:{kind.name}", body=job.body, name_span=job.at, exists=exists, tags_below=tags
    )
    properties: dict[str, Node] = {}
    resource = Resource(kind.name, carried, properties, part_of=job.name)
    for name, prop in (*world.vocabulary.common.items(), *kind.properties.items()):
        compute = partial(_property, world, kind, resource, prop)
        key = (raw.address, job.name, kind.name, name)
        properties[name] = Node(remembered(world.memory, key, compute), carried.name_span)
    if kind.machine_learning:
        properties[_MACHINE_LEARNING] = Node(job.surely, job.at)
    return _billed(world, kind, resource)


def _tags_as_node(around: Subject, scenario: Scenario) -> Node:
    at = around.resource.raw.name_span
    return Node(Entries({key: Node(value, at) for key, value in around.tags(scenario).items()}), at)
