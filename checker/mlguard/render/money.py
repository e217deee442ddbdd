"""Money as a person reads it, and what all findings together put at stake."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from mlguard.finding import Finding, Money, Part, Report, sum_of
from mlguard.knowledge.prices import price_dates

_CENTS_BELOW = 100


def dollars(amount: float) -> str:
    """Give an amount as `$18,433`, small ones with cents."""
    return f"${amount:,.0f}" if amount >= _CENTS_BELOW or amount == 0 else f"${amount:,.2f}"


def range_of(money: Money) -> str:
    """Give a sum as `$36`, `$36 to $58`, `up to $58` or `at least $36`; empty where there is no figure."""
    if not money.known:
        return ""
    if money.high is None:
        return f"at least {dollars(money.low)}"
    if dollars(money.low) == dollars(money.high):
        return dollars(money.high)
    return f"{dollars(money.low)} to {dollars(money.high)}" if money.low > 0 else f"up to {dollars(money.high)}"


def exposure_of(finding: Finding) -> str:
    """Give the money that a finding puts at stake, empty where there is no figure: `$18,433 a month`."""
    month, run = range_of(sum_of(finding.exposure)), range_of(sum_of(finding.exposure, "run"))
    return ", ".join([*([f"{month} a month"] if month else []), *([f"{run} a run"] if run else [])])


def reasons_of(finding: Finding) -> list[str]:
    """Give how each part of the money comes about, in words."""
    return [_reason(part) for part in finding.exposure]


def _reason(part: Part) -> str:
    return f"{part.how} ({part.basis})"


def monthly_total(report: Report) -> Money:
    """Give what all findings that count put at stake for a month, no resource counted twice."""
    return sum_of(part for finding in report.counted() for part in finding.exposure)


def total_line(report: Report) -> str:
    """Give the sum and the day of its prices on one line, empty where there is no figure."""
    shown = range_of(monthly_total(report))
    return f"at stake: {shown} a month, by list prices of {price_dates()}" if shown else ""


def totals_by(report: Report, name: Callable[[Finding, Part], str]) -> Mapping[str, Money]:
    """Group what is at stake for a month; what two groups are about is in both; dearest first."""
    groups: dict[str, list[Part]] = {}
    for finding in report.counted():
        for part in finding.exposure:
            groups.setdefault(name(finding, part), []).append(part)
    sums = {key: sum_of(parts) for key, parts in groups.items()}
    return {key: sums[key] for key in sorted(sums, key=lambda key: (-most_of(sums[key]), key)) if sums[key].known}


def dearest_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by the money at stake, the most that it may be, then by severity and place."""
    return sorted(findings, key=lambda finding: (-most_of(finding.monthly), -finding.severity, finding.order()))


def most_of(money: Money) -> float:
    """Give the most that is known of a sum."""
    return money.low if money.high is None else money.high
