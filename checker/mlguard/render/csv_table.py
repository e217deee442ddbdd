"""The report as CSV by RFC 4180, for a spreadsheet: a row for each finding, problem and undecided check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Money, Report, Undecided, sum_of
from mlguard.render.advice import fix_in_brief, shown_path
from mlguard.render.escape import csv_cell, shortened
from mlguard.render.totals import in_order

COLUMNS = (
    "kind",
    "status",
    "severity",
    "policy",
    "pack",
    "message",
    "path",
    "line",
    "column",
    "project",
    "environment",
    "resource",
    "resource_type",
    "property",
    "when",
    "monthly_usd_low",
    "monthly_usd_high",
    "run_usd_low",
    "run_usd_high",
    "guardrail",
    "fix",
    "reason",
    "fingerprint",
)
"""`kind` is finding, suppressed, fixed, undecided or problem; money is empty where there is no figure or bound."""

_CELL = 4000  # spreadsheets take 32,767 characters
_END = "\r\n"

_Row = Mapping[str, object]


def render(report: Report) -> str:
    """Render a header and the rows, every cell quoted; no cell is a formula."""
    return ",".join(COLUMNS) + _END + "".join(_line(row) for row in _rows(report))


def _rows(report: Report) -> Iterator[_Row]:
    yield from (_finding(report, finding) for finding in in_order(report.findings))
    if report.comparison is not None:
        yield from ({**_finding(report, finding), "kind": "fixed"} for finding in in_order(report.comparison.fixed))
    yield from (_undecided(report, one) for one in report.undecided)
    yield from (_problem(report, problem) for problem in report.problems)


def _line(row: _Row) -> str:
    cells = (row.get(name) for name in COLUMNS)
    return ",".join(csv_cell(shortened("" if cell is None else str(cell), _CELL)) for cell in cells) + _END


def _place(report: Report, path: str, line: int, column: int) -> _Row:
    return {"path": shown_path(report, path), "line": line or None, "column": column or None}


def _money(name: str, money: Money) -> _Row:
    if not money.known:
        return {}
    high = None if money.high is None else f"{money.high:.2f}"
    return {f"{name}_low": f"{money.low:.2f}", f"{name}_high": high}


def _finding(report: Report, finding: Finding) -> _Row:
    policy, suppressed = finding.policy, finding.suppressed
    return {
        **_place(report, finding.at.path, finding.at.line, finding.at.column),
        **_money("monthly_usd", finding.monthly),
        **_money("run_usd", sum_of(finding.exposure, "run")),
        "kind": "finding" if suppressed is None else "suppressed",
        "status": finding.status,
        "severity": finding.severity.label,
        "policy": policy.id,
        "pack": policy.pack,
        "message": finding.message,
        "project": shown_path(report, finding.project),
        "environment": finding.environment,
        "resource": finding.resource,
        "resource_type": finding.resource_type,
        "property": finding.leaf,
        "when": finding.when,
        "guardrail": policy.guardrail.enforce,
        "fix": fix_in_brief(finding),
        "reason": suppressed.reason if suppressed is not None else None,
        "fingerprint": finding.fingerprint,
    }


def _undecided(report: Report, one: Undecided) -> _Row:
    return {
        **_place(report, one.at.path, one.at.line, one.at.column),
        "kind": "undecided",
        "severity": one.policy.severity.label,
        "policy": one.policy.id,
        "pack": one.policy.pack,
        "message": one.policy.title,
        "project": shown_path(report, one.project),
        "resource": one.resource,
        "guardrail": one.policy.guardrail.enforce,
        "reason": one.because,
    }


def _problem(report: Report, problem: MlguardError) -> _Row:
    return {
        **_place(report, problem.path, problem.line, problem.column),
        "kind": "problem",
        "message": problem.message,
    }
