"""Which buckets serve machine learning: by the words of their names, by what refers to them, by what is beside them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.configuration import parse_configuration
from mlguard.finding import Report
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy
from mlguard.source import Document

_POLICY = "applies_to: s3.bucket\nrequire: {ml_scope: {equals: false}}\n"
_ENDPOINT = """
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: serve}
"""
_UNREADABLE = """
  Machine:
    Type: AWS::StepFunctions::StateMachine
    Properties: {RoleArn: r, DefinitionS3Location: {Bucket: b, Key: k}}
"""


@pytest.mark.parametrize(
    ("name", "more", "found"),
    [
        ("training-data", "", ["Store"]),
        ("pretrained", "", ["Store"]),
        ("acme-ml", "", ["Store"]),
        ("LlmCache", "", ["Store"]),
        ("feature-store", "", ["Store"]),
        ("model-artifacts", "", ["Store"]),
        ("constraints", "", []),
        ("feature-flags", "", []),
        ("html-pages", "", []),
        ("xml-feeds", "", []),
        ("MlOpsData", "", ["Store"]),
        ("build-artifacts", "", []),
        ("build-artifacts", _UNREADABLE, []),
        ("build-artifacts", _ENDPOINT, ["Store"]),
        ("ArtifactStore", _ENDPOINT, ["Store"]),
        ("pages", _ENDPOINT, []),
    ],
)
def test_the_words_of_a_name(
    scanned: Callable[..., Report], make_policy: Callable[..., Policy], name: str, more: str, found: list[str]
) -> None:
    text = f"Resources:\n  Store:\n    Type: AWS::S3::Bucket\n    Properties: {{BucketName: {name}}}\n{more}"
    report = scanned({"t.yaml": text}, make_policy(_POLICY))
    assert [finding.resource for finding in report.findings] == found


BUCKET = 'resource "aws_s3_bucket" "{0}" {{}}\n'
SERVING = 'resource "aws_sagemaker_endpoint" "serve" {\n  endpoint_config_name = "serve"\n}\n'


@pytest.mark.parametrize(
    ("text", "everything", "found"),
    [
        (BUCKET.format("pages"), "true", ["aws_s3_bucket.pages"]),
        (BUCKET.format("pages"), "false", []),
        (BUCKET.format("training_data"), "false", ["aws_s3_bucket.training_data"]),
        (BUCKET.format("pages") + SERVING, "false", ["aws_s3_bucket.pages"]),
    ],
)
def test_what_has_nothing_to_do_with_machine_learning_may_be_left_out(
    scanned: Callable[..., Report], text: str, everything: str, found: list[str]
) -> None:
    policies = [policy for policy in bundled_policies() if policy.id == "bucket-without-lifecycle"]
    said = Document(".mlguard.yaml", f"parameters: {{judge_without_machine_learning: {everything}}}\n")
    report = scanned({"main.tf": text}, *policies, configuration=parse_configuration(said))
    assert [finding.resource for finding in report.findings] == found
