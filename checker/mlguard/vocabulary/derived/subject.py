"""What a derivation looks at."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from mlguard.knowledge.rates import Rates
from mlguard.record import field, record
from mlguard.resource import RawProject, Resource
from mlguard.scenario import Memory, Scenario
from mlguard.value import Entries, Node, Scalar, Unknown, child, items, settle, text_of


@record()
class Settings:
    """What the user said of the project: its environment, and the parameters that derivations read.

    `parameter` gives a parameter's value by name and environment. `environment_of` maps the words that people use in
    names and tags to environments (`dev` to `sandbox`). `assigned` gives the environment that the user assigns to a
    `stack`, a `workspace` or a `tag` of that name or value, and of that key, empty for none. `rates` are the user's
    own prices. `remembered` holds what is found out once for a project.
    """

    environment: str = ""
    default_environment: str = "sandbox"
    environment_of: Mapping[str, str] = field(default_factory=dict)
    parameter: Callable[[str, str], object] = lambda _name, _environment: None
    assigned: Callable[[str, str, str], str] = lambda _by, _written, _key: ""
    rates: Rates = field(default_factory=Rates)
    remembered: dict[str, frozenset[str]] = field(default_factory=dict, compare=False)


class Siblings(list[Resource]):
    """The resources of a project, found by kind and by address once all of them are there.

    `memory` holds what is found out of them once for each scenario.
    """

    @cached_property
    def memory(self) -> Memory:
        """What is remembered of these resources."""
        return Memory()

    @cached_property
    def _by_kind(self) -> Mapping[str, Sequence[Resource]]:
        found: dict[str, list[Resource]] = {}
        for one in self:
            found.setdefault(one.kind, []).append(one)
        return found

    @cached_property
    def _by_address(self) -> Mapping[tuple[str, str], Resource]:
        return {(one.kind, one.raw.address): one for one in self if not one.part_of}

    @cached_property
    def _positions(self) -> Mapping[int, int]:
        return {id(one.raw): index for index, one in reversed(list(enumerate(self)))}

    def position(self, resource: Resource) -> int:
        """Give where the first resource of the same code stands; the end where none does."""
        return self._positions.get(id(resource.raw), len(self))

    def of_kind(self, kind: str) -> Sequence[Resource]:
        """Give the resources of a kind."""
        return self._by_kind.get(kind, ())

    def at(self, kind: str, address: str) -> Resource | None:
        """Give the resource of a kind with this address."""
        return self._by_address.get((kind, address))


@record(eq=False)
class Subject:
    """A resource in its project, and the item of a list property when the derivation is one of a shape."""

    resource: Resource
    project: RawProject
    settings: Settings
    item: Node | None
    siblings: Siblings

    def property(self, name: str, scenario: Scenario) -> Node | None:
        """Give a property of the resource, None where it is absent or its kind has none of that name."""
        return property_of(self.resource, name, scenario)

    def field(self, name: str, scenario: Scenario) -> Node | None:
        """Give a property of the item, None where it is absent."""
        return child(self.item, name, scenario) if self.item is not None else None

    def raw(self, key: str, scenario: Scenario) -> Node | None:
        """Give an argument of the raw resource as its format spells it."""
        return child(self.resource.raw.body, key, scenario)

    def tags(self, scenario: Scenario) -> Mapping[str, Scalar]:
        """Give the known tags: those that reach the resource from outside, then its own."""
        return self.siblings.memory.recall(("tags", id(self.resource.raw)), scenario, self._known_tags)

    def _known_tags(self, scenario: Scenario) -> Mapping[str, Scalar]:
        found: dict[str, Scalar] = {}
        below = self.resource.raw.tags_below
        for node in ([settle(below, scenario)] if below is not None else []) + self.own_tags(scenario):
            found |= _tags(node, scenario)
        return found

    def own_tags(self, scenario: Scenario) -> list[Node]:
        """Give what the resource says of its tags, in whichever of the ways that its type has."""
        found = [self.raw(key, scenario) for key in ("Tags", "tags", "tags_all", "tag")]
        for key, below in (("TagSpecifications", "Tags"), ("tag_specifications", "tags")):
            listed = items(self.raw(key, scenario), scenario)
            if isinstance(listed, Unknown):
                found.append(self.raw(key, scenario))
            else:
                found.extend(child(one, below, scenario) for one in listed.nodes)
        return [node for node in found if node is not None]


def property_of(resource: Resource, name: str, scenario: Scenario) -> Node | None:
    """Give a property of any resource, None where it is absent or its kind has none of that name."""
    node = resource.properties.get(name)
    if node is None:
        return None
    settled = settle(node, scenario)
    return None if settled.content is None else settled


def _tags(node: Node, scenario: Scenario) -> dict[str, Scalar]:
    content = node.content
    if isinstance(content, Entries):
        return {key: _plain(settle(value, scenario)) for key, value in content.nodes.items()}
    found: dict[str, Scalar] = {}
    for item in getattr(content, "nodes", ()):
        key, value = child(item, "Key", scenario), child(item, "Value", scenario)
        if key is None:
            key, value = child(item, "key", scenario), child(item, "value", scenario)
        if key is not None and isinstance(key.content, str):
            found[key.content] = _plain(value) if value is not None else None
    return found


def _plain(node: Node) -> Scalar:
    return text_of(node.content)
