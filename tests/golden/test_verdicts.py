"""Every fixture has the verdicts that were reasoned out for it: none is missing, and none is there unexpected.

A file of `verdicts/` names what is scanned and, for each project and resource, the policies that fail (with the line,
or `file:line` when that is another file than the project), that are undecided (with a part of the reason) and that
pass. What a file does not name must not be judged at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import yaml

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy
from mlguard.record import replace
from mlguard.resource import Project, Resource
from mlguard.scan import Options, scan
from mlguard.scan.check import Checked, check_project
from mlguard.source import Root

TOP = Path(__file__).parents[2]
VERDICTS = Path(__file__).parent / "verdicts"

Verdict = Mapping[str, Any]
Expected = Mapping[str, Mapping[str, Verdict]]


@dataclass(slots=True)
class Seen:
    """What a scan gave: by project, resource and verdict, and the problems as `file:line message`."""

    verdicts: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def load(path: Path) -> Mapping[str, Any]:
    """Read a file of expectations."""
    read: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    return read


def observed(expectation: Mapping[str, Any], judged: frozenset[str], patch: Callable[[str, Any], None]) -> Seen:
    """Scan what an expectation names, by the policies `judged`; `patch` sets an attribute while the test runs."""
    seen = Seen()
    target = TOP / expectation["scan"]
    folder, path = (target, "") if target.is_dir() else (target.parent, target.name)
    policies = tuple(policy for policy in bundled_policies() if policy.id in judged)

    def record(
        project: Project, chosen: Sequence[Policy], lookup: Callable[..., object], elsewhere: Sequence[Resource] = ()
    ) -> Checked:
        for policy in chosen:
            for resource in (None,) if "project" in policy.applies_to else project.resources:
                one = project if resource is None else replace(project, resources=(resource,))
                _note(seen, policy, resource, project, check_project(one, (policy,), lookup, elsewhere))
        return Checked()

    patch("mlguard.scan.judging.check_project", record)
    options: Mapping[str, Any] = expectation.get("options", {})
    report: Report = scan(Options(Root(folder), paths=(path,), policies=policies, known=policies, **options))
    seen.problems = [f"{one.path}:{one.line} {one.message}" for one in report.problems]
    return seen


def _note(seen: Seen, policy: Policy, resource: Resource | None, project: Project, checked: Checked) -> None:
    if not checked.checks:
        return
    address = resource.address if resource is not None else "project"
    own = project.raw.path.partition("#")[0]
    verdicts = seen.verdicts.setdefault(project.raw.path, {}).setdefault(address, {})
    if checked.findings:
        places = [
            one.at.line if one.at.path == own else f"{one.at.path}:{one.at.line}"
            for one in sorted(checked.findings, key=lambda finding: finding.at)
        ]
        verdicts.setdefault("fail", {})[policy.id] = places[0] if len(places) == 1 else places
    elif checked.undecided:
        verdicts.setdefault("undecided", {})[policy.id] = checked.undecided[0].because
    else:
        verdicts.setdefault("pass", []).append(policy.id)


def differences(expectation: Mapping[str, Any], seen: Seen) -> list[str]:
    """Say what was expected and is not there, and what is there and was not expected."""
    wanted = _flat(expectation["expect"])
    found = _flat(seen.verdicts)
    said = [
        f"{' / '.join(key)}: expected {wanted.get(key, 'nothing')}, found {found.get(key, 'nothing')}"
        for key in sorted({*wanted, *found})
        if not _same(wanted.get(key), found.get(key))
    ]
    problems: Sequence[str] = expectation.get("problems", ())
    said += [f"problem expected: {one}" for one in problems if not any(one in there for there in seen.problems)]
    return said + [f"problem: {there}" for there in seen.problems if not any(one in there for one in problems)]


def _flat(expected: Expected) -> dict[tuple[str, str, str], tuple[str, Any]]:
    flat: dict[tuple[str, str, str], tuple[str, Any]] = {}
    for project, resources in expected.items():
        for resource, verdicts in resources.items():
            for policy in verdicts.get("pass", ()):
                flat[project, resource, policy] = ("pass", None)
            for verdict in ("fail", "undecided"):
                for policy, detail in verdicts.get(verdict, {}).items():
                    flat[project, resource, policy] = (verdict, detail)
    return flat


def _same(wanted: tuple[str, Any] | None, found: tuple[str, Any] | None) -> bool:
    if wanted is None or found is None or wanted[0] != found[0]:
        return False
    if wanted[0] == "undecided":
        return wanted[1] in found[1]
    return bool(wanted[1] == found[1])


FILES = sorted(VERDICTS.glob("*.yaml"))


def test_there_are_expectations() -> None:
    assert len(FILES) >= 20


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_verdicts_of_a_fixture(path: Path, judged: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    expectation = load(path)
    assert differences(expectation, observed(expectation, judged, monkeypatch.setattr)) == []


def test_a_difference_is_seen_in_both_directions(judged: frozenset[str], monkeypatch: pytest.MonkeyPatch) -> None:
    expectation = load(FILES[0])
    seen = observed(expectation, judged, monkeypatch.setattr)
    project = next(iter(seen.verdicts))
    resource, verdicts = next(iter(seen.verdicts[project].items()))
    seen.verdicts[project] = {**seen.verdicts[project], "Added": verdicts}
    assert all("Added" in one and "expected nothing" in one for one in differences(expectation, seen))
    assert differences(expectation, seen)
    del seen.verdicts[project]["Added"]
    del seen.verdicts[project][resource]
    assert all(resource in one and "found nothing" in one for one in differences(expectation, seen))
    assert differences(expectation, seen)
