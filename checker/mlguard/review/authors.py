"""Who wrote a line and when, as git knows it: of the commit, so that no filter of a working tree is run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from mlguard.errors import MlguardError
from mlguard.history import Repository, TreeRoot
from mlguard.record import record
from mlguard.source import Document, Root, Span

_SHORT = 12


@record()
class Author:
    """Who wrote a line last; a line that is in no commit yet has neither name nor commit."""

    name: str = ""
    commit: str = ""
    day: str = ""
    days: int = 0

    @property
    def said(self) -> str:
        """Give all of it in words."""
        if not self.commit:
            return "not committed yet"
        age = "today" if not self.days else f"{self.days} day{'' if self.days == 1 else 's'} ago"
        return f"{self.name}, {self.day} ({age}), {self.commit[:_SHORT]}"


def authors_of(
    repository: Repository, root: Root, places: Iterable[Span], documents: Mapping[str, Document]
) -> dict[tuple[str, int], Author]:
    """Give the author of the line of each place, by path and line; nothing for a file that git does not keep."""
    head = repository.commit("HEAD")
    tree = TreeRoot(repository, head)
    now = datetime.now(UTC)
    lines: dict[str, set[int]] = {}
    for place in places:
        lines.setdefault(place.path, set()).add(place.line)
    found: dict[tuple[str, int], Author] = {}
    for path, wanted in sorted(lines.items()):
        committed = _committed(tree, root, path, documents.get(path), wanted)
        blamed = (
            repository.blame(head, path, sorted(filter(None, committed.values()))) if any(committed.values()) else {}
        )
        for line, then in committed.items():
            known = blamed.get(then)
            if not then:
                found[path, line] = Author()
            elif known is not None:
                commit, name, seconds = known
                written = datetime.fromtimestamp(seconds, UTC)
                found[path, line] = Author(name, commit, written.date().isoformat(), max((now - written).days, 0))
    return found


def _committed(
    tree: TreeRoot, root: Root, path: str, document: Document | None, wanted: Iterable[int]
) -> dict[int, int]:
    """Give for lines of a file where the same text stands in the commit, 0 where it stands nowhere."""
    try:
        then = tree.read(path).text.split("\n")
        now = (document or root.read(path)).text.split("\n")
    except MlguardError:
        return {} if not tree.exists(path) else dict.fromkeys(wanted, 0)
    places: dict[str, list[int]] = {}
    for number in range(len(then), 0, -1):
        places.setdefault(then[number - 1], []).append(number)
    standing: dict[int, int] = {}
    for number, text in enumerate(now, 1):  # of equal lines, the first stands for the first
        same = places.get(text)
        standing[number] = same.pop() if same else 0
    return {line: standing.get(line, 0) for line in wanted}
