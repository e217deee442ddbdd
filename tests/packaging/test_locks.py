"""The locks of development and of the action agree with pyproject.toml, and let nothing in without a hash."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

TOP = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))
LOCKS = sorted((TOP / "requirements").glob("*.txt"))
ENTRY = re.compile(
    r"^([A-Za-z0-9._-]+)(?:\[[\w,-]+\])?==([^ \n]+)(?: ; [^\n]*?)?((?: \\\n    --hash=sha256:[0-9a-f]{64})+)$",
    re.MULTILINE,
)


def group(name: str) -> list[str]:
    found: list[str] = []
    for entry in PROJECT["dependency-groups"][name]:
        found += group(entry["include-group"]) if isinstance(entry, dict) else [entry]
    return found


RUN: list[str] = PROJECT["project"]["dependencies"]
BUILD: list[str] = [*RUN, *PROJECT["build-system"]["requires"]]
WANTED = {"run.txt": RUN, "build.txt": BUILD, "development.txt": [*BUILD, *group("dev")]}


def pinned(lock: Path) -> dict[str, set[str]]:
    """Give the versions of each package in a lock; several where Python versions need different ones."""
    found: dict[str, set[str]] = {}
    for name, version, _ in ENTRY.findall(lock.read_text(encoding="utf-8")):
        found.setdefault(canonicalize_name(name), set()).add(version)
    return found


def test_there_is_a_lock_for_each_purpose() -> None:
    assert {lock.name for lock in LOCKS} == set(WANTED)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_every_line_is_a_version_with_hashes(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert re.sub(r"^#.*$", "", ENTRY.sub("", text), flags=re.MULTILINE).strip() == ""


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.stem)
def test_what_is_asked_for_is_locked(lock: Path) -> None:
    locked = pinned(lock)
    for written in WANTED[lock.name]:
        requirement = Requirement(written)
        versions = locked.get(canonicalize_name(requirement.name), set())
        wrong = [version for version in versions if not requirement.specifier.contains(version, prereleases=True)]
        assert versions, f"{written} is not in {lock.name}: run tests/run/lock.py"
        assert not wrong, f"{lock.name} has {written} in version {wrong}: run tests/run/lock.py"


def test_a_package_is_locked_alike_everywhere() -> None:
    everything = pinned(TOP / "requirements" / "development.txt")
    for lock in LOCKS:
        assert {name: versions for name, versions in pinned(lock).items() if everything.get(name) != versions} == {}
