"""The report for a person at a terminal: each finding with its line of source, then what the run comes to."""

from __future__ import annotations

import re
from collections.abc import Sequence

from mlguard.errors import MlguardError
from mlguard.finding import Finding, Report
from mlguard.policy.model import Severity
from mlguard.record import field, record
from mlguard.render.advice import dialect, first_paragraph, fix_by_hand, has_guardrail, shown_path
from mlguard.render.escape import terminal, terminal_continuation, terminal_path
from mlguard.render.money import exposure_of, range_of, reasons_of, total_line, totals_by
from mlguard.render.snippet import snippet
from mlguard.render.totals import Order, in_order, number_of, total, undecided_reasons

MIN_WIDTH = 40
_MESSAGE = 600  # characters of a message: a list of allowed instance types is longer than a name
_TEXT = 2000  # characters of a line of policy text
_LINES = 60  # lines of a fix
_REASONS = 10
_PARTS = 4  # of the money at stake
_RELATED = 12
_ALSO = 6
_PATH = 400
_INDENT = re.compile(r"[ \t]*")

_RESET = "\x1b[0m"
_STYLES = {
    "bold": "\x1b[1m",
    "gutter": "\x1b[34m",
    "label": "\x1b[36m",
    "problem": "\x1b[1;31m",
    Severity.CRITICAL.label: "\x1b[1;35m",
    Severity.HIGH.label: "\x1b[1;31m",
    Severity.MEDIUM.label: "\x1b[1;33m",
    Severity.LOW.label: "\x1b[1;34m",
    Severity.INFO.label: "\x1b[1;36m",
}


def render(
    report: Report, *, color: bool = False, width: int = 100, verbose: bool = False, sort: Order = in_order
) -> str:
    """Render the report for people; `width` is the number of columns to fill, `sort` orders the findings.

    `verbose` also lists suppressed findings and every undecided check.
    """
    writer = _Writer(report, color=color, width=max(width, MIN_WIDTH), verbose=verbose)
    for finding in sort(report.counted()):
        writer.finding(finding)
    writer.problems()
    writer.undecided()
    writer.suppressed()
    writer.notes()
    writer.money()
    writer.lines.append(writer.styled(total(report), "bold"))
    return "\n".join(writer.lines) + "\n"


def _where(report: Report, path: str, line: int = 0, column: int = 0) -> str:
    """Give `path:line:column` as far as it is known, fit to begin a line."""
    parts = [terminal_path(shown_path(report, path), _PATH)] if path else []
    return ":".join(parts + [str(number) for number in (line, column) if number and path])


