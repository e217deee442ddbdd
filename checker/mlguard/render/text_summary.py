"""What stands below the findings of a text report: problems, what is not decided, and what the run comes to."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Money, Part, number_of, sum_of
from mlguard.render.advice import shown_path
from mlguard.render.escape import terminal
from mlguard.render.money import most_of, range_of, total_line, totals_by
from mlguard.render.text_lines import MESSAGE, Lines
from mlguard.render.totals import by_policy, change_total, in_order, total, undecided_reasons, worst

_REASONS = 10
_GROUPS = 10
_FEW = 5  # findings: so many are seen at a glance
_SUM = 26  # columns of a sum


def summary(lines: Lines) -> None:
    """Write everything that the run comes to; the last line is the whole of it."""
    _problems(lines)
    _remarks(lines)
    _undecided(lines)
    _suppressed(lines)
    _notes(lines)
    _by_policy(lines)
    _money(lines)
    change = change_total(lines.report)
    if change:
        lines.add(lines.styled(terminal(change, MESSAGE), "bold"))
    lines.add(lines.styled(total(lines.report), "bold"))


def _problems(lines: Lines) -> None:
    for problem in lines.report.problems:
        _problem(lines, problem)
    if lines.report.problems:
        lines.add("")


def _problem(lines: Lines, problem: MlguardError) -> None:
    label = lines.styled("problem", "problem")
    where = lines.where(problem.path, problem.line, problem.column)
    text = terminal(problem.message, MESSAGE)
    lines.add(f"{label}  {lines.styled(where, 'bold')}: {text}" if where else f"{label}  {text}")


def _remarks(lines: Lines) -> None:
    if not lines.report.remarks:
        return
    lines.add(lines.styled("this change bears on the check itself:", "problem"))
    for remark in lines.report.remarks:
        where = lines.where(remark.path, remark.line)
        text = terminal(remark.text, MESSAGE)
        lines.hanging("  ", f"{where}: {text}" if where else text, 2)
    lines.add("")


def _undecided(lines: Lines) -> None:
    undecided = lines.report.undecided
    if not undecided:
        return
    reasons = undecided_reasons(lines.report)
    shown = reasons if lines.verbose else reasons[:_REASONS]
    needs = "needs" if len(undecided) == 1 else "need"
    lines.add(f"{number_of(len(undecided), 'check')} {needs} a value that only the deployment decides:")
    digits = len(str(shown[0][1]))
    places = _undecided_places(lines, " " * (digits + 5)) if lines.verbose else {}
    for because, count in shown:
        lines.hanging(f"  {count:>{digits}} x ", terminal(because, MESSAGE), digits + 5)
        lines.add(*places.get(because, ()))
    if len(reasons) > len(shown):
        left = number_of(len(reasons) - len(shown), "more reason")
        lines.add(f"  and {left}; --verbose lists every check")
    lines.add("")


def _undecided_places(lines: Lines, indent: str) -> Mapping[str, list[str]]:
    """Give the line of each undecided check, by reason."""
    found: dict[str, list[str]] = {}
    for one in sorted(lines.report.undecided, key=lambda one: (one.at, one.policy.id, one.resource)):
        where = lines.where(one.at.path, one.at.line, one.at.column)
        line = f"{indent}{where}  {terminal(one.policy.id)}  {terminal(one.resource)}".rstrip()
        found.setdefault(one.because, []).append(line)
    return found


def _suppressed(lines: Lines) -> None:
    hidden = [finding for finding in lines.report.findings if finding.suppressed is not None]
    if not hidden:
        return
    verb = "is" if len(hidden) == 1 else "are"
    more = ":" if lines.verbose else "; --verbose lists them with their reasons"
    lines.add(f"{number_of(len(hidden), 'finding')} {verb} suppressed{more}")
    for finding in in_order(hidden) if lines.verbose else ():
        where = lines.where(finding.at.path, finding.at.line, finding.at.column)
        reason = finding.suppressed.reason if finding.suppressed is not None else ""
        lines.add(f"  {where}  {terminal(finding.policy.id)}  {terminal(reason, MESSAGE)}")
    lines.add("")


def _notes(lines: Lines) -> None:
    for note in lines.report.notes:
        lines.hanging("note: ", terminal(note, MESSAGE), 6)
    if lines.report.notes:
        lines.add("")


def _by_policy(lines: Lines) -> None:
    """Count the findings of each policy, where there are more than a glance takes in: the worst, then the most."""
    groups = by_policy(lines.report.failing())
    if len(groups) < 2 or sum(map(len, groups)) <= _FEW:  # noqa: PLR2004  (one says nothing)
        return
    lines.add("by policy:")
    digits = len(str(max(map(len, groups))))
    for group in groups:
        label = worst(group).label
        money = range_of(sum_of(part for finding in group for part in finding.exposure))
        severity = lines.styled(f"{label:<8}", label)
        lines.add(f"  {len(group):>{digits}}  {severity}  {money:>{_SUM}}  {terminal(group[0].policy.id)}")
    lines.add("")


def _money(lines: Lines) -> None:
    """Write what all findings put at stake, and for which projects and environments where there are several."""
    report = lines.report
    shown = total_line(report)
    if not shown:
        return
    lines.add(lines.styled(shown, "bold"))
    _groups(lines, "project", lambda _, part: shown_path(report, part.project))
    _groups(lines, "environment", lambda _, part: part.environment)
    comparison = report.comparison
    if comparison is not None:
        if comparison.before is not None:
            lines.add(f"  {range_of(comparison.before) or 'nothing':>{_SUM}}  before this change")
        lines.add(f"  {range_of(comparison.added) or 'nothing':>{_SUM}}  added by this change")
    lines.add("")


def _groups(lines: Lines, noun: str, name: Callable[[Finding, Part], str]) -> None:
    groups: list[tuple[str, Money]] = list(totals_by(lines.report, name).items())
    if len(groups) < 2:  # noqa: PLR2004  (one is the whole)
        return
    for key, money in groups[:_GROUPS]:
        lines.add(f"  {range_of(money):>{_SUM}}  {terminal(key or f'no {noun} told')}")
    left = groups[_GROUPS:]
    if left:
        dearest = max(left, key=lambda item: most_of(item[1]))[1]
        each = f"at most {range_of(Money(0, most_of(dearest))).removeprefix('up to ')} each"
        lines.add(f"  {'':>{_SUM}}  and {number_of(len(left), f'more {noun}')}, {each}")
