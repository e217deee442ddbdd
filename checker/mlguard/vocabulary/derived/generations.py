"""What takes the place of an instance type: a newer generation with as much hardware."""

from __future__ import annotations

from collections.abc import Iterable

from mlguard.knowledge import generations, instances
from mlguard.knowledge.prices import HOME
from mlguard.scenario import Scenario
from mlguard.value import Content, Unknown, settle, text_of
from mlguard.vocabulary.derived.subject import Subject

_INFERENCE = ("inf2",)
_PORTED_INFERENCE = ("p3", "g4dn", "g5", "p4d", "p4de")
_TRAINING = ("trn1", "trn2")


def replacement(subject: Subject, scenario: Scenario) -> Content:
    """Say in words what takes the place of an old accelerator, with both prices where the newer one is cheaper."""
    kind = type_of(subject, scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    own = instances.lookup(kind)
    family = instances.family(kind) or ""
    families = generations.replacing_families(family)
    if own is not None:
        use = subject.field("use", scenario)
        found = generations.comparable(kind, families, text_of(use.content) or "" if use is not None else "")
        alike = [name for name in found if accelerator_kind(name) == own.accelerator_kind]
        before, cheapest = price(subject, kind, scenario), cheapest_of(subject, alike, scenario)
        if before is not None and cheapest is not None and cheapest[0] < before:
            return f"{cheapest[1]} has as many accelerators for ${cheapest[0]:,.2f} instead of ${before:,.2f} an hour"
    alike_families = [name for name in families if own is None or own.accelerator_kind in _kinds(name)]
    named = f"look at {', '.join(alike_families or families)}" if families else "choose a newer family"
    return f"AWS has withdrawn it, {named}" if generations.status(family) == "withdrawn" else named


def _kinds(family: str) -> set[str]:
    return {accelerator_kind(name) for name in instances.types_of((family,))}


def other_silicon(subject: Subject, scenario: Scenario) -> Content:
    """Say in words which type with AWS's own silicon has as much hardware for less; absent where none has."""
    kind, use = type_of(subject, scenario), subject.field("use", scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    used = text_of(use.content) or "" if use is not None else ""
    own, before = instances.lookup(kind), price(subject, kind, scenario)
    if own is None or before is None:
        return None
    names, port = _ported(kind, own, used)
    found = cheapest_of(subject, [name for name in names if generations.taken(name, used)], scenario)
    if found is None or found[0] >= before:
        return None
    return f"{found[1]} for ${found[0]:,.2f} instead of ${before:,.2f} an hour, {port}"


def _ported(kind: str, own: instances.Instance, use: str) -> tuple[list[str], str]:
    """Give the types that the work could be ported to, and what the port takes."""
    prefix = "ml." if kind.startswith("ml.") else ""
    families: tuple[str, ...] = ()
    if use == "hosting" and own.family in _PORTED_INFERENCE:
        families = _INFERENCE
    elif use == "training":
        families = tuple(name for name in generations.replacing_families(own.family) if name in _TRAINING)
    if own.accelerator_count:
        alike = [name for name in instances.types_of(families) if _accelerators(name) >= own.accelerator_count]
        return [prefix + name for name in alike], "after a port to AWS Neuron"
    if use != "hosting":
        return [], ""
    larger = instances.types_of(generations.graviton_families(own.family))
    return [prefix + name for name in larger if instances.at_least_as_large(name, own)], "with an image for arm64"


def _accelerators(name: str) -> float:
    found = instances.lookup(name)
    return found.accelerator_count if found is not None else 0


def type_of(subject: Subject, scenario: Scenario) -> str | Unknown | None:
    """Give the instance type of the item."""
    node = subject.field("type", scenario)
    if node is None:
        return None
    if isinstance(node.content, Unknown):
        return node.content
    return text_of(node.content) or Unknown("the instance type is not known")


def accelerator_kind(name: str) -> str:
    """Give one word for the accelerator of a type, empty where it has none."""
    found = instances.lookup(name)
    return found.accelerator_kind if found is not None else ""


def price(subject: Subject, kind: str, scenario: Scenario) -> float | None:
    """Give the price of an hour in the region of the resource, or in us-east-1 where that is not known."""
    where = settle(subject.resource.raw.region, scenario).content
    found = subject.settings.rates.hourly(kind, where if isinstance(where, str) else HOME)
    return found.usd if found is not None else None


def cheapest_of(subject: Subject, kinds: Iterable[str], scenario: Scenario) -> tuple[float, str] | None:
    """Give the cheapest of some types that are sold in the region of the resource, with its price."""
    priced = ((price(subject, kind, scenario), kind) for kind in kinds)
    return min(((usd, kind) for usd, kind in priced if usd is not None), default=None)
