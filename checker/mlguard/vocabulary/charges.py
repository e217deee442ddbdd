"""What a resource is billed for while it is left as the code says: machines by the hour, volumes by the month.

Every figure says how it comes about. What only the deployment decides makes a range or no figure, never a guess.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal

from mlguard.knowledge import bedrock, instances, prices
from mlguard.record import record, replace
from mlguard.resource import Basis, Charge
from mlguard.scenario import Scenario
from mlguard.value import Items, Node, Reference, Unknown, child, items, settle, text_of
from mlguard.vocabulary.derived.bedrock import named_model
from mlguard.vocabulary.derived.endpoints import config_of, scaled_variant
from mlguard.vocabulary.derived.machines import HOURS_PER_MONTH
from mlguard.vocabulary.derived.subject import Subject

_MANY = 1_000_000


@record()
class Amount:
    """A number that may be a range; `high` is None where nothing bounds it."""

    low: float
    high: float | None

    def times(self, other: Amount) -> Amount:
        """Multiply two ranges of numbers that are not negative."""
        unbounded = self.high is None or other.high is None
        return Amount(self.low * other.low, None if unbounded else (self.high or 0) * (other.high or 0))

    def shown(self) -> str:
        """Give the number as a person writes it: `2`, `1 to 4`, `at least 1`."""
        if self.high is None:
            return f"at least {self.low:g}"
        return f"{self.low:g}" if self.low == self.high else f"{self.low:g} to {self.high:g}"


_ONE = Amount(1, 1)


def charges_of(subject: Subject, billing: str, scenario: Scenario) -> tuple[Charge, ...]:
    """Give all charges of a resource in a scenario."""
    found = list(_machines(subject, billing, scenario)) if billing else []
    found.extend(_volumes(subject, billing, scenario))
    other = _OTHER.get(subject.resource.kind)
    return tuple(found if other is None else [*found, *other(subject, scenario)])


def number(node: Node | None, absent: Amount) -> Amount:
    """Read a number that the code gives: `absent` where it says nothing, no bound above where it is not known."""
    if node is None:
        return absent
    text = text_of(node.content)
    try:
        value = float(text) if text is not None else None
    except ValueError:
        value = None
    if value is None or not 0 <= value < _MANY:
        return Amount(min(absent.low, 0), None)
    return Amount(value, value)


def _machines(subject: Subject, billing: str, scenario: Scenario) -> Iterator[Charge]:
    for index, node in enumerate(_run_on(subject, scenario)):
        # of machines that are alternatives each is the whole bill, so they share its name
        name = "machines" if billing == "one_of" else f"machines.{index}"
        yield _machine(subject, node, billing, name, scenario)


def _run_on(subject: Subject, scenario: Scenario) -> tuple[Node, ...]:
    """Give the machines that a resource names itself; those of its launch template where it names no type."""
    own, template = (
        listed.nodes if isinstance(listed := items(subject.property(name, scenario), scenario), Items) else ()
        for name in ("machines", "template_machines")
    )
    named = any(child(node, "type", scenario) is not None for node in own)
    return own if named or not template else template


def _machine(subject: Subject, node: Node, billing: str, name: str, scenario: Scenario) -> Charge:
    kind = child(node, "type", scenario)
    at = kind.place if kind is not None else node.place
    per: Literal["month", "run"] = "run" if billing == "job" else "month"
    written = text_of(kind.content) if kind is not None else None
    found = _hourly(subject, written, scenario) if written is not None else None
    if found is None or written is None:
        what = f"no price is known for {written}" if written else "the instance type is decided at deployment"
        return Charge(name, 0, None, per, "list", what, at)
    hourly, basis, rate = found
    count = (
        number(child(node, "count", scenario), _ONE) if billing != "one_of" else _capacity(subject, written, scenario)
    )
    hours, duration = _hours(subject, billing, scenario)
    total = hourly.times(count).times(hours)
    many = "" if count == _ONE else f"{count.shown()} x "
    return Charge(name, total.low, total.high, per, basis, f"{many}{written}, {duration} x {rate}", at)


def _hourly(subject: Subject, kind: str, scenario: Scenario) -> tuple[Amount, Basis, str] | None:
    """Give the price for an hour, and in words; a range over all regions where the region is not known."""
    region = settle(subject.resource.raw.region, scenario).content
    rates = subject.settings.rates
    price = rates.hourly(kind, region) if isinstance(region, str) else None
    if price is not None:
        return Amount(price.usd, price.usd), price.kind, f"${price.usd:,.4g} in {price.region}"
    if isinstance(region, str):
        return None
    found = rates.hourly_range(kind)
    if found is None:
        return None
    low, high = found
    if low.usd == high.usd:
        return Amount(low.usd, low.usd), low.kind, f"${low.usd:,.4g} in {low.region}"
    return Amount(low.usd, high.usd), high.kind, f"${low.usd:,.4g} in {low.region} to ${high.usd:,.4g} in {high.region}"


def _hours(subject: Subject, billing: str, scenario: Scenario) -> tuple[Amount, str]:
    if billing != "job":
        return Amount(HOURS_PER_MONTH, HOURS_PER_MONTH), f"{HOURS_PER_MONTH} h"
    seconds = _longest_run(subject, scenario)
    if seconds.high is None:
        return Amount(0, None), "each hour of a run"
    return Amount(0, seconds.high / 3600), f"up to {seconds.high / 3600:g} h a run"


def _longest_run(subject: Subject, scenario: Scenario) -> Amount:
    """Give after how many seconds a job is stopped at the latest."""
    jobs = items(subject.property("jobs", scenario), scenario)
    nodes = jobs.nodes if not isinstance(jobs, Unknown) else ()
    limits = [number(child(node, "max_runtime_seconds", scenario), Amount(0, None)) for node in nodes]
    return max(limits, key=lambda one: float("inf") if one.high is None else one.high, default=Amount(0, None))


def _capacity(subject: Subject, kind: str, scenario: Scenario) -> Amount:
    """Give how many instances run: between the least and the most that the resource scales to."""
    vcpus = subject.property("max_vcpus", scenario) or subject.property("min_vcpus", scenario)
    of = "vcpus" if vcpus is not None else "capacity" if "min_capacity" in subject.resource.properties else "size"
    low, high = f"min_{of}", f"max_{of}"
    least = number(subject.property(low, scenario), Amount(0, 0))
    most = number(subject.property(high, scenario), Amount(least.low, None))
    if vcpus is None:
        return Amount(least.low, most.high)
    known = instances.lookup(kind)
    if known is None or not known.vcpu:
        return Amount(0, None)
    return Amount(_rounded_up(least.low, known.vcpu), None if most.high is None else _rounded_up(most.high, known.vcpu))


_WITH_IOPS = ("ebs.io1", "ebs.io2")
"""Volumes of which a part of the price is not known: that of provisioned IOPS."""


def _rounded_up(vcpus: float, of_one: int) -> float:
    return float(-(-int(vcpus) // of_one))


def _volumes(subject: Subject, billing: str, scenario: Scenario) -> Iterator[Charge]:
    """Give the charges of volumes: by the month, or by the part of a month that a job runs."""
    hours, duration = _hours(subject, billing, scenario)
    months = hours.times(Amount(1 / HOURS_PER_MONTH, 1 / HOURS_PER_MONTH))
    per: Literal["month", "run"] = "run" if billing == "job" else "month"
    listed = items(subject.property("volumes", scenario), scenario)
    for index, node in enumerate(listed.nodes if not isinstance(listed, Unknown) else ()):
        size = child(node, "size_gb", scenario)
        stored = text_of((child(node, "stored_as", scenario) or node).content)
        rate = prices.storage(stored) if stored is not None else None
        if size is None or rate is None:
            continue
        amount = number(size, Amount(0, None))
        count = number(child(node, "count", scenario), _ONE)
        total = amount.times(count).times(Amount(rate.usd, rate.usd)).times(months)
        how = _volume_sum(amount, count, rate)
        if stored in _WITH_IOPS:
            how = f"{how}, without its provisioned IOPS"
        at = (child(node, "type", scenario) or size).place
        yield Charge(
            f"volumes.{index}", total.low, total.high, per, "list", how if per == "month" else f"{how}, {duration}", at
        )


def _volume_sum(size: Amount, count: Amount, rate: prices.Rate) -> str:
    many = "" if count == _ONE else f"{count.shown()} x "
    return f"{many}{size.shown()} GB x ${rate.usd:g} a {rate.unit}"


def _notebooks(subject: Subject, scenario: Scenario) -> Iterator[Charge]:
    """Give the charges of the notebooks that start with a lifecycle configuration."""
    name = subject.property("name", scenario)
    for sibling in subject.siblings:
        used = sibling.properties.get("lifecycle_config")
        content = settle(used, scenario).content if used is not None else None
        by_reference = isinstance(content, Reference) and content.address == subject.resource.address
        if by_reference or (name is not None and isinstance(content, str) and content == name.content):
            for charge in sibling.charges(scenario):
                yield replace(charge, resource=sibling.address)


def _endpoint(subject: Subject, scenario: Scenario) -> Iterator[Charge]:
    """Give the charges of the configuration that an endpoint runs: its instances are written there."""
    config = config_of(subject.resource, subject.siblings, scenario)
    if not isinstance(config, Unknown):
        for charge in config.charges(scenario):
            yield replace(charge, resource=config.address)


def _scalable_target(subject: Subject, scenario: Scenario) -> Iterator[Charge]:
    """Give the charge of the variant that a target scales, between the target's bounds."""
    found = scaled_variant(subject.resource, subject.siblings, scenario)
    if found is not None:
        charge = _machine(subject, found.node, "one_of", f"machines.{found.index}", scenario)
        yield replace(charge, resource=found.config.address)


