"""Print the requirements of dependency groups of pyproject.toml: pip learned to read them only in version 25.1."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

Groups = dict[str, list[str | dict[str, str]]]


def requirements(groups: Groups, name: str) -> list[str]:
    """Give the requirements of a group and of the groups that it includes."""
    found = []
    for entry in groups[name]:
        if isinstance(entry, dict):
            found.extend(requirements(groups, entry["include-group"]))
        else:
            found.append(entry)
    return found


if __name__ == "__main__":
    declared = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
    for wanted in sys.argv[1:]:
        sys.stdout.write("".join(f"{line}\n" for line in requirements(declared, wanted)))
