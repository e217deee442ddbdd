"""Lines for a terminal: styled where it has colours, wrapped to its width."""

from __future__ import annotations

from mlguard.finding import Report
from mlguard.patterns import lazy_pattern
from mlguard.policy.model import Severity
from mlguard.record import field, record
from mlguard.render.advice import shown_path
from mlguard.render.escape import terminal_continuation, terminal_path

MESSAGE = 600
"""How many characters of a message are shown: a list of allowed instance types is longer than a name."""
MIN_WIDTH = 40
_PATH = 400
_INDENT = lazy_pattern(r"[ \t]*")
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


@record(frozen=False)
class Lines:
    """Collects what is written about a report; `width` is the number of columns to fill."""

    report: Report
    color: bool
    width: int
    verbose: bool
    written: list[str] = field(default_factory=list)

    def styled(self, text: str, style: str) -> str:
        """Give a text in a style, where there are colours."""
        return f"{_STYLES[style]}{text}{_RESET}" if self.color else text

    def add(self, *lines: str) -> None:
        """Write lines as they are."""
        self.written.extend(lines)

    def hanging(self, head: str, text: str, indent: int) -> None:
        """Write escaped text after a head of `indent` columns; what continues it is aligned below the text."""
        wrapped = wrap(text, max(self.width - indent, MIN_WIDTH // 2)) or [""]
        first = wrapped[0] if head.strip() else terminal_continuation(wrapped[0])
        self.add(f"{head}{first}", *(f"{' ' * indent}{terminal_continuation(line)}" for line in wrapped[1:]))

    def where(self, path: str, line: int = 0, column: int = 0) -> str:
        """Give `path:line:column` as far as it is known, fit to begin a line."""
        parts = [terminal_path(shown_path(self.report, path), _PATH)] if path else []
        return ":".join(parts + [str(number) for number in (line, column) if number and path])


def wrap(text: str, room: int) -> list[str]:
    """Break a line of escaped text at spaces; what continues it keeps its indentation."""
    if len(text) <= room:
        return [text]
    found = _INDENT.match(text)
    indent = found[0][: room // 2] if found is not None else ""
    from textwrap import wrap as wrapped  # noqa: PLC0415  (clean reports wrap nothing)

    return wrapped(
        text.strip(),
        room,
        initial_indent=indent,
        subsequent_indent=indent,
        break_on_hyphens=False,
        break_long_words=False,
    )