@record(frozen=False)
class _Writer:
    """Collects the lines, and remembers which advice was given already and where."""

    report: Report
    color: bool
    width: int
    verbose: bool
    lines: list[str] = field(default_factory=list)
    explained: set[str] = field(default_factory=set)
    mended: dict[tuple[str, str], str] = field(default_factory=dict)

    def styled(self, text: str, style: str) -> str:
        return f"{_STYLES[style]}{text}{_RESET}" if self.color else text

    def finding(self, finding: Finding) -> None:
        policy, severity = finding.policy, finding.severity.label
        where = _where(self.report, finding.at.path, finding.at.line, finding.at.column)
        shown = (
            self.styled(where, "bold"),
            self.styled(severity, severity),
            self.styled(terminal(policy.id), "bold"),
            terminal(finding.message, _MESSAGE),
        )
        self.lines.append("  ".join(shown))
        margin = " " * len(str(finding.at.line))
        self._source(finding, margin)
        if finding.construct and finding.at.path.endswith(".json"):  # nobody edits a synthesized file
            self._detail(margin, "construct", terminal(finding.construct, _MESSAGE))
        if finding.when:
            self._detail(margin, "when", terminal(finding.when, _MESSAGE))
        if finding.also:
            self._detail(margin, "also", _listed([terminal(address) for address in finding.also]))
        for related in finding.related[:_RELATED]:
            span = related.span
            self._detail(margin, terminal(related.what), _where(self.report, span.path, span.line, span.column))
        if len(finding.related) > _RELATED:
            self._detail(margin, "more places", str(len(finding.related) - _RELATED))
        self._exposure(finding, margin)
        self._advice(finding, margin, where)
        self.lines.append("")

    def _exposure(self, finding: Finding, margin: str) -> None:
        exposure = exposure_of(finding)
        reasons = [terminal(reason, _MESSAGE) for reason in reasons_of(finding)]
        if len(reasons) == 1:
            self._detail(margin, "at stake", f"{exposure}: {reasons[0]}")
        elif exposure:
            more = [f"and {number_of(len(reasons) - _PARTS, 'more part')}"] if len(reasons) > _PARTS else []
            self._detail(margin, "at stake", exposure, *reasons[:_PARTS], *more)

    def _source(self, finding: Finding, margin: str) -> None:
        document = self.report.documents.get(finding.at.path)
        found = snippet(document, finding.at, self.width - len(margin) - 3) if document is not None else None
        bar = self.styled("|", "gutter")
        if found is None:
            return
        number = self.styled(str(finding.at.line), "gutter")
        underline = self.styled("^" * found.length, finding.severity.label)
        self.lines.append(f"{margin} {bar}")
        self.lines.append(f"{number} {bar} {found.text}")
        self.lines.append(f"{margin} {bar} {' ' * found.start}{underline}")

    def _advice(self, finding: Finding, margin: str, where: str) -> None:
        """Give why and guardrail once for each policy, and the fix once for each language of it."""
        policy = finding.policy
        first = policy.id not in self.explained
        self.explained.add(policy.id)
        if first and policy.why:
            self._detail(margin, "why", terminal(first_paragraph(policy.why), _TEXT))
        fix = fix_by_hand(finding)
        if fix:
            before = self.mended.setdefault((policy.id, dialect(finding)), where)
            self._detail(margin, "fix", *(_policy_lines(fix) if before is where else [f"as for {before}"]))
        if first and has_guardrail(policy):
            self._detail(margin, "guardrail", "mlguard scp generate")

    def _detail(self, margin: str, label: str, *texts: str) -> None:
        """Write `= label: text`, wrapped; what continues it is aligned below the text."""
        indent = f"{margin}   "
        head = f"{margin} {self.styled('=', 'gutter')} {self.styled(label, 'label')}: "
        room = max(self.width - len(margin) - len(label) - 5, MIN_WIDTH // 2)
        wrapped = [line for text in texts for line in _wrap(text, room)] or [""]
        self.lines.append(head + wrapped[0])
        self.lines.extend(f"{indent}{terminal_continuation(line)}".rstrip() for line in wrapped[1:])

    def problems(self) -> None:
        for problem in self.report.problems:
            where = _where(self.report, problem.path, problem.line, problem.column)
            self._problem(problem, where)
        if self.report.problems:
            self.lines.append("")

    def _problem(self, problem: MlguardError, where: str) -> None:
        label = self.styled("problem", "problem")
        text = terminal(problem.message, _MESSAGE)
        self.lines.append(f"{label}  {self.styled(where, 'bold')}: {text}" if where else f"{label}  {text}")

    def undecided(self) -> None:
        undecided = self.report.undecided
        if not undecided:
            return
        reasons = undecided_reasons(self.report)
        shown = reasons if self.verbose else reasons[:_REASONS]
        one = len(undecided) == 1
        self.lines.append(
            f"{number_of(len(undecided), 'check')} {'needs' if one else 'need'} a value that only the deployment "
            "decides:"
        )
        digits = len(str(shown[0][1]))
        places = self._undecided_places(" " * (digits + 5)) if self.verbose else {}
        for because, count in shown:
            self.lines.append(f"  {count:>{digits}} x {terminal(because, _MESSAGE)}")
            self.lines.extend(places.get(because, ()))
        if len(reasons) > len(shown):
            left = number_of(len(reasons) - len(shown), "more reason")
            self.lines.append(f"  and {left}; --verbose lists every check")
        self.lines.append("")

    def _undecided_places(self, indent: str) -> dict[str, list[str]]:
        """Give the line of each undecided check, by reason."""
        found: dict[str, list[str]] = {}
        for one in sorted(self.report.undecided, key=lambda one: (one.at, one.policy.id, one.resource)):
            where = _where(self.report, one.at.path, one.at.line, one.at.column)
            line = f"{indent}{where}  {terminal(one.policy.id)}  {terminal(one.resource)}".rstrip()
            found.setdefault(one.because, []).append(line)
        return found

    def suppressed(self) -> None:
        hidden = [finding for finding in self.report.findings if finding.suppressed is not None]
        if not hidden:
            return
        verb = "is" if len(hidden) == 1 else "are"
        more = ":" if self.verbose else "; --verbose lists them with their reasons"
        self.lines.append(f"{number_of(len(hidden), 'finding')} {verb} suppressed{more}")
        for finding in in_order(hidden) if self.verbose else ():
            where = _where(self.report, finding.at.path, finding.at.line, finding.at.column)
            reason = finding.suppressed.reason if finding.suppressed is not None else ""
            self.lines.append(f"  {where}  {terminal(finding.policy.id)}  {terminal(reason, _MESSAGE)}")
        self.lines.append("")

    def money(self) -> None:
        """Write what all findings put at stake, and for which projects and environments where there are several."""
        shown = total_line(self.report)
        if not shown:
            return
        self.lines.append(self.styled(shown, "bold"))
        for name in (lambda _, part: part.project, lambda _, part: part.environment):
            groups = totals_by(self.report, name)
            for key, money in list(groups.items())[:_REASONS] if len(groups) > 1 else ():
                self.lines.append(f"  {range_of(money):>24}  {terminal(key, _PATH)}")
        self.lines.append("")

    def notes(self) -> None:
        self.lines.extend(f"note: {terminal(note, _MESSAGE)}" for note in self.report.notes)
        if self.report.notes:
            self.lines.append("")


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _ALSO
    return ", ".join(names[:_ALSO]) + (f" and {more} more" if more > 0 else "")


def _policy_lines(text: str) -> list[str]:
    """Give the lines of a policy's text, escaped, their indentation kept."""
    return [terminal(line.rstrip().expandtabs(4), _TEXT) for line in text.splitlines()[:_LINES]]


def _wrap(text: str, room: int) -> list[str]:
    """Break a line of escaped text at spaces; what continues it keeps its indentation."""
    if len(text) <= room:
        return [text]
    found = _INDENT.match(text)
    indent = found[0][: room // 2] if found is not None else ""
    from textwrap import wrap  # noqa: PLC0415  (clean reports wrap nothing)

    return wrap(
        text.strip(),
        room,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
