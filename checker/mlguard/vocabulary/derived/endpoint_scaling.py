"""Application Auto Scaling: what scales a variant of an endpoint, or the copies of an inference component."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, items, settle, text_of
from mlguard.vocabulary.derived.naming import kin_of, names, piece, refers_by_arn
from mlguard.vocabulary.derived.subject import Subject

TARGET = "application_autoscaling.scalable_target"
_POLICIES = ("application_autoscaling.scaling_policy", "application_autoscaling.scheduled_action")
_VARIANT = re.compile(r"endpoint/(?P<endpoint>[^/]*)/variant/(?P<variant>[^/|]*)")
_COMPONENT = re.compile(r"inference-component/(?P<component>[^/|]*)")
_NAMESPACES = ("endpoint/", "inference-component/")
_Named = Callable[[Node], bool | None]


@dataclass(frozen=True, slots=True)
class Scaling:
    """What scales something: `scaled`, `no-target`, `no-policy` or `arn`, and the scalable target where there is one.

    `arn` is a target that names its endpoint by the ARN, which AWS refuses.
    """

    state: str | Unknown
    target: Resource | None = None


def variant_scaling(
    endpoint: Resource, variant: Node | None, siblings: Sequence[Resource], scenario: Scenario, *, alone: bool
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
    for other in subject.siblings:
        if other.kind not in _POLICIES or other.address == subject.resource.address or mine is None:
            continue
        theirs = settle(other.properties["resource_id"], scenario)
        written = other.properties.get("disables_scale_in")
        if theirs.content == mine.content and (written is None or settle(written, scenario).content is None):
            return "enabled"
    return replace(disables, content="disabled")


def _serves_models(resource_id: Node | None, subject: Subject, scenario: Scenario) -> bool | None:
    """Tell whether what a policy scales is an endpoint; it may say so by naming its target."""
    content = resource_id.content if resource_id is not None else None
    if isinstance(content, Reference):
        target = next((one for one in subject.siblings if one.raw.address == content.address), None)
        if target is None or target.kind != TARGET:
            return None
        content = settle(target.properties["resource_id"], scenario).content
    text = content.pattern if isinstance(content, Unknown) else text_of(content)
    if text is None or text.startswith("*"):
        return None
    return text.startswith(_NAMESPACES)


def _scaling(named: _Named, owner: Resource, siblings: Sequence[Resource], scenario: Scenario) -> Scaling:
    perhaps: Unknown | None = None
    for target, resource_id in _with_ids((TARGET,), siblings, scenario):
        verdict = _existing(target, named(resource_id), scenario)
        if verdict is True and refers_by_arn(resource_id, owner):
            return Scaling("arn", target)
        if verdict is True:
            return _by_policy(target, named, siblings, scenario)
        if verdict is None:
            perhaps = perhaps or Unknown(f"{target.address} may scale it")
    return Scaling(perhaps or "no-target")


def _by_policy(target: Resource, named: _Named, siblings: Sequence[Resource], scenario: Scenario) -> Scaling:
    own = items(target.properties["schedules"], scenario)
    if isinstance(own, Unknown) or own.nodes or own.rest is not None:
        return Scaling("scaled", target)  # a schedule that only may be there is not worth a finding
    perhaps: Unknown | None = None
    for policy, resource_id in _with_ids(_POLICIES, siblings, scenario):
        content = resource_id.content
        of_target = isinstance(content, Reference) and content.address == target.raw.address
        verdict = _existing(policy, of_target or named(resource_id), scenario)
        if verdict is True:
            return Scaling("scaled", target)
        if verdict is None:
            perhaps = perhaps or Unknown(f"{policy.address} may scale it")
    return Scaling(perhaps or "no-policy", target)


def _with_ids(
    kinds: Sequence[str], siblings: Sequence[Resource], scenario: Scenario
) -> Iterator[tuple[Resource, Node]]:
    for sibling in siblings:
        if sibling.kind in kinds and sibling.raw.exists(scenario) is not False:
            resource_id = settle(sibling.properties["resource_id"], scenario)
            if resource_id.content is not None:
                yield sibling, resource_id


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
