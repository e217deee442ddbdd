"""Whether an instance type is offered where it is deployed to."""

from __future__ import annotations

from mlguard.knowledge import offers
from mlguard.scenario import Scenario
from mlguard.value import Content, Unknown, settle, text_of
from mlguard.vocabulary.derived.subject import Subject

_REGIONS_SHOWN = 6


def offered(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether the price list of the region has the type for its use; unknown where no price list has the type."""
    where = settle(subject.resource.raw.region, scenario).content
    found = _regions(subject, scenario)
    if found is None or isinstance(found, Unknown):
        return found
    if not isinstance(where, str):
        return where if isinstance(where, Unknown) else Unknown("the region is not known")
    return where in found if offers.is_listed(where) else Unknown(f"the price list of {where} is not known")


def offered_in(subject: Subject, scenario: Scenario) -> Content:
    """Give the regions whose price list has the type for its use, in words."""
    found = _regions(subject, scenario)
    if found is None or isinstance(found, Unknown):
        return found
    more = len(found) - _REGIONS_SHOWN
    return ", ".join(found[:_REGIONS_SHOWN]) + (f" and {more} more" if more > 0 else "")


def _regions(subject: Subject, scenario: Scenario) -> tuple[str, ...] | Unknown | None:
    node, use = subject.field("type", scenario), subject.field("use", scenario)
    if node is None:
        return None
    if isinstance(node.content, Unknown):
        return node.content
    kind = text_of(node.content) or ""
    found = offers.regions_offering(text_of(use.content) or "" if use is not None else "", kind)
    return Unknown(f'no price list has "{kind}" for this use') if found is None else found
