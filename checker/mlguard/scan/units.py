"""What is read and judged at a time, and which templates stand for themselves."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from mlguard.record import record


@record()
class Unit:
    """A cloud assembly, a template for all its environments, all plans, or a Terraform root for all its environments.

    `path` is relative to the scanned root.
    """

    what: Literal["assembly", "template", "plans", "root"]
    path: str = ""


def outer_folders(folders: Sequence[str]) -> list[str]:
    """Give the folders that are below no other one of them, in their order."""
    known = set(folders)
    return [folder for folder in folders if not any(one in known for one in _above(folder))]


def _above(folder: str) -> Iterable[str]:
    while folder:
        folder = folder.rpartition("/")[0]
        yield folder


def outermost(paths: Sequence[str], files: Mapping[str, Iterable[str]]) -> list[str]:
    """Leave out the templates that others nest: they are judged there, with the parameters that they are given.

    `files` are what templates are made of, themselves included. Of templates that nest each other, the first stands
    for all.
    """
    below = {path: {one for one in files.get(path, ()) if one != path} for path in paths}
    nested = {one for inner in below.values() for one in inner}
    standing = [path for path in paths if path not in nested]
    covered = {one for path in standing for one in below[path]}
    for path in paths:
        if path in nested and path not in covered:
            covered |= below[path]
            standing.append(path)
    return standing
