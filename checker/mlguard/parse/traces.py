"""Stack traces that a synthesizer wrote down: the lines of the author's own files that made a construct."""

from __future__ import annotations

import re

from mlguard.errors import MlguardError
from mlguard.source import Document, Root, Span

_FRAME = re.compile(
    r"^(?:at )?(?:.*?\()?(?P<path>(?:[A-Za-z]:[\\/]|file://|/|\.{1,2}/)?[^():]+?):(?P<line>\d{1,7})(?::\+?(?P<column>\d{1,7}))?\)?$"
)
_LIBRARY = re.compile(
    r"node_modules[\\/]|^node:|jsii-kernel-|[\\/]lib[\\/]program\.js|site-packages[\\/]|^<|^internal/"
)
_MAX_LENGTH = 1_000
_MAX_BYTES = 2_000_000


class Traces:
    """Finds the places that traces name below a root; `documents` gains each file that one is in."""

    def __init__(self, root: Root, base: str, documents: dict[str, Document]) -> None:
        self._root = root
        self._base = [part for part in base.split("/") if part]
        self._documents = documents

    def places(self, trace: list[object]) -> list[Span]:
        """Give the places in the author's own files, the nearest first, as far as they lie in the scanned folder."""
        lines = [line.strip() for part in trace if isinstance(part, str) for line in part.split("\n")]
        return [span for line in lines if (span := self._place(line)) is not None]

    def _place(self, line: str) -> Span | None:
        match = _FRAME.match(line) if len(line) < _MAX_LENGTH and not line.startswith("...") else None
        if match is None or _LIBRARY.search(match["path"]):
            return None
        path = self._in_root(match["path"].removeprefix("file://").replace("\\", "/"))
        if path is None:
            return None
        if path not in self._documents:
            try:
                self._documents[path] = self._root.read(path, _MAX_BYTES)
            except MlguardError:
                return None
        number, column = int(match["line"]), int(match["column"] or 1)
        if number > len(self._documents[path].line_starts()):
            return None
        return Span(path, number, column, number, column)

    def _in_root(self, written: str) -> str | None:
        """Find the file that a trace names: traces hold the absolute paths of the machine that synthesized."""
        own = self._root.folder.resolve().as_posix()
        if written.startswith(f"{own}/"):
            relative = written[len(own) + 1 :]
            return relative if self._root.is_file(relative) else None
        parts = [part for part in written.split("/") if part not in ("", ".", "..")]
        for start in range(len(parts)):
            for prefix in (self._base, []):
                candidate = "/".join([*prefix, *parts[start:]])
                if self._root.is_file(candidate):
                    return candidate
        return None
