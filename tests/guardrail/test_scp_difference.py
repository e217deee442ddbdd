"""`mlguard scp diff`: what becomes allowed and denied, whatever the texts look like."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli import main
from mlguard.guardrail.difference import compare
from mlguard.guardrail.document import Options, generate
from mlguard.policy.load import bundled_policies
from mlguard.policy.parameters import bundled_parameters
from mlguard.record import replace

EXEMPT = {"aws:PrincipalArn": ["arn:aws:iam::*:role/mlguard-break-glass"]}
TYPES = "sagemaker:InstanceTypes"


def statement(**changes: Any) -> dict[str, Any]:  # noqa: ANN401  (JSON data)
    made = {
        "Sid": "Types",
        "Effect": "Deny",
        "Action": ["sagemaker:CreateApp", "sagemaker:CreateTrainingJob"],
        "Resource": "*",
        "Condition": {"ForAnyValue:StringNotLike": {TYPES: ["ml.m5.*", "ml.t3.medium"]}, "ArnNotLike": EXEMPT},
    }
    return {**made, **changes}


def condition(operator: str, values: list[str], exempt: list[str] | None = None) -> dict[str, Any]:
    exemption = {"aws:PrincipalArn": exempt} if exempt is not None else EXEMPT
    return {operator: {TYPES: values}, "ArnNotLike": exemption}


def scp(*statements: object, indent: int | None = None) -> list[tuple[str, str]]:
    return [("scp.json", json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, indent=indent))]


def becomes(new: list[tuple[str, str]]) -> set[str]:
    return {change.becomes for change in compare(scp(statement()), new).changes}


NOT_LIKE = "ForAnyValue:StringNotLike"


@pytest.mark.parametrize(
    ("new", "wanted"),
    [
        (scp(statement(), indent=4), set()),
        (scp(statement(Sid="Other")), set()),
        (scp(statement(Action=["sagemaker:CreateTrainingJob", "sagemaker:CreateApp"])), set()),
        (scp(statement(Action="sagemaker:CreateApp", Sid="A"), statement(Action="sagemaker:CreateTrainingJob")), set()),
        (scp(statement(Condition=condition(NOT_LIKE, ["ml.t3.medium", "ml.m5.*", "ml.m5.large"]))), set()),
        (scp(statement(Action="sagemaker:CreateApp")), {"allowed"}),
        (scp(statement(Condition=condition(NOT_LIKE, ["ml.t3.*", "ml.m5.*"]))), {"allowed"}),
        (scp(statement(Condition=condition(NOT_LIKE, ["ml.*"]))), {"allowed"}),
        (scp(statement(Condition=condition(NOT_LIKE, ["ml.m5.*"]))), {"denied"}),
        (scp(statement(Condition=condition(NOT_LIKE, ["ml.c5.*", "ml.t3.medium"]))), {"allowed", "denied"}),
        (scp(statement(Condition=condition("StringNotLike", ["ml.m5.*", "ml.t3.medium"]))), {"allowed", "denied"}),
        (scp(statement(Condition=condition("ForAllValues:StringNotLike", ["ml.m5.*", "ml.t3.medium"]))),
         {"allowed", "denied"}),
        (scp(statement(Condition=condition(NOT_LIKE, ["ml.m5.*", "ml.t3.medium"], ["arn:aws:iam::*:role/mlguard-*"]))),
         {"allowed"}),
        (scp(statement(Condition=condition(NOT_LIKE, ["ml.m5.*", "ml.t3.medium"], ["arn:aws:iam::*:role/other"]))),
         {"allowed", "denied"}),
        (scp(statement(Effect="Allow")), {"allowed"}),
        (scp(statement(), statement(Sid="More", Action="sagemaker:CreateModel", Condition={"ArnNotLike": EXEMPT})),
         {"denied"}),
        (scp(statement(Resource="arn:aws:sagemaker:*:*:app/*")), {"allowed"}),
    ],
)  # fmt: skip
def test_a_change_is_seen_by_what_it_does(new: list[tuple[str, str]], wanted: set[str]) -> None:
    assert becomes(new) == wanted


def test_other_documents_with_the_same_statements_are_equal() -> None:
    lookup, policies = bundled_parameters(), bundled_policies()
    large = generate(policies, lookup, "sandbox").documents
    small = generate(policies, lookup, "sandbox", Options(max_chars=4_000)).documents
    assert len(small) > len(large)
    difference = compare([(one.name, one.text) for one in large], [(one.name, one.text) for one in small])
    assert difference.changes == []
    assert (difference.added, difference.removed, difference.rewritten) == ([], [], [])


def test_a_change_of_one_statement_among_many_is_seen() -> None:
    lookup, policies = bundled_parameters(), bundled_policies()
    own = {**lookup.own, "allowed_regions": ["us-east-1", "us-east-2", "us-west-2", "eu-west-1", "sa-east-1"]}
    before = generate(policies, lookup, "sandbox").documents
    after = generate(policies, replace(lookup, own=own), "sandbox").documents
    difference = compare([(one.name, one.text) for one in before], [(one.name, one.text) for one in after])
    found = {(change.becomes, sid) for change in difference.changes for sid in change.sids}
    assert {(becomes, f"Deny{service}AcceleratorsInPremiumRegions") for becomes in ("allowed", "denied")
            for service in ("Ec2", "SageMaker")} <= found  # fmt: skip


def test_exit_codes_and_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, written in ((old, statement()), (new, statement(Action="sagemaker:CreateApp"))):
        folder.mkdir()
        (folder / "scp.json").write_text(scp(written)[0][1], encoding="utf-8")
        (folder / "manifest.json").write_text("{}", encoding="utf-8")
    assert main(["scp", "diff", str(old), str(new)]) == 1
    text = capsys.readouterr().out
    assert text.startswith("becomes allowed (was denied by Types): sagemaker:CreateTrainingJob\n")
    assert f"    sagemaker:CreateTrainingJob with {TYPES} ml.p5.48xlarge by role/Developer\n" in text
    assert "statements rewritten: Types\nweaker: " in text
    assert main(["scp", "diff", str(old), str(new), "--accept-weakening"]) == 0
    assert main(["scp", "diff", str(new), str(old)]) == 0
    capsys.readouterr()
    assert main(["scp", "diff", str(old / "scp.json"), str(new), "--format", "json"]) == 1
    content = json.loads(capsys.readouterr().out)
    assert content["weakened"] is True
    assert content["changes"][0]["becomes"] == "allowed"
    assert content["changes"][0]["actions"] == ["sagemaker:CreateTrainingJob"]
    assert main(["scp", "diff", str(old), str(tmp_path / "missing")]) == 2
