"""What an instance type is: its family, whether it carries an accelerator, what it costs, and who may choose it."""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.knowledge import instances, regions
from mlguard.knowledge.prices import HOME
from mlguard.patterns import compile_safely
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Parameter, Unknown, settle, text_of
from mlguard.vocabulary.derived.subject import Subject

HOURS_PER_MONTH = 730
_NO_TYPE = Unknown("the instance type is not known")


def _type(subject: Subject, scenario: Scenario) -> str | Unknown | None:
    node = subject.field("type", scenario)
    if node is None:
        return None
    if isinstance(node.content, Unknown):
        return node.content
    return text_of(node.content) or _NO_TYPE


def accelerated(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether the instance type carries a GPU, Trainium, Inferentia or FPGA."""
    kind = _type(subject, scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    answer = instances.is_accelerated(kind)
    return Unknown(f'"{kind}" is not an instance type that mlguard knows') if answer is None else answer


def family(subject: Subject, scenario: Scenario) -> Content:
    """Give the family of the instance type: `p4d` of `ml.p4d.24xlarge`."""
    kind = _type(subject, scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    return instances.family(kind) or Unknown(f'"{kind}" is not an instance type')


def hourly_usd(subject: Subject, scenario: Scenario) -> Content:
    """Give the price of one instance for an hour in USD, in its region, or in us-east-1 where that is not known."""
    kind = _type(subject, scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    where = settle(subject.resource.raw.region, scenario).content
    rates = subject.settings.rates
    price = (rates.hourly(kind, where) if isinstance(where, str) else None) or rates.hourly(kind, HOME)
    return Unknown(f'no price is known for "{kind}"') if price is None else round(price.usd, 4)


def monthly_usd(subject: Subject, scenario: Scenario) -> Content:
    """Give the price in USD of all instances of the item for a month of 730 hours; the count is 1 where unknown."""
    hourly = hourly_usd(subject, scenario)
    if not isinstance(hourly, float | int):
        return hourly
    node = subject.field("count", scenario)
    count = text_of(node.content) if node is not None else None
    number = int(count) if count is not None and count.isdigit() and len(count) < 7 else 1  # noqa: PLR2004
    return round(hourly * max(number, 1) * HOURS_PER_MONTH)


def region_premium(subject: Subject, scenario: Scenario) -> Content:
    """Give how much dearer the type is in its region than in the cheapest of the comparison regions: 0.38 for 38 %."""
    where = settle(subject.resource.raw.region, scenario).content
    kind = family(subject, scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    if not isinstance(where, str):
        return where if isinstance(where, Unknown) else Unknown("the region is not known")
    ratio = regions.price_ratio(where, str(kind), _compared(subject))
    if ratio is None:
        return Unknown(f'no price of the family "{kind}" is known in {where}')
    return round(ratio - 1, 4)


def region_premium_percent(subject: Subject, scenario: Scenario) -> Content:
    """Give the premium of the region in whole per cent."""
    premium = region_premium(subject, scenario)
    return round(premium * 100) if isinstance(premium, int | float) else premium


def cheapest_region(subject: Subject, scenario: Scenario) -> Content:
    """Give the cheapest of the comparison regions for the instance family."""
    kind = family(subject, scenario)
    if kind is None or isinstance(kind, Unknown):
        return kind
    return regions.cheapest(str(kind), _compared(subject)) or Unknown("no price of the family is known")


def _compared(subject: Subject) -> Sequence[str]:
    listed = subject.settings.parameter("comparison_regions", "")
    return [str(name) for name in listed] if isinstance(listed, list | tuple) else []


def _parameter(subject: Subject, scenario: Scenario) -> tuple[Node, Parameter] | None:
    node = subject.field("type", scenario)
    if node is None:
        return None
    for origin in node.origins:
        if origin.parameter is not None:
            return node, origin.parameter
    return None


def constraint(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say how the parameter that chooses the instance type is constrained.

    `none` when no parameter chooses it, `closed` when its values are listed, `pattern` when a pattern keeps
    accelerated types out or names them one by one, `open` otherwise.
    """
    found = _parameter(subject, scenario)
    if found is None:
        return "none"
    node, parameter = found
    if parameter.allowed:
        return "closed"
    if parameter.pattern:
        bounded = _bounded_by(parameter.pattern)
        answer: Content = Unknown("the parameter's pattern is too complex") if bounded is None else bounded
    else:
        answer = "open"
    return Node(answer, node.span, node.key_span, node.origins)


def constrained_by(subject: Subject, scenario: Scenario) -> Content:
    """Give the name of the parameter or variable that chooses the instance type."""
    found = _parameter(subject, scenario)
    return None if found is None else found[1].name


def _bounded_by(pattern: str) -> str | None:
    """Try the pattern on every instance type: one that lets an expensive accelerator through bounds nothing."""
    compiled = compile_safely(pattern)
    if compiled is None:
        return None
    for kind in instances.accelerated_types():
        if compiled.fullmatch(kind):
            return "open"
    return "pattern"
