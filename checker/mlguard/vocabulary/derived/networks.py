"""Where machine learning runs, and which way its data takes: regions and VPCs."""

from __future__ import annotations

from dataclasses import replace

from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Items, Node, Unknown, child, items, settle
from mlguard.vocabulary.derived.context import is_managed_ml, machine_learning
from mlguard.vocabulary.derived.subject import Subject, property_of

_STACK_SET = "cloudformation.stack_set"


def runs_ml(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether a resource is paid-for machine learning: of SageMaker or Bedrock, or a machine with accelerators.

    A stack set is by its name, since its template lies elsewhere.
    """
    resource = subject.resource
    if resource.kind == _STACK_SET:
        scope = subject.property("ml_scope", scenario)
        return scope.content if scope is not None else None
    if is_managed_ml(resource):
        if resource.part_of and _carried_by_ml(subject):
            return False  # the pipeline speaks for its steps
        return "machines" in resource.properties or resource.kind.startswith(("bedrock.", "sagemaker.pipeline"))
    return machine_learning(subject, scenario)


def _carried_by_ml(subject: Subject) -> bool:
    address = subject.resource.raw.address
    return any(one.raw.address == address and not one.part_of and is_managed_ml(one) for one in subject.siblings)


def ml_regions(subject: Subject, scenario: Scenario) -> Node | None:
    """List the regions that a resource runs machine learning in: its own, or those of an ML stack set."""
    return _regions(subject.resource, scenario)


def _regions(resource: Resource, scenario: Scenario) -> Node | None:
    at = resource.raw.name_span
    if resource.kind != _STACK_SET:
        region = settle(resource.raw.region, scenario)
        own = child(resource.raw.body, "region", scenario)
        place = region if own is not None else Node(None, at)  # not where a provider says it for all
        return Node(Items((replace(place, content=region.content),)), at)
    listed = items(property_of(resource, "deployments", scenario), scenario)
    if isinstance(listed, Unknown):
        return Node(listed, at)
    found = (child(one, "region", scenario) for one in listed.nodes)
    return Node(Items(tuple(node for node in found if node is not None), listed.rest), at)


def region_number(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say how many regions the ML of the project is in, up to this resource; absent where it adds no region."""
    if runs_ml(subject, scenario) is not True:
        return None
    seen: set[str] = set()
    for sibling in subject.siblings:
        if sibling is not subject.resource and sibling.raw.exists(scenario) is False:
            continue
        running = property_of(sibling, "runs_ml", scenario)
        if running is None or running.content is not True:
            continue
        before = len(seen)
        listed = _regions(sibling, scenario)
        nodes = listed.content.nodes if listed is not None and isinstance(listed.content, Items) else ()
        seen.update(node.content for node in nodes if isinstance(node.content, str))
        if sibling.raw is subject.resource.raw:
            at = nodes[0] if nodes else Node(None, sibling.raw.name_span)
            return replace(at, content=len(seen)) if len(seen) > before else None
    return None
