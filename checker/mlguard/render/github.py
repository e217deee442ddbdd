"""The report as annotations of a GitHub Actions run: workflow commands, the worst findings first.

Where the run is compared, only what the change made or worsened is annotated, and how it bears on the check itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Remark, Report, number_of
from mlguard.policy.model import Severity
from mlguard.render.advice import fix_in_brief, shown_path
from mlguard.render.escape import github_data, github_property, shortened, terminal, visible
from mlguard.render.money import exposure_of
from mlguard.render.totals import change_total, total, worst_first

MAX_OF_A_KIND = 10
"""GitHub shows no more annotations of a kind for one step."""

_TEXT = 2000
_NAME = 400
_KINDS = {
    Severity.CRITICAL: "error",
    Severity.HIGH: "error",
    Severity.MEDIUM: "warning",
    Severity.LOW: "notice",
    Severity.INFO: "notice",
}


def render(report: Report) -> str:
    """Render one workflow command a line, at most ten of a kind, then how many were left out and the totals."""
    by_kind: dict[str, list[str]] = {"error": [], "warning": [], "notice": []}
    by_kind["error"].extend(_problem(report, problem) for problem in report.problems)
    by_kind["warning"].extend(_remark(report, remark) for remark in report.remarks)
    for finding in worst_first(report.failing()):
        kind = _KINDS[finding.severity]
        by_kind[kind].append(_finding(report, finding, kind))
    lines = [line for commands in by_kind.values() for line in commands[:MAX_OF_A_KIND]]
    lines.extend(_left_out(by_kind))
    change = change_total(report)
    if change:
        lines.append(f"mlguard: {terminal(change, 0)}")
    lines.append(f"mlguard: {total(report)}")
    return "\n".join(lines) + "\n"


def _left_out(by_kind: dict[str, list[str]]) -> Iterator[str]:
    for kind, commands in by_kind.items():
        count = len(commands) - MAX_OF_A_KIND
        if count > 0:
            yield (
                f"mlguard: {number_of(count, f'more {kind}')} not annotated, GitHub shows {MAX_OF_A_KIND} of a kind: "
                "see the log or the job summary"
            )


def _command(kind: str, properties: dict[str, str], text: str) -> str:
    listed = ",".join(f"{name}={github_property(value)}" for name, value in properties.items())
    return f"::{kind} {listed}::{github_data(text)}"


def _clean(text: str, limit: int) -> str:
    return visible(shortened(" ".join(text.split()), limit))


def _finding(report: Report, finding: Finding, kind: str) -> str:
    at = finding.at.first_line()
    properties = {"file": _file(report, at.path), "line": str(at.line), "col": str(at.column)}
    if at.end_column > at.column:
        properties["endColumn"] = str(at.end_column)
    properties["title"] = f"{finding.severity.label}: {_clean(finding.policy.id, _NAME)}"
    lines = [_clean(finding.message, _TEXT)]
    if finding.was:
        lines.append(f"was: {_clean(finding.was, _TEXT)}")
    if finding.when:
        lines.append(f"when {_clean(finding.when, _TEXT)}")
    exposure = exposure_of(finding)
    if exposure:
        lines.append(f"at stake: {exposure}")
    fix = fix_in_brief(finding)
    if fix:
        lines.append(f"fix: {_clean(fix, _TEXT)}")
    return _command(kind, properties, "\n".join(lines))


def _problem(report: Report, problem: MlguardError) -> str:
    properties = {**_place(report, problem.path, problem.line), "title": "mlguard could not read everything"}
    return _command("error", properties, _clean(problem.message, _TEXT))


def _remark(report: Report, remark: Remark) -> str:
    properties = {**_place(report, remark.path, remark.line), "title": "this change bears on the check itself"}
    return _command("warning", properties, _clean(remark.text, _TEXT))


def _place(report: Report, path: str, line: int) -> dict[str, str]:
    if not path:
        return {}
    return {"file": _file(report, path), "line": str(line)} if line else {"file": _file(report, path)}


def _file(report: Report, path: str) -> str:
    return visible(shown_path(report, path))