def _model_units(subject: Subject, scenario: Scenario) -> Iterator[Charge]:
    """Give the charge of provisioned throughput: its model units, for every hour, whatever is asked of them."""
    listed = items(subject.property("models", scenario), scenario)
    model = child(listed.nodes[0], "model", scenario) if not isinstance(listed, Unknown) and listed.nodes else None
    node = subject.property("model_units", scenario)
    at = (node or model or Node(None, subject.resource.raw.name_span)).place
    name = named_model(subject, model, scenario)[1] if model is not None else None
    if not isinstance(name, str):
        what = "the model is not known" if name is None else getattr(name, "because", "the model is not known")
        yield Charge("model_units", 0, None, "month", "list", what, at)
        return
    rates = _of_a_unit(subject, name, scenario)
    if not rates:
        what = f"no price of a model unit of {name} is known"
        yield Charge("model_units", 0, None, "month", "list", what, at)
        return
    units = number(node, _ONE)
    units = Amount(max(units.low, 1), units.high)  # there is no throughput of no units
    total = units.times(Amount(min(rates), max(rates))).times(Amount(HOURS_PER_MONTH, HOURS_PER_MONTH))
    rate = " to ".join(f"${usd:g}" for usd in dict.fromkeys((min(rates), max(rates))))
    how = f"{units.shown()} x model unit of {name}, {HOURS_PER_MONTH} h x {rate}"
    yield Charge("model_units", total.low, total.high, "month", "list", how, at)


def _of_a_unit(subject: Subject, model: str, scenario: Scenario) -> list[float]:
    """Give USD for an hour of one model unit, of each term where only the deployment decides the commitment."""
    node = subject.property("commitment", scenario)
    written = text_of(node.content) if node is not None else ""
    region = settle(subject.resource.raw.region, scenario).content
    terms = ("", "OneMonth", "SixMonths") if written is None else (written,)
    found = [bedrock.model_unit_hour(model, term, region if isinstance(region, str) else "") for term in terms]
    return [usd for usd in found if usd is not None]


_OTHER: Mapping[str, Callable[[Subject, Scenario], Iterator[Charge]]] = {
    "application_autoscaling.scalable_target": _scalable_target,
    "sagemaker.endpoint": _endpoint,
    "sagemaker.notebook_lifecycle_config": _notebooks,
    "bedrock.provisioned_throughput": _model_units,
}
"""What kinds are billed for besides machines and volumes of their own."""
