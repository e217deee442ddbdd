"""The report as Markdown: the summary of a job or a comment on a pull request."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from mlguard.finding import Finding, Report
from mlguard.render.advice import shown_path
from mlguard.render.escape import markdown_code, markdown_code_cell, markdown_prose, shortened
from mlguard.render.money import exposure_of, total_line
from mlguard.render.totals import findings_total, number_of, total, undecided_reasons, worst_first

MAX_CHARACTERS = 60_000
"""GitHub takes 65,536 characters in a comment."""

_RESERVED = 1200  # for the totals and the lines that say how much was left out
_MESSAGE = 400
_NAME = 160
_REASONS = 10


def render(report: Report, *, limit: int = MAX_CHARACTERS) -> str:
    """Render a summary of at most `limit` characters; what does not fit is counted."""
    counted = worst_first(report.counted())
    hidden = worst_first(finding for finding in report.findings if finding.suppressed is not None)
    money = total_line(report)
    head = f"## mlguard: {findings_total(report)}\n" + (f"\n{markdown_prose(money)}.\n" if money else "")
    foot = f"\n{markdown_prose(total(report))}.\n"
    paper = _Paper(limit - len(head) - len(foot) - _RESERVED)
    paper.section("", _HEADER, (_finding_row(report, finding) for finding in counted), (len(counted), "finding"))
    paper.section("### Problems\n\n", "", list(_problems(report)), (len(report.problems), "problem"))
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
    what = _prose(finding.message)
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


def _suppressed_row(report: Report, finding: Finding) -> str:
    where = markdown_code_cell(_place(report, finding.at.path, finding.at.line))
    reason = finding.suppressed.reason if finding.suppressed is not None else ""
    return f"| {where} | {markdown_code_cell(shortened(finding.policy.id, _NAME))} | {_prose(reason)} |"


def _problems(report: Report) -> Iterable[str]:
    for problem in report.problems:
        place = markdown_code(_place(report, problem.path, problem.line)) + ": " if problem.path else ""
        yield f"- {place}{_prose(problem.message)}"
