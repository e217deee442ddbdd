"""`mlguard scp impact`: which resources of the code would be refused, by which statement, and what nobody can tell."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mlguard.cli import main
from mlguard.rehearsal.calls import CALLS
from mlguard.scp.actions import details
from mlguard.vocabulary.load import bundled_vocabulary

Capture = pytest.CaptureFixture[str]
EXEMPT = {"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/mlguard-break-glass"}}
NOTEBOOK = """
provider "aws" { region = "us-east-1" }
variable "size" {}
variable "env" {
  default = "dev"
  validation {
    condition     = contains(["dev", "big"], var.env)
    error_message = "x"
  }
}
resource "aws_sagemaker_notebook_instance" "dear" {
  name                  = "dear"
  instance_type         = "ml.g5.2xlarge"
  lifecycle_config_name = "stop"
}
resource "aws_sagemaker_notebook_instance" "cheap" {
  name                  = "cheap"
  instance_type         = "ml.t3.medium"
  lifecycle_config_name = "stop"
}
resource "aws_sagemaker_notebook_instance" "open" {
  name                  = "open"
  instance_type         = var.size
  lifecycle_config_name = "stop"
}
resource "aws_sagemaker_notebook_instance" "either" {
  name                  = "either"
  instance_type         = var.env == "big" ? "ml.g5.2xlarge" : "ml.t3.medium"
  lifecycle_config_name = "stop"
}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def scp(folder: Path, **statement: Any) -> str:  # noqa: ANN401  (JSON data)
    condition = {**EXEMPT, **statement.pop("Condition", {})}
    whole = {"Sid": "Deny1", "Effect": "Deny", "Resource": "*", **statement, "Condition": condition}
    path = folder / "own.json"
    path.write_text(json.dumps({"Version": "2012-10-17", "Statement": [whole]}), encoding="utf-8")
    return str(path)


def run(capsys: Capture, *arguments: str) -> tuple[int, list[dict[str, Any]]]:
    code = main(["scp", "impact", *arguments, "--format", "json"])
    written = capsys.readouterr().out
    return code, json.loads(written)["calls"] if written else []


def outcomes(calls: list[dict[str, Any]]) -> Mapping[str, set[str]]:
    found: dict[str, set[str]] = {}
    for call in calls:
        found.setdefault(call["resource"].rsplit(".", 1)[-1], set()).add(call["outcome"])
    return found


def test_resources_are_judged_by_the_guardrails_of_their_environment(repository: Path, capsys: Capture) -> None:
    (repository / "main.tf").write_text(NOTEBOOK, encoding="utf-8")
    code, calls = run(capsys, ".")
    assert code == 1
    assert outcomes(calls) == {
        "dear": {"denied"},
        "cheap": {"allowed"},
        "open": {"undecided"},
        "either": {"allowed", "denied"},
    }
    dear = next(call for call in calls if call["resource"].endswith("dear"))
    assert dear["denied_by"] == ["DenyNotebookTypesNotAllowed"]
    assert (dear["path"], dear["line"], dear["action"]) == ("main.tf", 11, "sagemaker:CreateNotebookInstance")
    unknown = next(call for call in calls if call["outcome"] == "undecided")
    assert {"DenyNotebookTypesNotAllowed"} < {reason["sid"] for reason in unknown["undecided"]}
    assert {reason["because"] for reason in unknown["undecided"]} == {"var.size has no value"}
    either = next(call for call in calls if call["resource"].endswith("either") and call["outcome"] == "denied")
    assert either["when"] == "var.env = big"


