"""Accelerated instances, alone and in groups: what stops them, and how many run whatever the load."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.record import record
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.schedules import scheduled_stop
from mlguard.vocabulary.derived.subject import Subject

_PREPAID = "capacity-block"
_ACCELERATED_IMAGES = ("NVIDIA", "NEURON", "GPU")


@record()
class _Accelerated:
    """The accelerated types that something runs on, and why there may be more."""

    types: tuple[Node, ...] = ()
    rest: Unknown | None = None


def runs_accelerators(subject: Subject, scenario: Scenario) -> Content | Node:
    """Tell whether an instance carries an accelerator: by its own type, else by that of its launch template."""
    found = _accelerated(subject, scenario)
    if found.types:
        at = found.types[0]
        return Node(True, at.span, at.key_span, at.origins)  # noqa: FBT003  (a content)
    return found.rest if found.rest is not None else False


def instance_stop(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what stops an EC2 instance.

    `tag` when it carries a tag that a scheduler goes by; `market` when spot or a capacity block ends it; `state` when
    Terraform keeps it stopped; else what a schedule or an alarm does: `scheduled`, `disabled`, `start-only`, `missing`.
    """
    markets = _markets(subject, scenario)
    if {text_of(market.content) for market in markets} & {"spot", _PREPAID}:
        return "market"
    state = subject.property("set_state", scenario)
    if state is not None and text_of(state.content) == "stopped":
        return "state"
    wanted = subject.settings.parameter("schedule_tags", "")
    keys = {str(key).lower() for key in wanted} if isinstance(wanted, list | tuple) else set()
    if any(key.lower() in keys and value != "" for key, value in subject.tags(scenario).items()):
        return "tag"
    stop = scheduled_stop(subject, scenario)
    if stop == "scheduled":
        return stop
    for node in (state, *markets, *_hidden_tags(subject, scenario)):
        if node is not None and isinstance(node.content, Unknown):
            return node
    return stop


def _hidden_tags(subject: Subject, scenario: Scenario) -> Iterator[Node]:
    """Give what hides tags: those that a variable brings may name a schedule."""
    below = subject.resource.raw.tags_below
    own = [subject.raw(key, scenario) for key in ("Tags", "tags")]
    for node in [*own, settle(below, scenario) if below is not None else None]:
        if node is None:
            continue
        rest = node.content.rest if isinstance(node.content, Entries | Items) else node.content
        if isinstance(rest, Unknown):
            yield Node(rest, node.span, node.key_span, node.origins)


def kept_accelerators(subject: Subject, scenario: Scenario) -> Node:
    """List the accelerators that a group keeps running: `type`, `kept` (how many) and `how` (by what)."""
    if subject.resource.kind == "sagemaker.cluster":
        found = list(_cluster(subject, scenario))
    else:
        found = list(_group(subject, scenario))
    return Node(Items(tuple(found)), subject.resource.raw.name_span)


def _cluster(subject: Subject, scenario: Scenario) -> Iterator[Node]:
    mode = subject.property("autoscaling", scenario)
    listed = items(subject.property("groups", scenario), scenario)
    if (mode is not None and text_of(mode.content) == "Enable") or isinstance(listed, Unknown):
        return
    for group in listed.nodes:
        kind, count = child(group, "type", scenario), child(group, "count", scenario)
        if kind is None or count is None or child(group, "training_plan", scenario) is not None:
            continue
        accelerated = child(group, "accelerated", scenario)
        content = accelerated.content if accelerated is not None else False
        hidden = content if isinstance(content, Unknown) else None
        if mode is not None and isinstance(mode.content, Unknown):
            hidden = mode.content
        if content is True or hidden is not None:
            yield _kept(kind, count, hidden, "the instance count of the group")


