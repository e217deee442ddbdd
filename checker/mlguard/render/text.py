"""The report for a person at a terminal: each finding with its line of source, then what the run comes to."""

from __future__ import annotations

from collections.abc import Sequence

from mlguard.finding import Finding, Report, number_of
from mlguard.record import field, record
from mlguard.render.advice import (
    first_paragraph,
    fix_blocks,
    fix_by_hand,
    fix_by_mlguard,
    fix_language,
    has_guardrail,
    paragraphs,
)
from mlguard.render.escape import terminal, terminal_continuation
from mlguard.render.money import exposure_of, reasons_of
from mlguard.render.snippet import snippet
from mlguard.render.text_lines import MESSAGE, MIN_WIDTH, Lines, wrap
from mlguard.render.text_summary import summary
from mlguard.render.totals import Order, in_order

_TEXT = 2000  # characters of a line of policy text
_LINES = 60  # lines of a fix
_PARTS = 4  # of the money at stake
_RELATED = 12
_ALSO = 6


def render(
    report: Report, *, color: bool = False, width: int = 100, verbose: bool = False, sort: Order = in_order
) -> str:
    """Render the report for people; `width` is the number of columns to fill, `sort` orders the findings.

    Where the run is compared, findings that are older than the change are counted only. `verbose` shows them too, and
    lists suppressed findings and every undecided check.
    """
    lines = Lines(report, color=color, width=max(width, MIN_WIDTH), verbose=verbose)
    shown = report.counted() if verbose else report.failing()
    writer = _Findings(lines)
    for finding in sort(shown):
        writer.finding(finding)
    older = len(report.counted()) - len(shown)
    if older:
        verb = "is" if older == 1 else "are"
        lines.add(f"{number_of(older, 'finding')} {verb} older than this change; --verbose shows them", "")
    summary(lines)
    return "\n".join(lines.written) + "\n"


