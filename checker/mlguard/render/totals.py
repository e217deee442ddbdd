"""What a run comes to, in words: how many findings of which severity, and how the files and checks ended."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from mlguard.finding import Finding, Report, Status, number_of
from mlguard.policy.model import Severity

Order = Callable[[Iterable[Finding]], list[Finding]]
"""Puts findings in the order in which a person reads them."""
WORST_FIRST = tuple(sorted(Severity, reverse=True))


def by_severity(findings: Iterable[Finding]) -> dict[str, int]:
    """Count findings by the name of their severity, worst first, every severity named."""
    counted = Counter(finding.severity for finding in findings)
    return {severity.label: counted[severity] for severity in WORST_FIRST}


STATUSES: tuple[Status, ...] = ("new", "worse", "existing", "fixed")


def by_status(report: Report) -> dict[str, int]:
    """Count the findings that are not suppressed by what the change did to them, every status named."""
    counted = Counter(finding.status for finding in report.counted())
    fixed = len(report.comparison.fixed) if report.comparison is not None else 0
    return {status: fixed if status == "fixed" else counted[status] for status in STATUSES}


def change_total(report: Report) -> str:
    """Give `2 new, 0 worse, 41 existing, 3 fixed against main at 1a2b3c4`; empty where nothing is compared."""
    if report.comparison is None:
        return ""
    parts = ", ".join(f"{count:,} {status}" for status, count in by_status(report).items())
    return f"{parts} against {report.comparison.against}"


def change_in_brief(report: Report) -> str:
    """Give `2 new findings, 3 fixed`, what is none of it left out."""
    counts = by_status(report)
    told = [number_of(counts["new"], "new finding") if counts["new"] else "no new findings"]
    told += [f"{counts[status]:,} {status}" for status in ("worse", "fixed") if counts[status]]
    return ", ".join(told)


def findings_total(report: Report) -> str:
    """Give `3 findings (1 critical, 2 high)`: only those that are not suppressed."""
    counted = report.counted()
    parts = ", ".join(f"{count:,} {label}" for label, count in by_severity(counted).items() if count)
    return number_of(len(counted), "finding") + (f" ({parts})" if parts else "")


def total(report: Report) -> str:
    """Give the whole run on one line."""
    counts = report.counts
    return (
        f"{findings_total(report)}, {number_of(len(report.problems), 'problem')}, "
        f"{number_of(len(report.undecided), 'check')} undecided in {number_of(counts.projects, 'project')}, "
        f"{number_of(counts.resources, 'resource')}; files: {counts.scanned:,} scanned, {counts.partly:,} partly, "
        f"{counts.failed:,} failed, {counts.skipped:,} skipped"
    )


def by_policy(findings: Iterable[Finding]) -> list[list[Finding]]:
    """Group findings by policy: those with the worst finding first, then those with the most."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.policy.id, []).append(finding)
    return [groups[name] for name in sorted(groups, key=lambda name: (-worst(groups[name]), -len(groups[name]), name))]


def worst(findings: Iterable[Finding]) -> Severity:
    """Give the severity of the worst of some findings."""
    return max(finding.severity for finding in findings)


def undecided_reasons(report: Report) -> list[tuple[str, int]]:
    """Group the undecided checks by reason: the most frequent first, then by name."""
    counted = Counter(undecided.because for undecided in report.undecided)
    return sorted(counted.items(), key=lambda item: (-item[1], item[0]))


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by place."""
    return sorted(findings, key=Finding.order)


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort findings by severity, then by place."""
    return sorted(findings, key=lambda finding: (-finding.severity, finding.order()))
