"""Which folders of Terraform files are roots: those that are deployed, and not only called as a module."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def roots_of(folders: Sequence[str], calls: dict[str, list[str]], alone: set[str]) -> list[str]:
    """Choose the folders that no other one calls, or that stand alone although called; and one of each circle."""
    called = {target for found in calls.values() for target in found}
    roots = [folder for folder in folders if folder not in called or folder in alone]
    reached: set[str] = set()
    reach(roots, calls, reached)
    for folder in folders:
        if folder not in reached:
            roots.append(folder)
            reach([folder], calls, reached)
    return sorted(roots)


def reach(folders: Iterable[str], calls: dict[str, list[str]], reached: set[str]) -> None:
    """Add to `reached` some folders and all that they lead to by their calls."""
    waiting = list(folders)
    while waiting:
        folder = waiting.pop()
        if folder not in reached:
            reached.add(folder)
            waiting.extend(calls.get(folder, ()))
