"""Application Auto Scaling: what scales a variant of an endpoint, or the copies of an inference component."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet

from mlguard.patterns import lazy_pattern
from mlguard.record import record, replace
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, items, settle, text_of
from mlguard.vocabulary.derived.naming import kin_of, names, piece, refers_by_arn
from mlguard.vocabulary.derived.subject import Siblings, Subject
from mlguard.vocabulary.joins import without_keys

TARGET = "application_autoscaling.scalable_target"
_POLICIES = ("application_autoscaling.scaling_policy", "application_autoscaling.scheduled_action")
_VARIANT = lazy_pattern(r"endpoint/(?P<endpoint>[^/]*)/variant/(?P<variant>[^/|]*)")
_COMPONENT = lazy_pattern(r"inference-component/(?P<component>[^/|]*)")
_NAMESPACES = ("endpoint/", "inference-component/")
_ENDPOINT = "sagemaker.endpoint"
_COMPONENT_KIND = "sagemaker.inference_component"
_Named = Callable[[Node], bool | None]


@record()
class Scaling:
    """What scales something: `scaled`, `no-target`, `no-policy` or `arn`, and the scalable target where there is one.

    `arn` is a target that names its endpoint by the ARN, which AWS refuses.
    """

    state: str | Unknown
    target: Resource | None = None


def variant_scaling(
    endpoint: Resource, variant: Node | None, siblings: Siblings, scenario: Scenario, *, alone: bool
) -> Scaling:
    """Say what scales a variant of an endpoint; `alone` tells that the endpoint has no other."""
    endpoints = kin_of(endpoint.kind, siblings)

    def named(resource_id: Node) -> bool | None:
        return names_variant(resource_id, endpoint, variant, endpoints, scenario, alone=alone)

    return _scaling(named, endpoint, siblings, scenario)


def names_variant(
    resource_id: Node,
    endpoint: Resource,
    variant: Node | None,
    endpoints: AbstractSet[str],
    scenario: Scenario,
    *,
    alone: bool,
) -> bool | None:
    """Tell whether `endpoint/NAME/variant/NAME` names this variant of this endpoint; None when it may."""
    found = _match(_VARIANT, resource_id)
    if found is None:
        return _whole(resource_id)
    whose = names(piece(resource_id, found["endpoint"]), endpoint, endpoints, scenario)
    return _both(whose, _names_variant(found["variant"], variant, alone))


def component_scaling(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what scales the copies of an inference component."""
    component = subject.resource
    components = kin_of(component.kind, subject.siblings)

    def named(resource_id: Node) -> bool | None:
        found = _match(_COMPONENT, resource_id)
        if found is None:
            return _whole(resource_id)
        return names(piece(resource_id, found["component"]), component, components, scenario)

    return _scaling(named, component, subject.siblings, scenario).state


