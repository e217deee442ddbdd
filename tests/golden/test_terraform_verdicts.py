"""Every verdict on the roots in fixtures/terraform is the one that follows from reading their code.

Each root with an `expected.yaml` says, by policy, which resources fail (and where), pass, or are undecided (and why);
one policy more or less for any resource is an error. A root that holds several projects names them before the address.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

import mlguard.scan
from mlguard.finding import Finding, Undecided
from mlguard.policy.load import bundled_policies
from mlguard.resource import RawProject
from mlguard.scan import Options
from mlguard.scan.check import Checked, check_project
from mlguard.source import Root
from mlguard.suppression import Rules, Wish, mark

ROOTS = Path(__file__).parents[2] / "fixtures" / "terraform"
Key = tuple[str, str]


class Recorder:
    """Keeps what is found out of every policy and resource, the good verdicts included."""

    def __init__(self) -> None:
        self.verdicts: dict[Key, str] = {}

    def check(self, project: Any, *arguments: Any) -> Checked:  # noqa: ANN401  (hands on what it is given)
        """Check a project, and keep what passes and what is undecided."""
        checked = check_project(project, *arguments)
        for policy, address in checked.passed:
            self.verdicts[policy.id, named(project.raw, address)] = "pass"
        for one in checked.undecided:
            self.verdicts[one.policy.id, named(project.raw, one.resource)] = f"undecided {one.because}"
        return checked

    def mark(
        self, findings: list[Finding], undecided: list[Undecided], project: RawProject, rules: Rules
    ) -> tuple[list[Finding], list[Wish]]:
        """Mark what is suppressed, and keep every finding with its place."""
        marked, wishes = mark(findings, undecided, project, rules)
        for one in marked:
            verdict = "suppressed" if one.suppressed else f"fail {one.at.path}:{one.at.line}"
            key = (one.policy.id, named(project, one.resource))
            self.verdicts[key] = ", ".join([*([self.verdicts[key]] if key in self.verdicts else []), verdict])
        return marked, wishes


def named(project: RawProject, address: str) -> str:
    return address if project.path == "." else f"{project.path} {address}"


def expected(folder: Path) -> dict[Key, str]:
    """Read the expected verdicts; a key may name several policies."""
    found: dict[Key, str] = {}
    for names, verdicts in yaml.safe_load((folder / "expected.yaml").read_text(encoding="utf-8")).items():
        for policy in names.split(", "):
            for verdict, resources in verdicts.items():
                for address in resources:
                    more = f" {resources[address]}" if isinstance(resources, dict) else ""
                    assert (policy, address) not in found, f"{policy} of {address} is told twice"
                    found[policy, address] = verdict + more
    return found


@pytest.mark.parametrize("name", sorted(path.parent.name for path in ROOTS.glob("*/expected.yaml")))
def test_the_verdicts_are_those_that_the_code_asks_for(
    name: str, judged: frozenset[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder = Recorder()
    monkeypatch.setattr(mlguard.scan.judging, "check_project", recorder.check)
    monkeypatch.setattr(mlguard.scan.judging, "mark", recorder.mark)
    wanted = expected(ROOTS / name)
    policies = tuple(policy for policy in bundled_policies() if policy.id in judged)
    report = mlguard.scan.scan(Options(Root(ROOTS / name), policies=policies, known=policies))
    assert not report.problems
    missing = {key: verdict for key, verdict in wanted.items() if not agrees(verdict, recorder.verdicts.get(key, ""))}
    extra = {key: verdict for key, verdict in recorder.verdicts.items() if key not in wanted}
    assert (missing, extra) == ({}, {}), {key: recorder.verdicts.get(key) for key in missing}


def agrees(wanted: str, found: str) -> bool:
    """Compare verdicts; of an undecided one a part of the reason is enough."""
    if wanted.startswith("undecided "):
        return found.startswith("undecided ") and wanted.removeprefix("undecided ") in found
    return wanted == found
