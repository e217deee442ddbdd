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

OF_CODE = {"instance-type-unconstrained"}
"""Policies about what only code has: a plan by itself has values, and no variables to constrain."""
NOT_IN_A_PLAN = {
    # the format has no lifecycle blocks: whoever has only the plan sees no prevent_destroy
    ("resource-outlives-its-stack", 4): "pass",
    # of a text with an unknown part a plan names the resources in it, and nothing of the known part: not the key of
    # an object after "s3://${aws_s3_bucket.models.bucket}/",
    ("live-model-expires", 2): "unknown: another resource decides the address in S3",
    ("live-model-expires", 3): "unknown: another resource decides the address in S3",
    ("live-model-expires", 8): "unknown: another resource decides the address in S3",
    ("run-output-never-expires", 3): "unknown: another resource decides the address in S3",
    ("lifecycle-leaves-objects-out", 10): "unknown: a part of the key is decided at deployment",
    # not the words of "endpoint/${…}/variant/${…}",
    ("endpoint-without-autoscaling", 10): "unknown: aws_appautoscaling_target.serve may scale it",
    # and not the actions of a policy with the ARN of a resource to be made
    ("bedrock-invoke-unrestricted", 13): "unknown: the policy cannot be read",
}
"""The verdict on a plan by itself, by policy and number of its example, where the plan does not tell all."""


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


def alone_verdict(policy: Policy, number: int, example: Example) -> str:
    """Give the verdict that a plan without its configuration should have."""
    return NOT_IN_A_PLAN.get((policy.id, number), "pass" if policy.id in OF_CODE else example.expect)


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
    number = next(index for index, one in enumerate(policy.examples) if one is example)
    assert verdict(judged(alone, policy, example)) == alone_verdict(policy, number, example)
    report = judged(beside, policy, example)
    assert verdict(report) == example.expect
    written = {(one.at, one.message, one.fingerprint) for one in run_example(policy, example).findings}
    assert {(one.at, one.message, one.fingerprint) for one in report.findings} <= written
