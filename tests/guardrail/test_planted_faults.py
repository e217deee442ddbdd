"""Faults planted into sound SCPs, as people make them: each is found by its check."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

import mlguard.scp
from mlguard.scp.catalogue import CHECKS
from mlguard.scp.check import check, check_together

EXEMPT = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/mlguard-break-glass"}}
TYPES = "sagemaker:InstanceTypes"
JOB = "sagemaker:CreateTrainingJob"


def statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON data)
    """Give a sound statement with changes: None removes a member, a condition stands beside the exemption."""
    sound = {"Sid": "S", "Effect": "Deny", "Action": JOB, "Resource": "*"}
    condition = changes.pop("Condition", {})
    made = {**sound, **changes, "Condition": {**EXEMPT, **condition}}
    return {name: value for name, value in made.items() if value is not None}


def scp(*statements: object, **more: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def names(text: str, **options: Any) -> set[str]:  # noqa: ANN401  (the options of check)
    return {fault.check for fault in check(text, **options)}


FOUNDING = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Deny",
      "Action": ["sagemaker:CreateTrainingJob"],
      "Resource": "*",
      "Condition": {
        "StringNotEquals": {
          "sagemaker:InstanceTypes": ["ml.t3.medium", "ml.m5.large", "ml.m5.xlarge"]
        }
      }
    }
  ]
}
"""


def test_the_scp_that_began_it_all() -> None:
    faults = {fault.check: fault for fault in check_together([("scp.json", FOUNDING)])}
    assert set(faults) == {
        "multivalued-key-without-set-operator",
        "no-break-glass-exemption",
        "sibling-actions-left-open",
    }
    void = faults["multivalued-key-without-set-operator"]
    assert (void.line, void.column, void.severity) == (9, 9, "error")
    assert "deny requests without it and no other" in void.message
    wanted = '"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": ["ml.t3.medium", "ml.m5.large", "ml.m5.xlarge"]}'
    assert void.correction == wanted
    siblings = json.loads("{" + faults["sibling-actions-left-open"].correction + "}")["Action"]
    assert {"sagemaker:CreateEndpointConfig", JOB, "sagemaker:CreateNotebookInstance"} < set(siblings)


PLANTED: Mapping[str, tuple[str, str]] = {
    "Principal": (scp(statement(Principal="*")), "not-an-scp"),
    "missing Effect": (scp(statement(Effect=None)), "not-an-scp"),
    "bad Effect": (scp(statement(Effect="deny")), "not-an-scp"),
    "Action and NotAction": (scp(statement(NotAction="iam:*")), "not-an-scp"),
    "no Resource": (scp(statement(Resource=None)), "not-an-scp"),
    "bad Version": (scp(statement(), Version="2012-10-18"), "not-an-scp"),
    "unknown operator": (scp(statement(Condition={"StringIsNot": {"aws:username": "x"}})), "not-an-scp"),
    "duplicate Sid": (scp(statement(), statement()), "not-an-scp"),
    "over size": (scp(statement(), Id="x" * 10_240), "too-long"),
    "unknown action": (scp(statement(Action="sagemaker:CreateTrainingJobs")), "unknown-action"),
    "unknown condition key": (
        scp(statement(Condition={"NumericGreaterThan": {"sagemaker:VolumeSizeInGB": "50"}})),
        "unknown-key",
    ),
    "a key of another action": (
        scp(statement(Action="sagemaker:CreateEndpoint", Condition={"ForAnyValue:StringLike": {TYPES: "ml.p*"}})),
        "key-not-supported-by-action",
    ),
    "numeric operator with text": (
        scp(statement(Condition={"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": "1 day"}})),
        "not-a-number",
    ),
    "multivalued key without set operator": (
        scp(statement(Condition={"StringNotEquals": {TYPES: "ml.t3.medium"}})),
        "multivalued-key-without-set-operator",
    ),
    "ForAllValues in a Deny": (
        scp(statement(Condition={"ForAllValues:StringNotLike": {TYPES: "ml.t3.*"}})),
        "for-all-values-in-deny",
    ),
    "IfExists with a set operator": (
        scp(statement(Condition={"ForAnyValue:StringNotLikeIfExists": {TYPES: "ml.t3.*"}})),
        "if-exists-in-set-operator",
    ),
    "IfExists that denies what lacks the key": (
        scp(statement(Condition={"NumericGreaterThanIfExists": {"sagemaker:MaxRuntimeInSeconds": "3600"}})),
        "if-exists-denies-without-key",
    ),
    "negated EC2 key on every resource": (
        scp(statement(Action="ec2:RunInstances", Condition={"StringNotLike": {"ec2:InstanceType": "t3.*"}})),
        "negated-key-on-other-resources",
    ),
    "two keys in one Null": (
        scp(statement(Condition={"Null": {"aws:RequestTag/Team": "true", "aws:RequestTag/Owner": "true"}})),
        "several-keys-in-null",
    ),
    "wildcard under StringEquals": (
        scp(statement(Condition={"ForAnyValue:StringNotEquals": {TYPES: "ml.t3.*"}})),
        "wildcard-under-exact-operator",
    ),
    "set operator on a single value": (
        scp(
            statement(
                Action="ec2:RunInstances",
                Resource="arn:aws:ec2:*:*:instance/*",
                Condition={"ForAnyValue:StringLike": {"ec2:InstanceType": "p*"}},
            )
        ),
        "set-operator-on-single-value",
    ),
    "no set operator on several values that AWS's data give as one": (
        scp(
            statement(
                Action="autoscaling:CreateAutoScalingGroup",
                Condition={"StringLike": {"autoscaling:InstanceTypes": "p*"}},
            )
        ),
        "multivalued-key-without-set-operator",
    ),
}