def test_the_text_names_statement_reason_and_place(repository: Path, capsys: Capture) -> None:
    (repository / "main.tf").write_text(NOTEBOOK, encoding="utf-8")
    assert main(["scp", "impact"]) == 1
    text = capsys.readouterr().out
    assert (
        "main.tf:11:1: aws_sagemaker_notebook_instance.dear: sagemaker:CreateNotebookInstance would be denied by "
        "DenyNotebookTypesNotAllowed in sandbox\n"
    ) in text
    assert "    when var.env = big\n" in text
    assert "    it asks for sagemaker:InstanceTypes ml.g5.2xlarge\n" in text
    (reason,) = [line for line in text.splitlines() if line.endswith(")")]
    assert reason.startswith("    sagemaker:InstanceTypes: var.size has no value (asked for by ")
    assert "DenyNotebookTypesNotAllowed" in reason
    assert "cheap" not in text
    assert text.endswith(
        "denied by: DenyNotebookTypesNotAllowed 2\n4 resources: 2 denied, 1 undecided, 2 allowed of 5 calls\n"
    )


TEMPLATED = """
Resources:
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {InstanceType: p4d.24xlarge}}
  Dear:
    Type: AWS::EC2::Instance
    Properties: {LaunchTemplate: {LaunchTemplateId: !Ref Template, Version: '1'}}
  Open:
    Type: AWS::EC2::Instance
    Properties: {ImageId: ami-12345678}
"""


def test_a_launch_template_tells_the_type(repository: Path, capsys: Capture) -> None:
    (repository / "template.yaml").write_text(TEMPLATED, encoding="utf-8")
    code, calls = run(capsys, "template.yaml", "--select", "instance-type-not-allowed")
    assert code == 1
    assert {name: outcomes(calls)[name] for name in ("Dear", "Open")} == {"Dear": {"denied"}, "Open": {"undecided"}}
    dear = next(call for call in calls if call["resource"] == "Dear")
    assert dear["asked"] == {"ec2:InstanceType": ["p4d.24xlarge"]}


def test_each_resource_meets_the_guardrails_of_its_partition(repository: Path, capsys: Capture) -> None:
    written = 'provider "aws" { region = "cn-north-1" }\nresource "aws_instance" "x" { instance_type = "p4d.24xlarge" }'
    (repository / "main.tf").write_text(written, encoding="utf-8")
    _, calls = run(capsys, ".")
    assert {call["outcome"] for call in calls} == {"undecided"}
    assert "none of which is a region of aws-cn" in calls[0]["undecided"][0]["because"]
    (repository / ".mlguard.yaml").write_text("parameters: {allowed_regions: [cn-north-1]}\n", encoding="utf-8")
    code, calls = run(capsys, ".")
    assert (code, {call["outcome"] for call in calls}) == (1, {"denied"})


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["--environment", "training"], 1),
        (["--principal", "arn:aws:sts::123456789012:assumed-role/mlguard-break-glass/ci"], 0),
        (["--var", "size=ml.t3.medium", "--select", "notebook-without-lifecycle-config"], 0),
    ],
)
def test_who_deploys_where(repository: Path, capsys: Capture, arguments: list[str], code: int) -> None:
    (repository / "main.tf").write_text(NOTEBOOK, encoding="utf-8")
    assert run(capsys, ".", *arguments)[0] == code


TEMPLATE = """
Parameters:
  Bucket: {Type: String}
Resources:
  Machine:
    Type: AWS::EC2::Instance
    Properties:
      InstanceType: t3.micro
      BlockDeviceMappings: [{DeviceName: /dev/xvda, Ebs: {VolumeSize: 900}}]
      Tags: [{Key: Team, Value: ml}]
  Data:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: !Ref Bucket
      LifecycleConfiguration: {Rules: [{Status: Enabled, ExpirationInDays: 9}]}
"""