def scale_in(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether anything takes away the capacity that a policy adds: `enabled` or `disabled`.

    `other-service` when it scales no endpoint. Another policy of the same target may be the one that scales in.
    """
    mine = subject.property("resource_id", scenario)
    serves = _serves_models(mine, subject, scenario)
    if serves is not True:
        return "other-service" if serves is False else Unknown("what it scales is not known")
    disables = subject.property("disables_scale_in", scenario)
    if disables is None or disables.content is False or text_of(disables.content) == "false":
        return "enabled"
    if isinstance(disables.content, Unknown):
        return disables
    found = _filed(_POLICIES, subject.siblings, scenario)
    for other in found.same(mine, subject.siblings) if mine is not None else ():
        written = other.properties.get("disables_scale_in")
        silent = written is None or settle(written, scenario).content is None
        if silent and other.address != subject.resource.address:
            return "enabled"
    return replace(disables, content="disabled")


def _serves_models(resource_id: Node | None, subject: Subject, scenario: Scenario) -> bool | None:
    """Tell whether what a policy scales is an endpoint; it may say so by naming its target."""
    content = resource_id.content if resource_id is not None else None
    if isinstance(content, Reference):
        target = subject.siblings.at(TARGET, content.address)
        if target is None:
            return None
        content = settle(target.properties["resource_id"], scenario).content
    text = content.pattern if isinstance(content, Unknown) else text_of(content)
    if text is None or text.startswith("*"):
        return None
    return text.startswith(_NAMESPACES)


def _scaling(named: _Named, owner: Resource, siblings: Siblings, scenario: Scenario) -> Scaling:
    perhaps: Unknown | None = None
    for target, resource_id in _filed((TARGET,), siblings, scenario).about(owner, scenario):
        verdict = _existing(target, named(resource_id), scenario)
        if verdict is True and refers_by_arn(resource_id, owner):
            return Scaling("arn", target)
        if verdict is True:
            return _by_policy(target, named, owner, siblings, scenario)
        if verdict is None:
            perhaps = perhaps or Unknown(f"{target.address} may scale it")
    return Scaling(perhaps or "no-target")


def _by_policy(target: Resource, named: _Named, owner: Resource, siblings: Siblings, scenario: Scenario) -> Scaling:
    own = items(target.properties["schedules"], scenario)
    if isinstance(own, Unknown) or own.nodes or own.rest is not None:
        return Scaling("scaled", target)  # a schedule that only may be there is not worth a finding
    perhaps: Unknown | None = None
    found = _filed(_POLICIES, siblings, scenario)
    for policy, resource_id in (*found.about(target, scenario), *found.about(owner, scenario)):
        content = resource_id.content
        of_target = isinstance(content, Reference) and content.address == target.raw.address
        verdict = _existing(policy, of_target or named(resource_id), scenario)
        if verdict is True:
            return Scaling("scaled", target)
        if verdict is None:
            perhaps = perhaps or Unknown(f"{policy.address} may scale it")
    return Scaling(perhaps or "no-policy", target)


_Ids = list[tuple[Resource, Node]]


@record()
class _Filed:
    """Resources with what they scale, by the resources and the texts that its id names; the rest may name anything."""

    by_key: Mapping[str, _Ids]
    rest: _Ids

    def about(self, owner: Resource, scenario: Scenario) -> Iterator[tuple[Resource, Node]]:
        """Give those that may name the owner."""
        name = settle(owner.properties["name"], scenario).content if "name" in owner.properties else None
        keys = {owner.raw.address, without_keys(owner.raw.address), text_of(name) or ""}
        for key in self.by_key if isinstance(name, Unknown) else keys:
            yield from self.by_key.get(key, ())
        yield from self.rest

    def same(self, resource_id: Node, siblings: Siblings) -> Iterator[Resource]:
        """Give those whose id is the same."""
        keys = _keys(resource_id, siblings)
        for ids in [self.rest] if keys is None else [self.by_key.get(key, []) for key in keys]:
            yield from (one for one, node in ids if node.content == resource_id.content)


def _filed(kinds: Sequence[str], siblings: Siblings, scenario: Scenario) -> _Filed:
    """File the resources of some kinds once for each scenario: each endpoint looks only at what may be its own."""

    def found(inner: Scenario) -> _Filed:
        by_key: dict[str, _Ids] = {}
        rest: _Ids = []
        for one in (one for kind in kinds for one in siblings.of_kind(kind)):
            resource_id = settle(one.properties["resource_id"], inner)
            if resource_id.content is None or one.raw.exists(inner) is False:
                continue
            keys = _keys(resource_id, siblings)
            for filed in [rest] if keys is None else [by_key.setdefault(key, []) for key in keys]:
                filed.append((one, resource_id))
        return _Filed(by_key, rest)

    return siblings.memory.recall(("filed", *kinds), scenario, found)


def _keys(resource_id: Node, siblings: Siblings) -> list[str] | None:
    """Give what an id names: addresses, or the name in its text; None where that is open."""
    content = resource_id.content
    if isinstance(content, Reference):
        return [_exact(content, siblings)]
    if isinstance(content, Unknown):
        kin = kin_of(_ENDPOINT, siblings) | kin_of(_COMPONENT_KIND, siblings)
        return [_exact(one, siblings) for one in content.references if without_keys(one.address) in kin] or None
    found = _match(_VARIANT, resource_id) or _match(_COMPONENT, resource_id)
    return [found[1]] if found is not None else []


def _exact(reference: Reference, siblings: Siblings) -> str:
    """Give the address of a resource that is there, else that of all instances of it."""
    there = any(siblings.at(kind, reference.address) for kind in (_ENDPOINT, _COMPONENT_KIND, TARGET))
    return reference.address if there else without_keys(reference.address)


def _existing(resource: Resource, verdict: bool | None, scenario: Scenario) -> bool | None:  # noqa: FBT001
    return None if verdict is True and resource.raw.exists(scenario) is not True else verdict


def _match(pattern: re.Pattern[str], resource_id: Node) -> re.Match[str] | None:
    content = resource_id.content
    text = content.pattern if isinstance(content, Unknown) else text_of(content)
    return pattern.match(text) if text is not None else None


def _whole(resource_id: Node) -> bool | None:
    """Tell whether an id that has not the form wanted may have it when it is known."""
    content = resource_id.content
    return None if isinstance(content, Unknown) and content.pattern.startswith("*") else False


def _names_variant(written: str, variant: Node | None, alone: bool) -> bool | None:  # noqa: FBT001
    own = text_of(variant.content) if variant is not None else None
    if "*" in written or own is None:
        return True if alone else None
    return written == own


def _both(whose: bool | None, which: bool | None) -> bool | None:  # noqa: FBT001
    if whose is False or which is False:
        return False
    return True if whose and which else None
