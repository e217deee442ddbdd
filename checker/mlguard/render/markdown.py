"""The report as Markdown: the summary of a job or a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlguard.finding import Finding, Report, number_of, sum_of
from mlguard.knowledge.prices import price_dates
from mlguard.render.advice import fix_in_brief, shown_path
from mlguard.render.escape import markdown_code, markdown_code_cell, markdown_prose, shortened
from mlguard.render.money import dearest_first, exposure_of, monthly_total, range_of, total_line
from mlguard.render.totals import (
    by_policy,
    by_status,
    change_in_brief,
    findings_total,
    total,
    undecided_reasons,
    worst,
)

MAX_CHARACTERS = 60_000
"""GitHub takes 65,536 characters in a comment."""

_RESERVED = 1200  # for the totals and the lines that say how much was left out
_MESSAGE = 400
_NAME = 160
_REASONS = 10
_SHORT = 20  # rows of a list
_LONG = 50  # findings: who wants to see all opens a report
_FEW = 5  # findings: so many are seen at a glance


def render(report: Report, *, limit: int = MAX_CHARACTERS) -> str:
    """Render a summary of at most `limit` characters; what does not fit is counted.

    Where the run is compared, it is about the change: existing findings are counted, not listed.
    """
    listed = _worst_first(report.failing())
    hidden = _worst_first(finding for finding in report.findings if finding.suppressed is not None)
    fixed = _worst_first(report.comparison.fixed) if report.comparison is not None else []
    head = _head(report)
    foot = f"\n{markdown_prose(total(report))}.\n"
    paper = _Paper(limit - len(head) - len(foot) - _RESERVED)
    paper.section("### Look at this first\n\n", "", list(_remarks(report)), (len(report.remarks), "remark"))
    problems = list(_problems(report))
    paper.section("### Problems\n\n", "", problems[:_SHORT], (len(problems), "problem"))
    groups = by_policy(listed)
    if len(groups) > 1 and len(listed) > _FEW:
        paper.section("### By policy\n\n", _POLICY_HEADER, map(_policy_row, groups), (len(groups), "row"))
    title = "### What the change adds\n\n" if report.comparison is not None else "### Findings\n\n"
    rows = (_finding_row(report, finding) for finding in listed[:_LONG])
    paper.section(title, _HEADER, rows, (len(listed), "finding"))
    fixes = list(_fixes(listed))
    paper.section("### How to fix\n\n", "", fixes[:_SHORT], (len(fixes), "fix"))
    paper.section(
        f"### {number_of(len(fixed), 'finding')} fixed\n\n",
        "| Where it was | Policy | What was wrong | At stake |\n| --- | --- | --- | --: |\n",
        (_fixed_row(report, finding) for finding in fixed),
        (len(fixed), "fixed finding"),
    )
    reasons = undecided_reasons(report)
    paper.section(
        f"### {number_of(len(report.undecided), 'check')} undecided\n\n",
        "| Checks | Why only the deployment decides |\n| --: | --- |\n",
        (f"| {count:,} | {_prose(because)} |" for because, count in reasons[:_REASONS]),
        (len(reasons), "reason"),
    )
    paper.section(
        f"### {number_of(len(hidden), 'finding')} suppressed\n\n",
        "| Where | Policy | Reason |\n| --- | --- | --- |\n",
        (_suppressed_row(report, finding) for finding in hidden),
        (len(hidden), "suppressed finding"),
    )
    paper.section("### Notes\n\n", "", [f"- {_prose(note)}" for note in report.notes], (len(report.notes), "note"))
    return head + "".join(paper.parts) + foot


_HEADER = "| Severity | Where | Policy | What is wrong | At stake |\n| --- | --- | --- | --- | --: |\n"
_POLICY_HEADER = "| Policy | Worst | Findings | At stake a month |\n| --- | --- | --: | --: |\n"


def _policy_row(group: Sequence[Finding]) -> str:
    name = markdown_code_cell(shortened(group[0].policy.id, _NAME))
    return f"| {name} | {worst(group).label} | {len(group):,} | {markdown_prose(_sum_of(group))} |"


def _worst_first(findings: Iterable[Finding]) -> list[Finding]:
    """Sort by severity, then by money: the first rows are what a reviewer reads."""
    return sorted(dearest_first(findings), key=lambda finding: -finding.severity)


def _head(report: Report) -> str:
    """Write what is to be known at once: how many findings, and what is at stake, before and after."""
    comparison, money = report.comparison, total_line(report)
    if comparison is None:
        return f"## mlguard: {findings_total(report)}\n" + (f"\n{markdown_prose(money)}.\n" if money else "")
    counts = by_status(report)
    before = counts["existing"] + counts["worse"] + counts["fixed"]
    after = counts["existing"] + counts["worse"] + counts["new"]
    rows = [
        _change_row("before", before, range_of(comparison.before) if comparison.before is not None else ""),
        *(_change_row(status, counts[status], _sum_of(_of(report, status))) for status in ("new", "worse")),
        _change_row("fixed", counts["fixed"], _sum_of(comparison.fixed)),
        _change_row("after", after, range_of(monthly_total(report))),
    ]
    against = f"\nAgainst {markdown_code(shortened(comparison.against, _NAME))}, by list prices of {price_dates()}.\n"
    return "\n".join([f"## mlguard: {change_in_brief(report)}\n", _CHANGE_HEADER, *rows, against])


_CHANGE_HEADER = "| | Findings | At stake a month |\n| --- | --: | --: |"


def _of(report: Report, status: str) -> list[Finding]:
    return [finding for finding in report.counted() if finding.status == status]


def _sum_of(findings: Iterable[Finding]) -> str:
    return range_of(sum_of(part for finding in findings for part in finding.exposure))


def _change_row(name: str, count: int, money: str) -> str:
    shown = f"**{name}**" if name in ("new", "worse", "after") and count else name
    return f"| {shown} | {count:,} | {markdown_prose(money)} |"


class _Paper:
    """Text of a bounded size: sections get their rows as long as there is room."""

    def __init__(self, room: int) -> None:
        self.parts: list[str] = []
        self._room = room

    def section(self, title: str, header: str, rows: Iterable[str], of: tuple[int, str]) -> None:
        """Write a title, a table's header and rows; `of` is how many rows there are in all, and of what."""
        count, noun = of
        if not count:
            return
        start = f"\n{title}{header}"
        self._room -= len(start)
        written = 0
        self.parts.append(start)
        for row in rows:
            if len(row) + 1 > self._room:
                break
            self._room -= len(row) + 1
            self.parts.append(f"{row}\n")
            written += 1
        if written < count:
            self.parts.append(f"\n... and {number_of(count - written, f'more {noun}')}.\n")


