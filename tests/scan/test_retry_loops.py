"""A way of a state machine that comes back to a paid task must count, ask somebody, or end."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
RETRIED = next(policy for policy in bundled_policies() if policy.id == "failed-job-retried-without-bound")
TRAIN = "arn:aws:states:::sagemaker:createTrainingJob.sync"


def train(**more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON)
    return {"Type": "Task", "Resource": TRAIN, "Parameters": {"TrainingJobName": "t"}, **more}


def choice(*rules: Mapping[str, Any], default: str) -> dict[str, Any]:
    return {"Type": "Choice", "Choices": list(rules), "Default": default}


LOOPS: list[tuple[str, dict[str, Any], bool]] = [
    ("a catch to itself", {"T": train(Catch=[{"ErrorEquals": ["States.ALL"], "Next": "T"}])}, True),
    ("on and on", {"T": train(Next="W"), "W": {"Type": "Wait", "Seconds": 1, "Next": "T"}}, True),
    ("to its end", {"T": train(Next="W"), "W": {"Type": "Wait", "Seconds": 1, "End": True}}, False),
    (
        "a status counts nothing",
        {"T": train(Next="C"), "C": choice({"StringEquals": "no", "Next": "T"}, default="E"), "E": {}},
        True,
    ),
    (
        "a number does",
        {"T": train(Next="C"), "C": choice({"And": [{"NumericLessThan": 3}], "Next": "T"}, default="E"), "E": {}},
        False,
    ),
    (
        "in JSONata",
        {"T": train(Next="C"), "C": choice({"Condition": "{% $n < 3 %}", "Next": "T"}, default="E"), "E": {}},
        False,
    ),
    (
        "a person is asked",
        {"T": train(Next="A"), "A": {"Resource": "arn:aws:states:::sqs:x.waitForTaskToken", "Next": "T"}},
        False,
    ),
    (
        "a loop beside the task",
        {"T": train(Next="W"), "W": {"Type": "Wait", "Next": "L"}, "L": choice({"Next": "E"}, default="W"), "E": {}},
        False,
    ),
    ("inside of a map", {"M": {"Type": "Map", "ItemProcessor": {"States": {"T": train(Next="T")}}}}, True),
    ("inside of a branch", {"P": {"Type": "Parallel", "Branches": [{"States": {"T": train(Next="T")}}]}}, True),
    ("nothing that is paid", {"T": {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "Next": "T"}}, False),
    ("odd shapes", {"T": train(Next=3, Catch="x", Choices={"a": 1}), "U": None, "V": [1]}, False),
]  # fmt: skip


@pytest.mark.parametrize(("states", "wanted"), [row[1:] for row in LOOPS], ids=[row[0] for row in LOOPS])
def test_a_loop(scanned: Scan, states: dict[str, Any], wanted: bool) -> None:  # noqa: FBT001
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"Definition": {"States": states}}}
    report = scanned({"t.json": json.dumps({"Resources": {"M": machine}})}, RETRIED)
    assert [one.resource for one in report.findings] == (["M"] if wanted else [])


RETRIES: list[tuple[str, str, list[str], int, bool]] = [
    ("a failure of the job", TRAIN, ["States.TaskFailed"], 10, True),
    ("whatever happens", TRAIN, ["States.ALL"], 4, True),
    ("few", TRAIN, ["States.ALL"], 3, False),
    ("a throttled call", TRAIN, ["ThrottlingException"], 50, False),
    ("a call that waits for nothing", TRAIN.removesuffix(".sync"), ["States.ALL"], 50, False),
]


@pytest.mark.parametrize(
    ("resource", "errors", "attempts", "wanted"), [row[1:] for row in RETRIES], ids=[row[0] for row in RETRIES]
)
def test_a_retry(scanned: Scan, resource: str, errors: list[str], attempts: int, wanted: bool) -> None:  # noqa: FBT001
    state = {**train(End=True, Retry=[{"ErrorEquals": errors, "MaxAttempts": attempts}]), "Resource": resource}
    text = json.dumps({"States": {"T": state}})
    machine = {"Type": "AWS::StepFunctions::StateMachine", "Properties": {"DefinitionString": text}}
    report = scanned({"t.json": json.dumps({"Resources": {"M": machine}})}, RETRIED)
    assert [one.resource for one in report.findings] == (["M/T"] if wanted else [])
