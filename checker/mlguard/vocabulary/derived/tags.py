"""The tags that reach what is billed: which there are, and what may still be added when somebody deploys."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlguard.record import field, record
from mlguard.resource import Resource
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.context import environment
from mlguard.vocabulary.derived.subject import Subject

# the default tags of the provider, or the tags of the stack, do not reach these
_WITHOUT_DEFAULTS = ("aws_autoscaling_group", "awscc_", "embedded:")
_ENVIRONMENT = "Environment"
_BILLING = ("budgets.", "ce.")
_SAID_OF = ("budgets.budget", "ce.cost_allocation_tag", "ce.cost_category")


@record(frozen=False)
class TagSet:
    """The known tags by key, each with its value, and why there may be more; None where there are no others."""

    nodes: dict[str, Node] = field(default_factory=dict)
    rest: Unknown | None = None


def tags_of(subject: Subject, scenario: Scenario) -> TagSet:
    """Give the tags of a resource: those from outside, then its own, which win."""
    found = TagSet()
    raw = subject.resource.raw
    below = raw.tags_below if not raw.type.startswith(_WITHOUT_DEFAULTS) else None
    attached = subject.property("attached_tags", scenario)
    own = [*subject.own_tags(scenario), *([attached] if attached is not None else [])]
    for node in (*([settle(below, scenario)] if below is not None else []), *own):
        _add(found, node, scenario)
    return found


def tag_of(subject: Subject, key: str, scenario: Scenario) -> Node | None:
    """Give the value of a tag: None where it is known to be absent, an Unknown node where it may be there."""
    found = tags_of(subject, scenario)
    if key in found.nodes:
        return found.nodes[key]
    return None if found.rest is None else Node(found.rest, subject.resource.raw.name_span)


def _add(found: TagSet, node: Node, scenario: Scenario) -> None:
    content = node.content
    if isinstance(content, Entries):
        found.nodes |= {key: settle(value, scenario) for key, value in content.nodes.items()}
        found.rest = found.rest or content.rest
        return
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        found.rest = found.rest or listed
        return
    found.rest = found.rest or listed.rest
    for key, value in _pairs(listed.nodes, scenario):
        written = text_of(key.content)
        if written is not None:
            found.nodes[written] = value
        else:
            unknown = key.content if isinstance(key.content, Unknown) else None
            found.rest = found.rest or unknown or Unknown("the key of a tag is decided at deployment")


def _pairs(nodes: tuple[Node, ...], scenario: Scenario) -> Iterator[tuple[Node, Node]]:
    """Read a list of tags in either spelling; a tag without a value has an empty one."""
    for node in nodes:
        item = settle(node, scenario)
        if isinstance(item.content, Unknown):
            yield item, item
            continue
        for key_name, value_name in (("Key", "Value"), ("key", "value")):
            key = child(item, key_name, scenario)
            if key is not None:
                yield key, child(item, value_name, scenario) or Node("", key.span, key.key_span)
                break


def _parameter(subject: Subject, name: str, scenario: Scenario) -> list[str]:
    found = subject.settings.parameter(name, str(environment(subject, scenario)))
    return [str(value) for value in found] if isinstance(found, list | tuple) else []


def missing_cost_tags(subject: Subject, scenario: Scenario) -> Content | Node:
    """List the required cost tags that a resource does not have; empty where the tags of its stack stand for them."""
    raw = subject.resource.raw
    if raw.format == "cloudformation" and subject.settings.parameter("assume_stack_tags", "") is True:
        return Items(())
    found = tags_of(subject, scenario)
    missing = [key for key in _parameter(subject, "required_cost_tags", scenario) if key not in found.nodes]
    if missing and found.rest is not None:
        return Node(Items((), found.rest), raw.name_span)
    return Node(Items(tuple(Node(key, raw.name_span) for key in missing)), raw.name_span)


def empty_cost_tags(subject: Subject, scenario: Scenario) -> Node:
    """List the required cost tags whose value is empty."""
    found = tags_of(subject, scenario).nodes
    empty = [
        key
        for key in _parameter(subject, "required_cost_tags", scenario)
        if key in found and not _has_value(found[key])
    ]
    at = found[empty[0]] if empty else Node(None, subject.resource.raw.name_span)
    return Node(Items(tuple(Node(key, at.span) for key in empty)), at.span, at.key_span)


def _has_value(node: Node) -> bool:
    written = text_of(node.content)
    return bool(written.strip()) if written is not None else node.content is not None


def environment_tag(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the value of the tag Environment; absent without one."""
    return tags_of(subject, scenario).nodes.get(_ENVIRONMENT)


