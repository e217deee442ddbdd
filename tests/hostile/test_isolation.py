"""The isolation law: what is found in a file does not depend on which other files are there, however hostile.

Each case stands in a folder of its own below one root; what is said of a subset is what is said of each case alone.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.source import Root

SUBSETS, SIZE = 12, 4


def lay_out(case: Any, folder: Path) -> None:  # noqa: ANN401  (a case of the module beside this one)
    folder.mkdir()
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    for name, target in case.links.items():
        (folder / name).symlink_to(target)


def said(root: Path, folders: Sequence[str]) -> Counter[tuple[object, ...]]:
    """Give all that a scan of some folders below the root says, each of it with its place."""
    report = scan(Options(Root(root), tuple(folders), policies=bundled_policies(), known=bundled_policies()))
    findings = (
        ("finding", one.policy.id, one.at, one.project, one.resource, one.leaf, one.when, one.message, one.also)
        for one in report.findings
    )
    problems = (("problem", one.path, one.line, one.column, one.message) for one in report.problems)
    undecided = (("undecided", one.policy.id, one.at, one.resource, one.because) for one in report.undecided)
    return Counter([*findings, *problems, *undecided])


@pytest.mark.parametrize("seed", range(SUBSETS))
def test_files_do_not_change_what_is_said_of_others(cases: list[Any], seed: int, tmp_path: Path) -> None:
    apart = [one for one in cases if not one.at_root and not one.pipes]
    chosen = random.Random(seed).sample(apart, SIZE)  # noqa: S311  (no secret)
    alone: Counter[tuple[object, ...]] = Counter()
    for number, case in enumerate(chosen):
        lay_out(case, tmp_path / f"case{number}")
        alone += said(tmp_path, [f"case{number}"])
    together = said(tmp_path, [""])
    names = [case.name for case in chosen]
    assert together - alone == Counter(), names
    assert alone - together == Counter(), names