@pytest.mark.parametrize(
    ("statement", "wanted"),
    [
        (  # the mistake that refuses every launch shows in the rehearsal
            {"Action": "ec2:RunInstances", "Condition": {"StringNotLike": {"ec2:InstanceType": "t3.*"}}},
            {"Machine": {"denied"}, "Data": {"allowed"}},
        ),
        (
            {
                "Action": "ec2:RunInstances",
                "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": {"StringNotLike": {"ec2:InstanceType": "t3.*"}},
            },
            {"Machine": {"allowed"}, "Data": {"allowed"}},
        ),
        (
            {
                "Action": "ec2:RunInstances",
                "Resource": "arn:aws:ec2:*:*:volume/*",
                "Condition": {"NumericGreaterThan": {"ec2:VolumeSize": "500"}},
            },
            {"Machine": {"denied"}, "Data": {"allowed"}},
        ),
        (
            {
                "Action": "ec2:RunInstances",
                "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": {"Null": {"aws:RequestTag/Team": "true"}},
            },
            {"Machine": {"allowed"}, "Data": {"allowed"}},
        ),
        (
            {
                "Action": "ec2:RunInstances",
                "Resource": "arn:aws:ec2:*:*:instance/*",
                "Condition": {"Null": {"aws:RequestTag/Owner": "true"}},
            },
            {"Machine": {"denied"}, "Data": {"allowed"}},
        ),
        (
            {"Action": "s3:PutLifecycleConfiguration", "Resource": "arn:aws:s3:::*-ml-*"},
            {"Machine": {"allowed"}, "Data": {"allowed", "undecided"}},
        ),
        (  # who deploys, and from where, stands in no code
            {"Action": "s3:CreateBucket", "Condition": {"StringNotEquals": {"aws:SourceVpc": "vpc-1"}}},
            {"Machine": {"allowed"}, "Data": {"allowed", "undecided"}},
        ),
        (
            {"Action": "s3:CreateBucket", "Condition": {"StringNotEquals": {"s3:locationconstraint": "eu-west-1"}}},
            {"Machine": {"allowed"}, "Data": {"allowed", "undecided"}},
        ),
        (
            {"Action": "*:Create*", "Condition": {"StringNotEquals": {"aws:RequestedRegion": "eu-west-1"}}},
            {"Machine": {"allowed"}, "Data": {"allowed", "undecided"}},
        ),
    ],
)
def test_the_keys_of_a_request_come_from_the_code(
    repository: Path, capsys: Capture, statement: dict[str, Any], wanted: Mapping[str, set[str]]
) -> None:
    (repository / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    code, calls = run(capsys, "template.yaml", "--scp", scp(repository, **statement))
    assert outcomes(calls) == wanted
    assert code == int("denied" in set().union(*wanted.values()))


def test_a_generated_folder_is_rehearsed_as_it_is(repository: Path, capsys: Capture) -> None:
    (repository / "main.tf").write_text(NOTEBOOK, encoding="utf-8")
    assert main(["scp", "generate", "--environment", "sandbox", "--out", "out", "--companions"]) == 0
    capsys.readouterr()
    assert run(capsys, "main.tf", "--scp", "out/sandbox") == run(capsys, "main.tf", "--environment", "sandbox")


def test_files_that_are_no_scp_are_refused(repository: Path, capsys: Capture) -> None:
    (repository / "template.yaml").write_text(TEMPLATE, encoding="utf-8")
    (repository / "x.json").write_text("{}", encoding="utf-8")
    assert main(["scp", "impact", "template.yaml", "--scp", "x.json"]) == 2
    assert "mlguard scp check says more" in capsys.readouterr().err


def test_nothing_to_rehearse(repository: Path, capsys: Capture) -> None:
    (repository / "main.tf").write_text("locals {}\n", encoding="utf-8")
    assert run(capsys, ".")[0] == 3


def test_every_call_is_one_of_aws_with_its_keys() -> None:
    kinds = bundled_vocabulary().kinds
    for kind, calls in CALLS.items():
        assert kind in kinds
        raw = set(kinds[kind].types)
        for call in calls:
            known = details(call.action)
            assert known is not None, call.action
            assert all(known.supports(key.name) for key in call.keys), call.action
            assert set(call.types) <= raw, call.types
            assert not call.when or call.when in kinds[kind].properties
            if known.resources and call.arn:
                name = call.arn.split(":")[3].partition("/")[0].replace("{name}", "").replace("{any}", "")
                kinds_of_resource = {one.lower().replace("-", "") for one in known.resources}
                assert not name or name.lower().replace("-", "") in kinds_of_resource, (call.action, name)