def lifetime_tag(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the tag that says when a resource may be removed; absent without one."""
    found = tags_of(subject, scenario)
    names = {name.lower() for name in _parameter(subject, "lifetime_tags", scenario)}
    there = next((key for key in found.nodes if key.lower() in names), None)
    return there if there is not None else found.rest


def tag_propagation(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether the tags of a resource reach what is billed for it; absent where they are on that already."""
    kind = subject.resource.kind
    if kind == "autoscaling.group":
        return _to_instances(subject, scenario)
    if kind == "batch.compute_environment":
        provisioning = subject.property("provisioning", scenario)
        written = text_of(provisioning.content) if provisioning is not None else None
        if written is None or not written.upper().startswith(("EC2", "SPOT")):
            return None  # tasks of Fargate carry the tags of their job
        return _there(_below(subject, ("ComputeResources", "compute_resources"), ("Tags", "tags"), scenario))
    if kind == "sagemaker.studio_domain":
        return _there(_below(subject, ("TagPropagation", "tag_propagation"), (), scenario), "ENABLED")
    return None


def _below(subject: Subject, keys: tuple[str, ...], inner: tuple[str, ...], scenario: Scenario) -> Node | None:
    node = next((found for key in keys if (found := subject.raw(key, scenario)) is not None), None)
    if node is None or not inner:
        return node
    return next((found for key in inner if (found := child(node, key, scenario)) is not None), None)


def _there(node: Node | None, wanted: str = "") -> Content | Node:
    if node is None:
        return "missing"
    if isinstance(node.content, Unknown):
        return node
    works = not wanted or text_of(node.content) == wanted
    return Node("works" if works else "missing", node.span, node.key_span, node.origins)


def _to_instances(subject: Subject, scenario: Scenario) -> Content | Node:
    """Tell whether an Auto Scaling group hands its required tags on to its instances."""
    required = _parameter(subject, "required_cost_tags", scenario)
    own = [subject.raw(key, scenario) for key in ("Tags", "tags", "tag")]
    for node in (*own, subject.property("attached_tags", scenario)):
        listed = items(node, scenario)
        for item in listed.nodes if isinstance(listed, Items) else ():
            key = child(item, "Key", scenario) or child(item, "key", scenario)
            names = ("PropagateAtLaunch", "propagate_at_launch", "propagated")
            handed = next((found for name in names if (found := child(item, name, scenario)) is not None), None)
            if key is not None and text_of(key.content) in required and handed is not None:
                if isinstance(handed.content, Unknown):
                    return handed
                if text_of(handed.content) == "false":
                    return Node("missing", handed.span, handed.key_span, handed.origins)
    return "works"


def billing_gap(subject: Subject, scenario: Scenario) -> Content:
    """Say what keeps cost tags from the reports of a project that manages billing; absent where nothing does.

    Terraform activates tags; CloudFormation cannot, so there a cost category must group the cost. It is said of the
    first resource of billing in a project, and not of the budget that a project of machine learning brings along.
    """
    there = [one for one in subject.siblings if one.raw.exists(scenario) is not False]
    billing = [one for one in there if one.kind.startswith(_BILLING)]
    first = next((one for one in billing if one.kind in _SAID_OF), None)
    if first is None or first.raw is not subject.resource.raw:
        return None
    managed = any(one.kind.startswith("ce.") for one in billing)
    if not managed and any(_is_machine_learning(one, scenario) for one in there):
        return None
    if subject.resource.raw.format == "cloudformation":
        grouped = any(one.kind == "ce.cost_category" for one in billing)
        return None if grouped else "a cost category"
    active = _active_tags(there, scenario)
    if isinstance(active, Unknown):
        return active
    missing = [key for key in _parameter(subject, "required_cost_tags", scenario) if key not in active]
    if missing and subject.project.gaps:
        return Unknown(subject.project.gaps[0].what)
    return ", ".join(missing) if missing else None


def _is_machine_learning(resource: Resource, scenario: Scenario) -> bool:
    own = resource.properties.get("machine_learning")
    return own is not None and settle(own, scenario).content is True


def _active_tags(resources: Sequence[Resource], scenario: Scenario) -> set[str] | Unknown:
    active: set[str] = set()
    for one in resources:
        if one.kind == "ce.cost_allocation_tag":
            key, status = settle(one.properties["key"], scenario), settle(one.properties["status"], scenario)
            for content in (key.content, status.content):
                if isinstance(content, Unknown):
                    return content
            if text_of(status.content) == "Active":
                active.add(text_of(key.content) or "")
    return active
