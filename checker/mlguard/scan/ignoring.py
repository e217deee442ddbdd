"""What git ignores is no code of the repository: told from the `.gitignore` files, without running git.

A file that git tracks is never ignored, whatever the patterns say, so that no pattern hides what is committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection

from mlguard.errors import MlguardError
from mlguard.record import field, record
from mlguard.source import Root
from mlguard.source.git_index import MAX_BYTES as MAX_INDEX
from mlguard.source.git_index import tracked
from mlguard.source.gitignore import MAX_BYTES, MAX_PATTERNS, Patterns

Note = Callable[[str], None]


@record(eq=False, frozen=False)
class _Repository:
    """A folder with a `.git`, and what that says of its files."""

    root: Root
    folder: str
    suffixes: tuple[str, ...]
    _known: list[frozenset[str] | None] = field(default_factory=list)

    def tracks(self, path: str) -> bool:
        """Tell whether git tracks a file, or one below a folder; it does where nobody can tell."""
        known = self._tracked()
        return known is None or path in known

    def _tracked(self) -> frozenset[str] | None:
        if not self._known:
            self._known.append(self._read())
        return self._known[0]

    def _read(self) -> frozenset[str] | None:
        below = f"{self.folder}/" if self.folder else ""
        git = f"{below}.git"
        if self.root.is_file(git):  # another working tree or a submodule, which keeps its index elsewhere
            return frozenset()
        if not self.root.is_file(f"{git}/index"):
            return frozenset()  # nothing was ever added
        try:
            content = self.root.read_bytes(f"{git}/index", MAX_INDEX)
        except MlguardError:
            return None
        names = tracked(content, tuple(os.fsencode(suffix) for suffix in self.suffixes))
        if names is None:
            return None
        paths = {f"{below}{os.fsdecode(name)}" for name in names}
        folders = {above for path in paths for above in _above(path)}
        return frozenset(paths | folders)


@record(eq=False)
class Ignoring:
    """The patterns that count in one folder, the nearest first, each with the length of its own folder's path."""

    root: Root
    note: Note
    suffixes: tuple[str, ...]
    repository: _Repository | None = None
    patterns: tuple[tuple[int, Patterns], ...] = ()
    everything: bool = False

    def into(self, folder: str, names: Collection[str]) -> Ignoring:
        """Give what counts in a folder below this one, or the same, that holds these names."""
        repository, patterns = self.repository, self.patterns
        below = f"{folder}/" if folder else ""
        if ".git" in names and self._is_repository(f"{below}.git"):
            repository = _Repository(self.root, folder, self.suffixes)
            patterns = self._read(f"{below}.git/info/exclude", folder)
        if repository is None:
            return self
        own = self._read(f"{below}.gitignore", folder) if ".gitignore" in names else ()
        if own or patterns is not self.patterns:
            return Ignoring(self.root, self.note, self.suffixes, repository, (*own, *patterns), self.everything)
        return self

    def nothing(self) -> Ignoring:
        """Give what counts below a folder that was asked for although git ignores it."""
        return Ignoring(self.root, self.note, self.suffixes)

    def below_ignored(self) -> Ignoring:
        """Give what counts in a folder that is ignored as a whole."""
        return Ignoring(self.root, self.note, self.suffixes, self.repository, self.patterns, everything=True)

    def ignores(self, path: str, *, is_folder: bool) -> bool:
        """Tell whether git ignores a file or folder that stands in this folder, tracked or not."""
        if self.everything:
            return True
        if not self.patterns:
            return False
        written = os.fsencode(path)
        for start, patterns in self.patterns:
            found = patterns.ignores(written[start:], is_folder=is_folder)
            if found is not None:
                return found
        return False

    def tracks(self, path: str) -> bool:
        """Tell whether git tracks a file, or one below a folder."""
        return self.repository is not None and self.repository.tracks(path)

    def _is_repository(self, git: str) -> bool:
        return self.root.is_file(git) or self.root.is_file(f"{git}/HEAD")

    def _read(self, path: str, folder: str) -> tuple[tuple[int, Patterns], ...]:
        if not self.root.is_file(path):  # git does not follow a link of this name either
            return ()
        try:
            patterns = Patterns(self.root.read_bytes(path, MAX_BYTES))
        except MlguardError as error:
            self.note(f"{path}: {error.message}; nothing is ignored for it")
            return ()
        if len(patterns) > MAX_PATTERNS:
            self.note(f"{path}: more than {MAX_PATTERNS:,} patterns; nothing is ignored for it")
            return ()
        return ((len(os.fsencode(folder)) + 1 if folder else 0, patterns),)


def _above(path: str) -> list[str]:
    parts = path.split("/")[:-1]
    return ["/".join(parts[:length]) for length in range(1, len(parts) + 1)]
