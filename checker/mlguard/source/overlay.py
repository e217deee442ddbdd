"""A folder in which some files have another text than on disk: what would be, if that were written."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mlguard.source.root import MAX_BYTES, Root


class Overlay(Root):
    """A root that reads some of its files, which are all there, from memory."""

    def __init__(self, folder: Path, texts: Mapping[str, str]) -> None:
        super().__init__(folder)
        self._contents = {path: text.encode("utf-8") for path, text in texts.items()}

    def read_bytes(self, path: str, limit: int = MAX_BYTES) -> bytes:
        """Read a file, from memory where it has another text there."""
        if path in self._contents:
            return self._contents[path]
        return super().read_bytes(path, limit)

    def read_start(self, path: str, size: int) -> bytes:
        """Read the beginning of a file, from memory where it has another text there."""
        if path in self._contents:
            return self._contents[path][:size]
        return super().read_start(path, size)
