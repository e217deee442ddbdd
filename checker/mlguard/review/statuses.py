"""Tell what a change did to each finding: made it, made it worse, left it as it was, took it away."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from mlguard.finding import Comparison, Finding, Money, Part, Report, Status, sum_of
from mlguard.record import replace
from mlguard.render.money import exposure_of, range_of

Earlier = Callable[[Finding], list[Finding]]
"""Gives the findings of before that tell of the same mistakes as one of now."""
DEARER = 1.1
"""A tenth more is worse; less is what a disk grows by."""


def index_of(findings: Iterable[Finding]) -> dict[str, Finding]:
    """Give findings by each of their fingerprints."""
    return {name: finding for finding in findings for name in finding.fingerprints}


def status_of(finding: Finding, earlier: Sequence[Finding]) -> tuple[Status, str]:
    """Give the status of a finding and, where it got worse, what it was before in words."""
    if not earlier:
        return "new", ""
    severity = max(one.severity for one in earlier)
    if finding.severity > severity:
        return "worse", f"{severity.label}, now {finding.severity.label}"
    if len(finding.fingerprints) > sum(len(one.fingerprints) for one in earlier):
        return "worse", "in fewer places"
    parts = [part for one in earlier for part in one.exposure]
    for per, what in (("month", "a month"), ("run", "a run")):
        then, now = sum_of(parts, per), sum_of(finding.exposure, per)  # type: ignore[arg-type]
        if finding.policy.exposure != "project" and dearer(now, then):  # a project grows with all that is added to it
            return "worse", f"{range_of(then) or 'nothing'} {what}"
    return "existing", ""


def dearer(now: Money, then: Money) -> bool:
    """Tell whether more is at stake than before, by more than a tenth."""
    if now.high is None or then.high is None:
        return (now.high is None and then.high is not None) or now.low > then.low * DEARER + 0.01
    return max(now.low - then.low * DEARER, now.high - then.high * DEARER) > 0.01  # noqa: PLR2004  (a cent)


def added_money(findings: Iterable[Finding], earlier: Earlier) -> Money:
    """Give what new and worse findings that count put at stake for a month beyond what was at stake before."""
    parts: list[Part] = []
    for finding in findings:
        if finding.counts:
            parts.extend(_grown(finding, earlier(finding)))
    return sum_of(parts)


def _grown(finding: Finding, earlier: Sequence[Finding]) -> Iterable[Part]:
    then = {part.key: part for one in earlier for part in one.exposure}
    for part in finding.exposure:
        before = then.get(part.key)
        if before is None:
            yield part
        else:
            high = None if part.high is None else max(part.high - (before.high or 0.0), 0.0)
            yield replace(part, low=max(part.low - before.low, 0.0), high=high)


def marked(report: Report, earlier: Earlier) -> Report:
    """Give the report with the status of each finding; one that has none yet, or counts, may become an existing one."""
    findings = []
    for finding in report.findings:
        if finding.status == "existing":
            findings.append(finding)
            continue
        status, was = status_of(finding, earlier(finding))
        findings.append(replace(finding, status=status, was=was))
    return replace(report, findings=tuple(findings))


def compared(report: Report, before: Report, earlier: Earlier, against: str, seen: Callable[[str], bool]) -> Report:
    """Compare with the report of before; `seen` tells of a file whether its findings of now are known."""
    report = marked(report, earlier)
    still = {id(one) for finding in report.findings for one in earlier(finding)}
    fixed = [one for one in before.counted() if id(one) not in still and seen(one.at.path)]
    return replace(
        report,
        comparison=Comparison(
            against=against,
            fixed=tuple(replace(one, status="fixed") for one in fixed),
            before=sum_of(part for one in before.counted() for part in one.exposure),
            added=added_money(report.findings, earlier),
        ),
    )


def told(finding: Finding) -> str:
    """Say a finding in a few words: its policy, its resource, and what is at stake."""
    money = exposure_of(finding)
    what = f"{finding.policy.id} of {finding.resource or finding.project}"
    return f"{what} ({money})" if money else what
