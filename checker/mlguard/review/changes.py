"""Which files a change touches: two commits side by side, equal folders passed over."""

from __future__ import annotations

from collections.abc import Iterator

from mlguard.history import TreeRoot
from mlguard.record import record
from mlguard.source import Entry

_MOST = 20_000


@record()
class Change:
    """One file that two commits hold differently; `link` where it is a symbolic link now."""

    path: str
    added: bool
    removed: bool
    link: bool = False


def changes_between(before: TreeRoot, now: TreeRoot) -> list[Change]:
    """Give the files that differ, sorted by path."""
    found: list[Change] = []
    pending = [""]
    while pending and len(found) < _MOST:
        folder = pending.pop()
        if before.object_id(folder) == now.object_id(folder):
            continue
        below = f"{folder}/" if folder else ""
        then = {entry.name: entry.kind for entry in _entries(before, folder)}
        after = {entry.name: entry.kind for entry in _entries(now, folder)}
        for name in sorted({*then, *after}):
            path = f"{below}{name}"
            if "folder" in (then.get(name), after.get(name)):
                pending.append(path)
            if before.object_id(path) != now.object_id(path) and {then.get(name), after.get(name)} != {"folder"}:
                found.extend(_change(path, then.get(name), after.get(name)))
    return sorted(found, key=lambda one: one.path)


def _change(path: str, then: str | None, now: str | None) -> Iterator[Change]:
    if then in (None, "folder") and now in (None, "folder"):
        return
    yield Change(path, added=then in (None, "folder"), removed=now in (None, "folder"), link=now == "link")


def _entries(root: TreeRoot, folder: str) -> list[Entry]:
    return root.entries(folder) if root.is_folder(folder) else []