def _place(report: Report, path: str, line: int) -> str:
    shown = shortened(shown_path(report, path), _NAME)
    return f"{shown}:{line}" if line else shown


def _prose(text: str) -> str:
    return markdown_prose(shortened(text, _MESSAGE))


def _finding_row(report: Report, finding: Finding) -> str:
    what = ("worse: " if finding.status == "worse" else "") + _prose(finding.message)
    if finding.was:
        what += f" (was {_prose(finding.was)})"
    if finding.when:
        what += f" (when {_prose(finding.when)})"
    cells: Sequence[str] = (
        finding.severity.label,
        markdown_code_cell(_place(report, finding.at.path, finding.at.line)),
        markdown_code_cell(shortened(finding.policy.id, _NAME)),
        what,
        markdown_prose(exposure_of(finding)),
    )
    return f"| {' | '.join(cells)} |"


def _fixed_row(report: Report, finding: Finding) -> str:
    where = markdown_code_cell(_place(report, finding.at.path, finding.at.line))
    policy = markdown_code_cell(shortened(finding.policy.id, _NAME))
    return f"| {where} | {policy} | {_prose(finding.message)} | {markdown_prose(exposure_of(finding))} |"


def _fixes(findings: Iterable[Finding]) -> Iterable[str]:
    """Say once for each policy and language how to fix it."""
    told = dict.fromkeys((finding.policy.id, fix_in_brief(finding)) for finding in findings)
    for name, fix in told:
        if fix:
            yield f"- {markdown_code(shortened(name, _NAME))}: {_prose(fix)}"


def _remarks(report: Report) -> Iterable[str]:
    for remark in report.remarks:
        yield _told(report, remark.path, remark.line, remark.text)


def _suppressed_row(report: Report, finding: Finding) -> str:
    where = markdown_code_cell(_place(report, finding.at.path, finding.at.line))
    reason = finding.suppressed.reason if finding.suppressed is not None else ""
    return f"| {where} | {markdown_code_cell(shortened(finding.policy.id, _NAME))} | {_prose(reason)} |"


def _problems(report: Report) -> Iterable[str]:
    for problem in report.problems:
        yield _told(report, problem.path, problem.line, problem.message)


def _told(report: Report, path: str, line: int, text: str) -> str:
    place = markdown_code(_place(report, path, line)) + ": " if path else ""
    return f"- {place}{_prose(text)}"
