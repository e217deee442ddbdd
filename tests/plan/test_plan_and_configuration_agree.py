"""A plan gives the verdict of the configuration that it was made of, with that configuration beside it and without."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlguard.authoring import run_example
from mlguard.explain import with_examples
from mlguard.finding import Report
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Example, Policy
from mlguard.scan import Options, scan
from mlguard.source import Root


def _examples() -> Iterator[Any]:
    for policy in map(with_examples, bundled_policies()):
        for number, example in enumerate(policy.examples):
            if example.language == "terraform" and example.expect != "unknown" and "module " not in example.code:
                yield pytest.param(policy, example, id=f"{policy.id}-{number}-{example.expect}")


def verdict(report: Report) -> str:
    assert not report.problems, [str(one) for one in report.problems]
    if report.findings:
        return "fail"
    return f"unknown: {report.undecided[0].because}" if report.undecided else "pass"


def judged(folder: Path, policy: Policy, example: Example, *paths: str) -> Report:
    options = Options(
        Root(folder), paths, ("plan.json",), (policy,), environment=example.environment, region=example.region
    )
    return scan(options)


@pytest.mark.parametrize(("policy", "example"), list(_examples()))
def test_an_example_has_its_verdict(
    policy: Policy, example: Example, tmp_path: Path, plan_of: Callable[[Path], str]
) -> None:
    beside, alone = tmp_path / "beside", tmp_path / "alone"
    for path, text in {"main.tf": example.code, **(example.files or {})}.items():
        (beside / path).parent.mkdir(parents=True, exist_ok=True)
        (beside / path).write_text(text, encoding="utf-8")
    plan = plan_of(beside)
    for folder in (beside, alone):
        folder.mkdir(exist_ok=True)
        (folder / "plan.json").write_text(plan, encoding="utf-8")
    of_code = policy.id == "instance-type-unconstrained"  # a plan by itself has values, and no variables to constrain
    assert verdict(judged(alone, policy, example)) == ("pass" if of_code else example.expect)
    report = judged(beside, policy, example)
    assert verdict(report) == example.expect
    written = {(one.at, one.message, one.fingerprint) for one in run_example(policy, example).findings}
    assert {(one.at, one.message, one.fingerprint) for one in report.findings} <= written
