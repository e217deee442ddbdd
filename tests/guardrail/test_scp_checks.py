from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlguard.scp.check import check, check_together

EXEMPT = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/mlguard-break-glass"}}
PROTECTION = {
    "Sid": "Protect",
    "Effect": "Deny",
    "Action": ["iam:CreateRole", "iam:UpdateAssumeRolePolicy"],
    "Resource": "arn:aws:iam::*:role/mlguard-break-glass",
    "Condition": EXEMPT,
}


def deny(action: str | list[str] = "sagemaker:CreateApp", **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON data)
    condition = {**EXEMPT, **more.pop("Condition", {})}
    return {"Sid": "S", "Effect": "Deny", "Action": action, "Resource": "*", "Condition": condition, **more}


def text(*statements: object, **more: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **more})


def checks(*statements: object, **more: object) -> list[str]:
    return [fault.check for fault in check(text(*statements, **more))]


def without(statement: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in statement.items() if name not in names}


def region_lock(regions: list[str], **more: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON data)
    return deny(Condition={"StringNotEquals": {"aws:RequestedRegion": regions}}, **more)


def test_a_sound_statement_has_no_fault() -> None:
    assert checks(deny()) == []


def test_a_fault_has_its_place() -> None:
    written = """{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "Jobs",
      "Effect": "Deny",
      "Action": "sagemaker:CreateTrainingJob",
      "Resource": "*",
      "Condition": {
        "ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/mlguard-break-glass"},
        "StringNotEquals": {"sagemaker:InstanceTypes": ["ml.m5.large"]}
      }
    }
  ]
}"""
    (fault,) = check(written, "scp/jobs.json")
    assert (fault.path, fault.line, fault.column, fault.sid) == ("scp/jobs.json", 11, 9, "Jobs")
    assert fault.check == "multivalued-key-without-set-operator"


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        (without(deny(), "Effect"), ["not-an-scp"]),
        (without(deny(), "Action"), ["not-an-scp"]),
        (without(deny(), "Resource"), ["not-an-scp"]),
        (deny(NotAction="iam:*"), ["not-an-scp"]),
        (deny(Principal="*"), ["not-an-scp"]),
        (deny(Sid="a b"), ["not-an-scp"]),
        (deny([]), ["not-an-scp"]),
        (deny("CreateApp"), ["not-an-scp"]),
        (deny(Condition={"StringIs": {"aws:username": "x"}}), ["not-an-scp"]),
        (deny(Condition={"StringLike": {"aws:username": []}}), ["not-an-scp"]),
        (deny(Condition={"NullIfExists": {"aws:username": "true"}}), ["not-an-scp"]),
        ([], ["not-an-scp"]),
        ({**deny(), "Effect": "Allow"}, ["allow-list"]),
        ({"Effect": "Allow", "Action": "*", "Resource": "*"}, []),
        (deny("sagemaker:CreateAp"), ["unknown-action"]),
        (deny("sagemaker:Creat?App*"), []),
        (deny("sagemaker:Xyz*"), ["unknown-action"]),
        (deny("sagmaker:CreateApp"), ["unknown-action"]),
        (deny("quicksight:CreateAnalysis"), ["unchecked-action"]),
        (deny("*"), ["denies-too-much"]),
        (deny("sts:*"), ["denies-too-much"]),
        (deny("sagemaker:*"), ["denies-cleaning-up"]),
        (without(deny(NotAction="iam:*"), "Action"), ["not-action-without-condition"]),
        (without(deny(), "Condition"), ["no-break-glass-exemption"]),
        (deny(Condition={"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": "7200"}}),
         ["key-not-supported-by-action"]),
        (deny("sagemaker:CreateTrainingJob", Condition={"NumericGreaterThan": {"sagemaker:MaxRuntimeInSeconds": "2h"}}),
         ["not-a-number"]),
        (deny(Condition={"StringEquals": {"sagemaker:IdleTimeout": "1"}}), ["unknown-key"]),
        (deny(Condition={"Null": {"aws:RequestTag/Team": "maybe"}}), ["not-true-or-false"]),
        (deny(Condition={"Null": {"aws:RequestTag/Team": "true"}}), []),
        (deny("sagemaker:UpdateEndpoint", Condition={"Null": {"aws:RequestTag/Team": "true"}}),
         ["key-not-supported-by-action"]),
        (deny("ec2:RunInstances", Resource="arn:aws:ec2:*:*:volume/*",
              Condition={"StringNotLike": {"ec2:InstanceType": "t3.*"}}), ["negated-key-on-other-resources"]),
        (deny("ec2:RunInstances", Resource="arn:aws:ec2:*:*:instance/*",
              Condition={"StringNotLike": {"ec2:InstanceType": "t3.*"}}), []),
        (deny("ec2:RunInstances", Condition={"StringLike": {"ec2:InstanceType": "p*"}}), []),
        (deny("ec2:RunInstances", Condition={"Null": {"aws:RequestTag/Team": "true"}}),
         ["negated-key-on-other-resources"]),
        (deny("sagemaker:Create*", Condition={"ForAnyValue:StringNotLike": {"sagemaker:InstanceTypes": "ml.t3.*"}}),
         []),
        (deny(Condition={"ForAnyValue:StringLike": {"aws:RequestedRegion": "eu-*"}}), ["set-operator-on-single-value"]),
        (deny("ec2:DeleteTags", Condition={"StringEquals": {"aws:TagKeys": "Team"}}),
         ["multivalued-key-without-set-operator"]),
    ],
)  # fmt: skip
def test_one_fault(statement: Any, expected: list[str]) -> None:  # noqa: ANN401  (JSON data)
    assert checks(statement) == expected


