"""How groups of accelerators are bought, and whether that suits what they are for."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlguard.patterns import lazy_pattern
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.capacity import hardware_of, launched_hardware
from mlguard.vocabulary.derived.subject import Subject

_WORD = lazy_pattern(r"[a-z0-9]+")
_HUMP = lazy_pattern(r"(?<=[a-z0-9])(?=[A-Z])")
_PREPAID = ("capacity-block", "CAPACITY_BLOCK")
_WHOLE = 100.0


def accelerated_nodes(subject: Subject, scenario: Scenario) -> Node:
    """List the accelerated nodes whose role is told: items with `type`, `role` (interruptible, serving) and `fit`.

    `fit` is `fits`, or how they are bought where that does not suit their role: `on-demand` for work that can be
    interrupted, `spot` for what serves. Nodes of EMR beyond the core hold no data, so their work can be repeated.
    """
    at = subject.resource.raw.name_span
    role = "interruptible" if subject.resource.kind.startswith("emr.") else _role(subject, scenario)
    if role is None:
        return Node(Items(()), at)
    found: list[Node] = []
    rest: Unknown | None = None
    for kind, hardware, bought in _groups(subject, scenario):
        if isinstance(hardware, Unknown):
            rest = rest or hardware
        elif hardware == "accelerated":
            found.append(_item(kind, role, bought))
    return Node(Items(tuple(found), rest), at)


def _item(kind: Node, role: str, bought: Node) -> Node:
    how = bought.content
    wrong = "on-demand" if role == "interruptible" else "spot"
    fit: Content = how if isinstance(how, Unknown) else (wrong if how == wrong else "fits")
    entries = {"type": kind, "role": Node(role, kind.span), "fit": _said(fit, bought)}
    return Node(Entries(entries), kind.span, kind.key_span)


def _role(subject: Subject, scenario: Scenario) -> str | None:
    """Tell by its words what a group is for; None where they tell nothing, or both."""
    texts = [subject.resource.raw.address.rpartition(".")[2].rpartition("/")[2]]
    name, labels = subject.property("name", scenario), subject.property("labels", scenario)
    texts.append(_text(name))
    texts.extend(str(value) for value in subject.tags(scenario).values() if value is not None)
    if labels is not None and isinstance(labels.content, Entries):
        for key, value in labels.content.nodes.items():
            texts.extend((key, _text(settle(value, scenario))))
    words = {word for text in texts for word in _WORD.findall(_HUMP.sub("-", text).lower())}
    roles = [role for role in ("interruptible", "serving") if _speaks_of(subject, role, words)]
    return roles[0] if len(roles) == 1 else None


def _text(node: Node | None) -> str:
    content = node.content if node is not None else None
    return content.pattern if isinstance(content, Unknown) else text_of(content) or ""


def _speaks_of(subject: Subject, role: str, words: set[str]) -> bool:
    listed = subject.settings.parameter(f"{role}_words", "")
    patterns = [str(pattern) for pattern in listed] if isinstance(listed, list | tuple) else []
    return any(fnmatchcase(word, pattern) for word in words for pattern in patterns)


def _groups(subject: Subject, scenario: Scenario) -> Iterator[tuple[Node, str | Unknown, Node]]:
    """Give each group of nodes: the type that tells its hardware, the hardware, and how it is bought."""
    if not subject.resource.kind.startswith("emr."):
        launched = launched_hardware(subject, scenario)
        if launched is not None:
            yield launched[1], launched[0], _launched(subject, launched[1], scenario)
        return
    listed = items(subject.property("task_nodes", scenario), scenario)
    for item in listed.nodes if isinstance(listed, Items) else ():
        types = _types(item, scenario)
        if types:
            hardware, kind = hardware_of(types, item, scenario)
            yield kind, hardware, _emr(subject, item, scenario)
    rest = listed if isinstance(listed, Unknown) else listed.rest
    if rest is not None:
        at = Node(rest, subject.resource.raw.name_span)
        yield at, rest, at


def _types(item: Node, scenario: Scenario) -> list[Node]:
    kind = child(item, "type", scenario)
    pool = items(child(item, "pool", scenario), scenario)
    return [kind] if kind is not None else list(pool.nodes) if isinstance(pool, Items) else []


def _launched(subject: Subject, kind: Node, scenario: Scenario) -> Node:
    """Say how an Auto Scaling group or a node group of EKS buys: on-demand where it says nothing."""
    if subject.resource.kind == "eks.node_group":
        bought = subject.property("capacity_type", scenario)
        return _said(_of_eks(bought), bought or kind)
    percent, base = subject.property("on_demand_percent", scenario), subject.property("on_demand_base", scenario)
    if percent is not None:
        return _said(_share(percent, base), percent)
    listed = items(subject.property("template_machines", scenario), scenario)
    nodes = listed.nodes if isinstance(listed, Items) else ()
    market = next((one for node in nodes if (one := child(node, "market", scenario)) is not None), None)
    if market is None:
        return _said("on-demand", kind)
    if isinstance(market.content, Unknown):
        return market
    return _said("prepaid" if text_of(market.content) in _PREPAID else "spot", market)


def _of_eks(bought: Node | None) -> Content:
    if bought is None:
        return "on-demand"
    if isinstance(bought.content, Unknown):
        return bought.content
    text = text_of(bought.content)
    return "prepaid" if text in _PREPAID else "spot" if text == "SPOT" else "on-demand"


def _share(percent: Node, base: Node | None) -> Content:
    """Say how a mixed group buys beyond its base: all on-demand, all spot, or both."""
    if isinstance(percent.content, Unknown):
        return percent.content
    try:
        share = float(text_of(percent.content) or "")
    except ValueError:
        return Unknown("the share of on-demand instances is not known")
    if share >= _WHOLE:
        return "on-demand"
    return "spot" if share == 0 and (base is None or text_of(base.content) == "0") else "mixed"


def _emr(subject: Subject, item: Node, scenario: Scenario) -> Node:
    market, bid, spot = (child(item, name, scenario) for name in ("market", "bid", "spot"))
    told = market or bid or spot
    if told is None:
        return _said("on-demand", child(item, "type", scenario) or Node(None, subject.resource.raw.name_span))
    if isinstance(told.content, Unknown):
        return told
    text = text_of(told.content) or ""
    return _said("on-demand" if text == "ON_DEMAND" or (told is spot and text == "0") else "spot", told)


def _said(content: Content, at: Node) -> Node:
    return Node(content, at.span, at.key_span, at.origins)
