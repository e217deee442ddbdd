"""The money that a finding puts at stake: which charges of which resources it is about, over all its scenarios."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from mlguard.finding import Part
from mlguard.policy.model import Policy
from mlguard.record import field, record, replace
from mlguard.resource import Charge, Project, Resource
from mlguard.scenario import Decided, Outcome, Scenario, TooManyScenariosError, explore
from mlguard.source import Span
from mlguard.value import Node, child

_MAX_SCENARIOS = 256
_MOST_SPOT_SAVES = 0.9
"""AWS: "up to 90 %", https://docs.aws.amazon.com/sagemaker/latest/dg/model-managed-spot-training.html."""

Decisions = Mapping[str, Decided]
Bill = list[Outcome[tuple[Charge, ...]]]


@record()
class Stake:
    """What a failing leaf is about: where its item is written, and the share of a charge that its region adds."""

    decisions: Decisions
    environment: str = ""
    item: Span | None = None
    premium: float = 0.0


@record(frozen=False)
class Bills:
    """What the resources of one project are billed for, each found out once for all policies."""

    project: Project
    _kept: dict[int, Bill] = field(default_factory=dict)

    def parts(self, policy: Policy, resource: Resource | None, stakes: Sequence[Stake]) -> tuple[Part, ...]:
        """Give the parts of a finding's exposure; none where no figure can be given."""
        if policy.exposure == "none":
            return ()
        if policy.exposure == "project" or resource is None:
            found = [part for one in self.project.resources for part in self._of(one, policy, stakes)]
            return tuple(part for part in found if part.per == "month")
        return tuple(self._of(resource, policy, stakes))

    def _of(self, resource: Resource, policy: Policy, stakes: Sequence[Stake]) -> Iterable[Part]:
        merged: dict[tuple[str, ...], Part] = {}
        for stake in stakes:
            for outcome in self._bill(resource):
                if not outcome.agrees(stake.decisions):
                    continue
                for charge in outcome.result:
                    part = self._part(resource, policy, stake, charge)
                    if part is not None:
                        before = merged.get(part.key)
                        merged[part.key] = part if before is None else _wider(before, part)
        return [part for part in merged.values() if part.low > 0 or part.high]

    def _part(self, resource: Resource, policy: Policy, stake: Stake, charge: Charge) -> Part | None:
        if policy.exposure in ("item", "region-premium") and stake.item is not None and charge.at != stake.item:
            return None
        low, high, how = charge.low, charge.high, charge.how
        if policy.exposure == "region-premium":
            low, high = low * stake.premium, None if high is None else high * stake.premium
            how = f"{stake.premium:.0%} of {how}"
        elif policy.exposure == "spot-saving":
            low, high = 0.0, None if high is None else high * _MOST_SPOT_SAVES
            how = f"up to {_MOST_SPOT_SAVES:.0%} of {how}"
        project = self.project.raw
        return Part(
            project.path,
            stake.environment,
            charge.resource or resource.address,
            charge.name,
            round(low, 2),
            None if high is None else round(high, 2),
            charge.per,
            charge.basis,
            how,
        )

    def _bill(self, resource: Resource) -> Bill:
        kept = self._kept.get(id(resource))
        if kept is None:
            kept = self._kept[id(resource)] = _explored(resource)
        return kept


def _explored(resource: Resource) -> Bill:
    def charged(scenario: Scenario) -> tuple[Charge, ...]:
        exists = resource.raw.exists(scenario)
        if exists is False:
            return ()
        charges = resource.charges(scenario)
        if exists is True:
            return charges
        many = resource.raw.address.endswith("[?]")  # it stands for a number that nobody knows
        return tuple(replace(charge, low=0.0, high=None if many else charge.high) for charge in charges)

    found: Bill = []
    try:
        found.extend(explore(charged, _MAX_SCENARIOS))
    except TooManyScenariosError:  # what was seen is a part of all there may be
        return [replace(one, result=tuple(replace(charge, high=None) for charge in one.result)) for one in found]
    return found


def _wider(one: Part, other: Part) -> Part:
    """Join two scenarios' figures for one thing: the range of both, in the words of the dearer."""
    high = None if one.high is None or other.high is None else max(one.high, other.high)
    dearer = one if _highest(one) >= _highest(other) else other
    return replace(dearer, low=min(one.low, other.low), high=high)


def _highest(part: Part) -> float:
    return float("inf") if part.high is None else part.high


def premium_share(scope: Node | None, scenario: Scenario) -> float:
    """Give the share of a price that the region adds: a third of it where the region is half as dear again."""
    node = child(scope, "region_premium", scenario) if scope is not None else None
    premium = node.content if node is not None else None
    return premium / (1 + premium) if isinstance(premium, int | float) and premium > 0 else 0.0