@record(frozen=False)
class _Findings:
    """Writes findings, and remembers which advice was given already."""

    lines: Lines
    explained: set[str] = field(default_factory=set)
    mended: set[tuple[str, str]] = field(default_factory=set)

    def finding(self, finding: Finding) -> None:
        self._head(finding)
        margin = " " * len(str(finding.at.line))
        self._source(finding, margin)
        if finding.status:
            was = f", was {terminal(finding.was, MESSAGE)}" if finding.was else ""
            self._detail(margin, "change", f"{finding.status}{was}")
        if finding.construct and finding.at.path.endswith(".json"):  # nobody edits a synthesized file
            self._detail(margin, "construct", terminal(finding.construct, MESSAGE))
        if finding.when:
            self._detail(margin, "when", terminal(finding.when, MESSAGE))
        if finding.also:
            self._detail(margin, "also", _listed([terminal(address) for address in finding.also]))
        for related in finding.related[:_RELATED]:
            span = related.span
            self._detail(margin, terminal(related.what), self.lines.where(span.path, span.line, span.column))
        if len(finding.related) > _RELATED:
            self._detail(margin, "more places", str(len(finding.related) - _RELATED))
        self._exposure(finding, margin)
        self._advice(finding, margin)
        self.lines.add("")

    def _head(self, finding: Finding) -> None:
        """Write place, severity, policy and message: on one line where they fit, else the message below."""
        where = self.lines.where(finding.at.path, finding.at.line, finding.at.column)
        severity, styled = finding.severity.label, self.lines.styled
        name, message = terminal(finding.policy.id), terminal(finding.message, MESSAGE)
        head = f"{styled(where, 'bold')}  {styled(severity, severity)}  {styled(name, 'bold')}"
        if len(where) + len(severity) + len(name) + len(message) + 6 <= self.lines.width:
            self.lines.add(f"{head}  {message}")
            return
        self.lines.add(head)
        self.lines.hanging("  ", message, 2)

    def _exposure(self, finding: Finding, margin: str) -> None:
        exposure = exposure_of(finding)
        reasons = [terminal(reason, MESSAGE) for reason in reasons_of(finding)]
        if len(reasons) == 1:
            self._detail(margin, "at stake", f"{exposure}: {reasons[0]}" if exposure else reasons[0])
        elif exposure:
            more = [f"and {number_of(len(reasons) - _PARTS, 'more part')}"] if len(reasons) > _PARTS else []
            self._detail(margin, "at stake", exposure, *reasons[:_PARTS], *more)

    def _source(self, finding: Finding, margin: str) -> None:
        document = self.lines.report.documents.get(finding.at.path)
        found = snippet(document, finding.at, self.lines.width - len(margin) - 3) if document is not None else None
        bar = self.lines.styled("|", "gutter")
        if found is None:
            return
        number = self.lines.styled(str(finding.at.line), "gutter")
        underline = self.lines.styled("^" * found.length, finding.severity.label)
        self.lines.add(
            f"{margin} {bar}", f"{number} {bar} {found.text}", f"{margin} {bar} {' ' * found.start}{underline}"
        )

    def _advice(self, finding: Finding, margin: str) -> None:
        """Give why and guardrail once for each policy, and the fix once for each language of it."""
        policy = finding.policy
        first = policy.id not in self.explained
        self.explained.add(policy.id)
        if first and policy.why:
            self._detail(margin, "why", terminal(first_paragraph(policy.why), _TEXT))
        self._fix(finding, margin)
        if first and has_guardrail(policy):
            what = "prevents it" if policy.guardrail.enforce == "preventive" else "protects the remedy"
            self._detail(margin, "guardrail", f"an SCP {what}: mlguard scp generate")

    def _fix(self, finding: Finding, margin: str) -> None:
        automatic = fix_by_mlguard(finding)
        if automatic:
            self._detail(margin, "fix", terminal(automatic, _TEXT))
        label = "by hand" if automatic else "fix"
        blocks = fix_blocks(fix_by_hand(finding))
        key = (finding.policy.id, fix_language(finding))
        if blocks and key in self.mended and automatic:
            return
        if blocks and key in self.mended:
            self._detail(margin, label, f"as above; mlguard explain {terminal(finding.policy.id)}")
        elif blocks:
            self.mended.add(key)
            sentences = [] if blocks[0][0] else [*paragraphs(blocks.pop(0)[1])]
            self._detail(margin, label, *(terminal(part, _TEXT) for part in sentences))
            for is_code, text in blocks:
                self._block(margin, text, is_code=is_code)

    def _block(self, margin: str, text: str, *, is_code: bool) -> None:
        """Write a part of a fix below its label; code is never wrapped, for it is there to be copied."""
        indent = f"{margin}     "
        shown = [terminal(line.rstrip().expandtabs(4), _TEXT) for line in text.splitlines()[:_LINES]]
        if not is_code:
            shown = [part for line in shown for part in wrap(line, max(self.lines.width - len(indent), MIN_WIDTH // 2))]
        self.lines.add(*(f"{indent}{terminal_continuation(line)}".rstrip() for line in shown))

    def _detail(self, margin: str, label: str, *texts: str) -> None:
        """Write `= label: text`, wrapped; what continues it is aligned below the text."""
        indent = f"{margin}   "
        styled = self.lines.styled
        head = f"{margin} {styled('=', 'gutter')} {styled(label, 'label')}: "
        room = max(self.lines.width - len(margin) - len(label) - 5, MIN_WIDTH // 2)
        wrapped = [line for text in texts for line in wrap(text, room)] or [""]
        self.lines.add((head + wrapped[0]).rstrip())
        self.lines.add(*(f"{indent}{terminal_continuation(line)}".rstrip() for line in wrapped[1:]))


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _ALSO
    return ", ".join(names[:_ALSO]) + (f" and {more} more" if more > 0 else "")
