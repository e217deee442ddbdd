"""The tiles at the head of a page: what the run comes to, at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from mlguard.finding import Report, number_of
from mlguard.render.fragments import EMPTY, Html, fragment, joined
from mlguard.render.html_charts import strip
from mlguard.render.money import monthly_total, range_of
from mlguard.render.totals import by_severity, by_status

_LONG = 14  # characters of a figure that needs a smaller size
_GUARDRAILS = {
    "preventive": "an SCP prevents",
    "protective": "an SCP protects the remedy",
    "none": "no SCP reaches",
}


def tiles(report: Report) -> Html:
    """Write the tiles: money, findings, what the change did, guardrails, and what is not decided."""
    return joined(_tiles(report), "\n")


def _tiles(report: Report) -> Iterator[Html]:
    counted = report.counted()
    yield _money(report)
    severities = by_severity(counted)
    yield _tile("Findings", f"{len(counted):,}", strip(severities, {label: label for label in severities}))
    if report.comparison is not None:
        yield _change(report, report.comparison.against)
    guarded = Counter[str](finding.policy.guardrail.enforce for finding in counted)
    parts = {kind: guarded[kind] for kind in _GUARDRAILS}
    reached = parts["preventive"] + parts["protective"]
    if counted:
        yield _tile("Guardrails", f"{reached:,} of {len(counted):,}", strip(parts, _GUARDRAILS))
    yield _undecided(report)


def _tile(title: str, figure: str, more: Html = EMPTY) -> Html:
    return fragment("tile", kind="long" if len(figure) > _LONG else "", title=title, figure=figure, more=more)


def _money(report: Report) -> Html:
    figure = range_of(monthly_total(report)) or "no figure"
    comparison = report.comparison
    if comparison is None:
        return _tile("At stake each month", figure, fragment("small", text="left as the code says"))
    before, added = comparison.before, range_of(comparison.added)
    lines = [f"before: {range_of(before) or 'nothing'}"] if before is not None else []
    lines += [f"this change adds {added}" if added else "this change adds nothing that has a price"]
    return _tile("At stake each month", figure, joined(fragment("small", text=line) for line in lines))


def _change(report: Report, against: str) -> Html:
    parts = by_status(report)
    more = joined([strip(parts, {status: status for status in parts}), fragment("small", text=f"against {against}")])
    return _tile("New or worse", f"{parts['new'] + parts['worse']:,}", more)


def _undecided(report: Report) -> Html:
    count, problems = len(report.undecided), len(report.problems)
    suppressed = len(report.findings) - len(report.counted())
    lines = ["only the deployment decides"] if count else []
    lines += [number_of(problems, "problem")] if problems else []
    lines += [f"{number_of(suppressed, 'finding')} suppressed"] if suppressed else []
    more = fragment("small", text="; ".join(lines) or "every check came to an answer")
    return _tile("Undecided checks", f"{count:,}", more)