@pytest.mark.parametrize("fault", list(PLANTED))
def test_a_planted_fault_is_found(fault: str) -> None:
    text, wanted = PLANTED[fault]
    assert wanted in names(text)


def lock(*regions: str) -> dict[str, dict[str, list[str]]]:
    return {"StringNotEquals": {"aws:RequestedRegion": list(regions)}}


def test_duplicate_keys_are_no_json_that_anybody_agrees_on() -> None:
    assert names('{"Version": "2012-10-17", "Version": "2012-10-17", "Statement": []}') == {"not-json"}


@pytest.mark.parametrize(
    ("written", "correction"),
    [
        (statement(Action="sagemaker:CreateTrainingJb"), JOB),
        (statement(Action="sagmaker:CreateTrainingJob"), JOB),
        (statement(Condition=lock("eu-wset-1")), "eu-west-1"),
        (
            statement(Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:sts::*:assumed-role/Admin/*"}}),
            "arn:aws:iam::*:role/Admin",
        ),
        (
            statement(Condition={"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/AWSReservedSSO_Ops_*"}}),
            "arn:aws:iam::*:role/aws-reserved/sso.amazonaws.com/*/AWSReservedSSO_Ops_*",
        ),
        (
            statement(Condition={"Null": {"aws:RequestTag/Team": "true", "aws:RequestTag/Owner": "true"}}),
            (
                '"Null": {"aws:RequestTag/Team": "true"} and, in another statement, '
                '"Null": {"aws:RequestTag/Owner": "true"}'
            ),
        ),
        (
            statement(Action=[JOB, "sagemaker:CreateModel"], Condition={"ForAnyValue:StringLike": {TYPES: "ml.p*"}}),
            f'"Action": "{JOB}"',
        ),
        (
            statement(Condition={"ForAnyValue:StringLike": {"sagemaker:InstanceType": "ml.p*"}}),
            "sagemaker:InstanceTypes",
        ),
        (
            statement(Action="ec2:RunInstances", Condition={"StringNotLike": {"ec2:InstanceType": "t3.*"}}),
            '"Resource": "arn:aws:ec2:*:*:instance/*"',
        ),
    ],
)
def test_a_fault_says_what_to_write_instead(written: dict[str, Any], correction: str) -> None:
    assert correction in [fault.correction for fault in check(scp(written))]


def test_a_wildcard_in_the_name_of_a_service_reaches_it() -> None:
    assert names(scp(statement(Action="*:*"))) == {"denies-too-much"}


def test_every_check_is_in_the_catalogue() -> None:
    folder = Path(mlguard.scp.__file__).parent
    text = "\n".join(
        path.read_text(encoding="utf-8") for path in [*folder.glob("*.py"), folder.parent / "inspection.py"]
    )
    used = set(re.findall(r'ault\(\s*"([a-z]+(?:-[a-z]+)+)"', text))
    assert used == set(CHECKS)


def test_the_documentation_lists_every_check() -> None:
    page = (Path(__file__).parents[2] / "docs" / "guardrails.md").read_text(encoding="utf-8")
    assert all(f"| `{name}` | {what} |\n" in page for name, what in CHECKS.items())
