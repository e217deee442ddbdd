"""The files of a commit as a folder that nobody checked out: read through git, one object at a time."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Literal

from mlguard.errors import LimitError, SourceError
from mlguard.history.git import Repository
from mlguard.source import MAX_BYTES, Entry, Root

_MAX_LISTED = 2_000_000
"""Entries of folders: a tree that holds itself many times over is small, and would be listed for ever."""
_MAX_TREE = 50_000_000
_KINDS: Mapping[bytes, Literal["file", "folder", "link", "other"]] = {
    b"100644": "file",
    b"100664": "file",
    b"100755": "file",
    b"40000": "folder",
    b"120000": "link",
}
_REFUSED = {"link": "a symbolic link, not followed", "other": "a submodule, which git keeps elsewhere"}


class TreeRoot(Root):
    """The files of one commit. Nothing of them is on the disk, and nothing of the disk is read."""

    def __init__(self, repository: Repository, commit: str) -> None:
        super().__init__(repository.folder)
        self.commit = commit
        self._repository = repository
        self._top = repository.tree_of(commit)
        self._trees: dict[str, Mapping[str, tuple[Entry, str]]] = {}
        self._listed = 0

    def read_bytes(self, path: str, limit: int = MAX_BYTES) -> bytes:
        """Read a regular file of at most `limit` bytes; SourceError or LimitError otherwise."""
        return self._read(path, limit, whole=True)

    def read_start(self, path: str, size: int) -> bytes:
        """Read the first `size` bytes of a regular file that is too large to be read; SourceError otherwise."""
        return self._read(path, size, whole=False)

    def is_file(self, path: str) -> bool:
        """Tell whether the path is a regular file of the commit."""
        found = self._find(path)
        return found is not None and found[0].kind == "file"

    def is_folder(self, path: str) -> bool:
        """Tell whether the path is a folder of the commit."""
        return path == "" or ((found := self._find(path)) is not None and found[0].kind == "folder")

    def exists(self, path: str) -> bool:
        """Tell whether anything at all stands there."""
        return path == "" or self._find(path) is not None

    def entries(self, folder: str) -> list[Entry]:
        """List a folder, sorted by name; SourceError where there is none."""
        return sorted(entry for entry, _ in self._tree(folder).values())

    def names(self, folder: str) -> list[str]:
        """List the names in a folder, sorted; empty when it cannot be listed."""
        return [entry.name for entry in self.entries(folder)] if self.is_folder(folder) else []

    def object_id(self, path: str) -> str:
        """Give the id of what stands there, empty where nothing does."""
        if not path:
            return self._top
        found = self._find(path)
        return found[1] if found is not None else ""

    def _read(self, path: str, limit: int, *, whole: bool) -> bytes:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if not parts or ".." in parts or path.startswith("/") or "\0" in path:
            raise SourceError("the path leaves the scanned folder", path)
        found = self._find(path)
        if found is None:
            raise SourceError("no such file", path)
        entry, object_id = found
        if entry.kind != "file":
            raise SourceError(_REFUSED.get(entry.kind, "not a regular file"), path)
        try:
            return self._repository.read(object_id, limit, whole=whole)
        except SourceError as error:
            error.path = path
            raise

    def _find(self, path: str) -> tuple[Entry, str] | None:
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if not parts or ".." in parts or path.startswith("/"):
            return None
        try:
            return self._tree("/".join(parts[:-1])).get(parts[-1])
        except SourceError:
            return None

    def _tree(self, folder: str) -> Mapping[str, tuple[Entry, str]]:
        """Give what a folder holds, each step on the way read once."""
        here, object_id = "", self._top
        for part in ("", *(part for part in folder.split("/") if part)):
            if part:
                entry, object_id = self._trees[here].get(part, (None, ""))
                if entry is None or entry.kind != "folder":
                    raise SourceError("the folder cannot be listed: no such folder", folder)
                here = f"{here}/{part}" if here else part
            if here not in self._trees:
                self._trees[here] = self._parsed(here, self._repository.read(object_id, _MAX_TREE))
        return self._trees[here]

    def _parsed(self, folder: str, content: bytes) -> Mapping[str, tuple[Entry, str]]:
        """Read a tree object: for each entry its mode, a space, its name, NUL, and the bytes of its object's id."""
        size = len(self._top) // 2
        found: dict[str, tuple[Entry, str]] = {}
        at = 0
        while at < len(content):
            mode, _, rest = content[at : content.index(b"\0", at)].partition(b" ")
            at += len(mode) + 1 + len(rest) + 1
            entry = Entry(os.fsdecode(rest), _KINDS.get(mode, "other"))
            found[entry.name] = (entry, content[at : at + size].hex())
            at += size
        self._listed += len(found)
        if self._listed > _MAX_LISTED:
            raise LimitError(f"more than {_MAX_LISTED:,} files and folders in a commit", folder)
        return found
