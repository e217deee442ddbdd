"""IAM statements are read from every way of writing them, with their places."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from mlguard.configuration import Configuration
from mlguard.policy.load import bundled_policies
from mlguard.resource import Resource
from mlguard.scan import Options, scan
from mlguard.scan import check as checking
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Entries, Items, Node, Unknown, child, settle

S = Scenario()
INLINE = """\
Resources:
  R:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}
      Policies:
        - PolicyName: a
          PolicyDocument: {Statement: [{Effect: Allow, Action: ["s3:Get*"], Resource: "*"}]}
        - PolicyName: b
          PolicyDocument:
            Statement:
              Sid: One
              Effect: Deny
              NotAction: iam:*
              NotResource: arn:aws:s3:::x
              Condition: {StringEquals: {"aws:RequestedRegion": us-east-1}}
"""
HEREDOC = """\
resource "aws_iam_policy" "p" {
  policy = <<-EOT
    {"Statement": [{"Effect": "Allow", "Action": "s3:Get*", "Resource": "${var.bucket}/x"}]}
  EOT
}
variable "bucket" {}
"""
ENCODED = """\
variable "bucket" {}
resource "aws_iam_role" "p" {
  assume_role_policy = "{}"
  inline_policy {
    name   = "a"
    policy = jsonencode({ Statement = [{ Effect = "Allow", Action = "s3:Get*", Resource = [var.bucket, "arn:x"] }] })
  }
}
"""


def resource(text: str, name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Resource:
    found: list[Resource] = []
    judge = checking.check_project

    def watch(project: Any, *arguments: Any) -> Any:  # noqa: ANN401
        found.extend(project.resources)
        return judge(project, *arguments)

    monkeypatch.setattr("mlguard.scan.judging.check_project", watch)
    (folder / name).write_text(text, encoding="utf-8")
    scan(Options(root=Root(folder), policies=bundled_policies(), configuration=Configuration()))
    return next(one for one in found if one.kind == "iam.policy")


def statements(one: Resource) -> tuple[list[dict[str, Any]], Unknown | None]:
    listed = settle(one.properties["statements"], S).content
    assert isinstance(listed, Items)
    return [_plain(node) for node in listed.nodes], listed.rest


def _plain(node: Node) -> Any:  # noqa: ANN401
    content = settle(node, S).content
    if isinstance(content, Entries):
        return {key: _plain(below) for key, below in content.nodes.items()}
    if isinstance(content, Items):
        return [_plain(below) for below in content.nodes]
    return content.pattern if isinstance(content, Unknown) else content


def test_the_policies_of_a_role(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made, rest = statements(resource(INLINE, "template.yaml", tmp_path, monkeypatch))
    condition = {"operator": "StringEquals", "key": "aws:RequestedRegion", "values": "us-east-1"}
    assert rest is None
    assert made == [
        {"effect": "Allow", "actions": ["s3:Get*"], "resources": ["*"], "conditions": []},
        {
            "sid": "One",
            "effect": "Deny",
            "not_actions": ["iam:*"],
            "not_resources": ["arn:aws:s3:::x"],
            "conditions": [condition],
        },
    ]


@pytest.mark.parametrize(("text", "resources"), [(HEREDOC, ["*/x"]), (ENCODED, ["*", "arn:x"])])
def test_a_policy_that_is_known_in_part(
    text: str, resources: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (made,), _ = statements(resource(text, "main.tf", tmp_path, monkeypatch))
    assert (made["actions"], made["resources"]) == (["s3:Get*"], resources)


def test_a_statement_stands_where_it_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = resource(INLINE, "template.yaml", tmp_path, monkeypatch)
    listed = settle(one.properties["statements"], S).content
    assert isinstance(listed, Items)
    effect = child(listed.nodes[1], "effect", S)
    assert effect is not None
    assert effect.place.line == 13


@pytest.mark.parametrize("policy", ['"not json"', "var.policy", '"[]"'])
def test_a_policy_that_cannot_be_read_is_unknown(policy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = f'variable "policy" {{}}\nresource "aws_iam_policy" "p" {{\n  policy = {policy}\n}}\n'
    made, rest = statements(resource(text, "main.tf", tmp_path, monkeypatch))
    assert made == []
    assert isinstance(rest, Unknown)
