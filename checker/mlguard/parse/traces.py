"""Stack traces that a synthesizer wrote down to places in the author's own files.

A trace holds the absolute paths of the machine that synthesized: each is looked for in the scanned folder, and one
that is not there is passed over.
"""

from __future__ import annotations

from mlguard.errors import MlguardError
from mlguard.patterns import lazy_pattern
from mlguard.record import field, record
from mlguard.source import Document, Root, Span

_FRAME = lazy_pattern(
    r"^(?:at )?(?:.*?\()?(?P<path>(?:[A-Za-z]:[\\/]|file://|/|\.{1,2}/)?[^():]+?):(?P<line>\d{1,7})(?::\+?(?P<column>\d{1,7}))?\)?$"
)
_LIBRARY = lazy_pattern(
    r"node_modules[\\/]|^node:|jsii-kernel-|[\\/]lib[\\/]program\.js|(?:site|dist)-packages[\\/]|"
    r"[\\/]lib[\\/]python\d|^<|^internal/"
)
_LONGEST_LINE = 1000
_MOST_LINES = 500
_LARGEST_SOURCE = 2_000_000


@record(frozen=False)
class Traces:
    """Finds the files that traces name; `base` is the folder that is looked in first.

    What is found is added to `documents`, so that a report can show the line.
    """

    root: Root
    base: str
    documents: dict[str, Document]
    named: int = 0
    _found: dict[str, str | None] = field(default_factory=dict)

    def places(self, trace: object) -> list[Span]:
        """Give the places in the author's own files, the nearest first; none for what is no trace."""
        parts = trace if isinstance(trace, list) else []
        lines = [line.strip() for part in parts if isinstance(part, str) for line in part.split("\n")]
        return [span for line in lines[:_MOST_LINES] if (span := self._place(line)) is not None]

    def _place(self, frame: str) -> Span | None:
        match = _FRAME.match(frame) if len(frame) < _LONGEST_LINE and not frame.startswith("...") else None
        if match is None or _LIBRARY.search(match["path"]):
            return None
        self.named += 1
        path = self._own(match["path"].removeprefix("file://").replace("\\", "/"))
        if path is None:
            return None
        document, number = self.documents[path], int(match["line"])
        if not 1 <= number <= len(document.line_starts()):
            return None
        line = document.line(number)
        column = int(match["column"] or 0) or len(line) - len(line.lstrip()) + 1
        return Span(path, number, column, number, column)

    def _own(self, written: str) -> str | None:
        if written not in self._found:
            path = self._look_for(written)
            if path is not None and path not in self.documents:
                try:
                    self.documents[path] = self.root.read(path, _LARGEST_SOURCE)
                except MlguardError:
                    path = None
            self._found[written] = path
        return self._found[written]

    def _look_for(self, written: str) -> str | None:
        """Find the file by the longest end of its path that is there, below the base first.

        A bare name is looked for in the base itself only: every repository has some `index.js`.
        """
        own = self.root.folder.resolve().as_posix()
        if written.startswith(f"{own}/"):
            relative = written[len(own) + 1 :]
            return relative if self.root.is_file(relative) else None
        parts = [part for part in written.split("/") if part not in ("", ".", "..")]
        base = [part for part in self.base.split("/") if part]
        for start in range(len(parts)):
            for prefix in (base, []):
                if prefix == base or start < len(parts) - 1:
                    candidate = "/".join([*prefix, *parts[start:]])
                    if self.root.is_file(candidate):
                        return candidate
        return None