@pytest.mark.parametrize(
    "written", ["", "{", "[]", "null", "{}", '{"Version": "2012-10-17"}', '{"a":1,"a":2}', "[" * 5000]
)
def test_what_is_no_scp_at_all(written: str) -> None:
    assert {fault.check for fault in check(written)} <= {"not-json", "not-an-scp"}
    assert check(written)


def test_versions_and_names() -> None:
    assert checks(deny(), Version="2008-10-17") == ["not-an-scp"]
    assert checks(deny(), deny(Sid="S")) == ["not-an-scp"]
    assert checks(deny(), Comment="x") == ["not-an-scp"]


def test_a_region_lock_that_hits_global_services() -> None:
    open_services = ["iam:*", "sts:*", "organizations:*"]
    lock = without(region_lock(["eu-west-1"], NotAction=open_services), "Action")
    assert checks(lock) == ["region-lock-hits-global-services", "region-lock-hits-inference"]
    assert checks(region_lock(["eu-west-1"])) == []
    assert "region-lock-hits-global-services" in checks(region_lock(["eu-west-1"], Action="iam:CreateRole"))
    assert checks(region_lock(["eu-west-1"], Action="bedrock:InvokeModel")) == ["region-lock-hits-inference"]


def test_size_is_counted_as_written() -> None:
    long = text(deny(), Id="x" * 200)
    assert [fault.check for fault in check(long, max_chars=len(long) - 1)] == ["too-long"]
    assert check(long, max_chars=len(long)) == []
    (fault,) = check(json.dumps(json.loads(long), indent=8), max_chars=len(long))
    assert "without its spaces" in fault.message


def test_slots() -> None:
    texts = [(f"{number}.json", text(PROTECTION)) for number in range(3)]
    assert check_together(texts, slots=3) == []
    assert [fault.check for fault in check_together(texts, slots=2)] == ["too-many-documents"]


def test_an_exempt_role_that_anybody_could_create() -> None:
    alone = check_together([("a.json", text(deny()))])
    assert [(fault.check, fault.path) for fault in alone] == [("unprotected-exempt-role", "a.json")]
    assert check_together([("a.json", text(deny())), ("b.json", text(PROTECTION))]) == []
    half = {**PROTECTION, "Action": "iam:CreateRole"}
    assert len(check_together([("a.json", text(deny())), ("b.json", text(half))])) > 0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=8), below, max_size=3),
    max_leaves=8,
)
names = st.sampled_from(["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition", "Principal"])


@settings(deadline=None)
@given(
    st.lists(st.dictionaries(names, json_values | st.just("*") | st.just("Deny"), max_size=8) | json_values, max_size=3)
)
def test_any_json_is_judged_without_an_exception(statements: list[Any]) -> None:
    faults = check(text(*statements))
    assert all(fault.line >= 1 and fault.column >= 1 for fault in faults)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_judged_without_an_exception(written: str) -> None:
    assert check(written)