def _group(subject: Subject, scenario: Scenario) -> Iterator[Node]:
    """Give what an Auto Scaling group or an EKS node group keeps: its minimum, and a warm pool that runs."""
    found = _accelerated(subject, scenario)
    capacity = subject.property("capacity_type", scenario)
    bought = text_of(capacity.content) if capacity is not None else ""
    prepaid = bought == "CAPACITY_BLOCK" or _PREPAID in [text_of(node.content) for node in _markets(subject, scenario)]
    if prepaid or not (found.types or found.rest):
        return
    kind = found.types[0] if found.types else Node(None, subject.resource.raw.name_span)
    hidden = None if found.types else found.rest
    unsaid = Node(Unknown("the code does not say its minimum size"), subject.resource.raw.name_span)
    least = subject.property("min_size", scenario) or unsaid
    cure = _scaled_in(subject, scenario)
    if cure is not True:
        yield _kept(kind, least, hidden or cure or None, "its minimum size")
    listed = items(subject.property("warm_pools", scenario), scenario)
    for pool in listed.nodes if isinstance(listed, Items) else ():
        state, enabled = child(pool, "state", scenario), child(pool, "enabled", scenario)
        if state is None or (text_of(state.content) or "running").lower() != "running":
            continue
        if enabled is None or text_of(enabled.content) != "false":
            yield _kept(kind, _pool_size(subject, pool, state, scenario), hidden, "its warm pool of running instances")


def _kept(kind: Node, size: Node, hidden: Unknown | None, how: str) -> Node:
    """Make an item; what hides the type or a cure does not matter where nothing is kept."""
    content = hidden if hidden and text_of(size.content) != "0" else size.content
    kept = Node(content, size.span, size.key_span, (*size.origins, *kind.origins))
    entries = {"type": kind, "kept": kept, "how": Node(how, size.span)}
    return Node(Entries(entries), kept.span, kept.key_span, kept.origins)


def _pool_size(subject: Subject, pool: Node, state: Node, scenario: Scenario) -> Node:
    """Give how many instances a warm pool holds: by default as many as bring its group to its maximum."""
    least = child(pool, "min_size", scenario)
    if least is not None and text_of(least.content) != "0":
        return Node(least.content, state.span, state.key_span, state.origins)
    sizes = [subject.property(name, scenario) for name in ("min_size", "max_size")]
    written = [text_of(size.content) or "" for size in sizes if size is not None]
    if isinstance(state.content, Unknown) or len(written) != len(sizes) or not all(map(str.isdecimal, written)):
        return Node(Unknown("how many instances the warm pool holds is not known"), state.span, state.key_span)
    return Node(max(int(written[1]) - int(written[0]), 0), state.span, state.key_span, state.origins)


def _scaled_in(subject: Subject, scenario: Scenario) -> bool | Unknown:
    """Tell whether something brings the group down to nothing again and again."""
    listed = items(subject.property("scheduled_actions", scenario), scenario)
    unknown = listed if isinstance(listed, Unknown) else listed.rest
    for action in listed.nodes if isinstance(listed, Items) else ():
        least, again = child(action, "min_size", scenario), child(action, "recurrence", scenario)
        if least is None or again is None:
            continue
        if text_of(least.content) == "0":
            return True
        unknown = unknown or (least.content if isinstance(least.content, Unknown) else None)
    stop = scheduled_stop(subject, scenario)
    if stop == "scheduled":
        return True
    return unknown or (stop if isinstance(stop, Unknown) else False)


def _accelerated(subject: Subject, scenario: Scenario) -> _Accelerated:
    """Find the accelerated types: among the resource's own, else in its launch template, else by its image."""
    for name in ("machines", "template_machines"):
        listed = items(subject.property(name, scenario), scenario)
        if isinstance(listed, Unknown):
            return _Accelerated(rest=listed)
        typed = [(item, kind) for item in listed.nodes if (kind := child(item, "type", scenario)) is not None]
        if not typed and listed.rest is None:
            continue
        types, unknown = [], listed.rest
        for item, kind in typed:
            answer = child(item, "accelerated", scenario)
            if answer is not None and answer.content is True:
                types.append(kind)
            elif answer is not None and isinstance(answer.content, Unknown):
                unknown = unknown or answer.content
        return _Accelerated(tuple(types), unknown)
    image = subject.property("ami_type", scenario)
    if image is not None and any(word in (text_of(image.content) or "").upper() for word in _ACCELERATED_IMAGES):
        return _Accelerated((image,))
    return _Accelerated()


def _markets(subject: Subject, scenario: Scenario) -> list[Node]:
    """Give how the instances are bought, where that is said: on the resource or in its launch template."""
    listed = items(subject.property("template_machines", scenario), scenario)
    nodes = listed.nodes if isinstance(listed, Items) else ()
    found = [subject.property("market", scenario), *(child(item, "market", scenario) for item in nodes)]
    return [node for node in found if node is not None]
