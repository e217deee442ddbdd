"""Which buckets serve machine learning: by the words of their names, by what refers to them, by what is beside them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.model import Policy

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
