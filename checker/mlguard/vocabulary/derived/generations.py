"""What takes the place of an instance type: a newer generation with as much hardware."""

from __future__ import annotations

from collections.abc import Iterable

from mlguard.knowledge import generations, instances
from mlguard.knowledge.prices import HOME
from mlguard.scenario import Scenario
from mlguard.value import Content, Unknown, settle, text_of
from mlguard.vocabulary.derived.subject import Subject


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
    named = f"look at {', '.join(families)}" if families else "choose a newer family"
    return f"AWS has withdrawn it, {named}" if generations.status(family) == "withdrawn" else named


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
