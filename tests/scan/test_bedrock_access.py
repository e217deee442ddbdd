"""Which IAM policies tell Bedrock models apart: by the text of their statements."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
POLICIES = {policy.id: policy for policy in bundled_policies()}
UNRESTRICTED = POLICIES["bedrock-invoke-unrestricted"]
MODELS = "arn:aws:bedrock:*::foundation-model/"


def template(**statement: object) -> dict[str, str]:
    document = {"Statement": [{"Effect": "Allow", "Action": "bedrock:InvokeModel", **statement}]}
    properties = {"PolicyDocument": document}
    resources = {"P": {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}}
    return {"template.json": json.dumps({"Parameters": {"X": {"Type": "String"}}, "Resources": resources}, indent=1)}


def verdict(report: Report) -> str:
    return "fail" if report.findings else "unknown" if report.undecided else "pass"


@pytest.mark.parametrize(
    ("resource", "wanted"),
    [
        ("*", "fail"),
        ("arn:aws:bedrock:*", "fail"),
        ("arn:*:bedrock:us-east-1:*:*", "fail"),
        ("arn:aws:bedrock:*::foundation*", "fail"),
        (f"{MODELS}*", "fail"),
        (f"{MODELS}anthropic.claude-*", "fail"),
        (f"{MODELS}amazon.nova-*", "fail"),
        (f"{MODELS}anthropic.claude-*haiku*", "pass"),
        (f"{MODELS}amazon.titan-embed-*", "pass"),
        (f"{MODELS}anthropic.claude-opus-4-1-20250805-v1:0", "pass"),
        ("arn:aws:bedrock:*:*:inference-profile/*", "pass"),
        ("arn:aws:s3:::*", "pass"),
        ("arn:aws:s3*", "pass"),
        ([f"{MODELS}amazon.nova-micro-v1:0", f"{MODELS}amazon.nova-premier-v1:0"], "pass"),
        ({"Fn::Sub": f"{MODELS}${{X}}"}, "unknown"),
        ({"Ref": "X"}, "unknown"),
        ({"Fn::Sub": "arn:aws:bedrock:us-east-1:123456789012:knowledge-base/${X}"}, "pass"),
        ({"Fn::Sub": "arn:aws:s3:::${X}/*"}, "pass"),
        ({"Fn::Sub": "arn:${AWS::Partition}:bedrock:${AWS::Region}::foundation-model/amazon.nova-*"}, "fail"),
        ({"Fn::Sub": "arn:aws:bedrock:${AWS::Region}:${AWS::AccountId}:application-inference-profile/*"}, "pass"),
    ],
)
def test_which_models_a_resource_allows(scanned: Scan, resource: object, wanted: str) -> None:
    assert verdict(scanned(template(Resource=resource), UNRESTRICTED)) == wanted


@pytest.mark.parametrize(
    ("action", "wanted"),
    [
        ("bedrock:*", "fail"),
        ("Bedrock:invoke*", "fail"),
        ("bedrock:CreateProvisionedModelThroughput", "fail"),
        ("bedrock:ListFoundationModels", "pass"),
        ("bedrock:Get*", "pass"),
        ("*", "pass"),
        (["s3:*", {"Ref": "X"}], "unknown"),
    ],
)
def test_which_actions_are_about_bedrock(scanned: Scan, action: object, wanted: str) -> None:
    assert verdict(scanned(template(Action=action, Resource="*"), UNRESTRICTED)) == wanted


@pytest.mark.parametrize(
    ("key", "wanted"),
    [
        ("bedrock:InferenceProfileArn", "pass"),
        ("bedrock:PromptRouterArn", "pass"),
        ("aws:ResourceTag/Team", "pass"),
        ("aws:RequestedRegion", "fail"),
        ("bedrock:GuardrailIdentifier", "fail"),
    ],
)
def test_which_conditions_narrow_the_models(scanned: Scan, key: str, wanted: str) -> None:
    files = template(Resource="*", Condition={"StringLike": {key: "x"}})
    assert verdict(scanned(files, UNRESTRICTED)) == wanted


def test_a_condition_that_is_decided_at_deployment(scanned: Scan) -> None:
    assert verdict(scanned(template(Resource="*", Condition={"Ref": "X"}), UNRESTRICTED)) == "unknown"


def test_all_but_one_model_are_too_many(scanned: Scan) -> None:
    (finding,) = scanned(template(NotResource=f"{MODELS}amazon.nova-premier-v1:0"), UNRESTRICTED).findings
    assert "$75.00" in finding.message


def test_a_pattern_of_many_wildcards_takes_no_time(scanned: Scan) -> None:
    assert verdict(scanned(template(Resource=f"{MODELS}{'*a' * 400}"), UNRESTRICTED)) == "pass"


def test_profiles_that_copy_each_other_are_unknown(scanned: Scan) -> None:
    text = """\
Resources:
  A:
    Type: AWS::Bedrock::ApplicationInferenceProfile
    Properties: {InferenceProfileName: a, ModelSource: {CopyFrom: !Ref B}}
  B:
    Type: AWS::Bedrock::ApplicationInferenceProfile
    Properties: {InferenceProfileName: b, ModelSource: {CopyFrom: !Ref A}}
"""
    report = scanned({"template.yaml": text}, POLICIES["bedrock-model-not-allowed"])
    assert verdict(report) == "unknown"
    assert {one.because for one in report.undecided} == {"the models refer to each other"}


def test_a_flow_whose_loops_are_flows_is_read_to_its_end(scanned: Scan) -> None:
    inline = '{"inline":{"modelId":"amazon.nova-pro-v1:0"}}'
    inner = f'{{"name":"Ask","configuration":{{"prompt":{{"sourceConfiguration":{inline}}}}}}}'
    loop = f'{{"name":"Loop","configuration":{{"loop":{{"definition":{{"nodes":[{inner}]}}}}}}}}'
    text = f"""\
Resources:
  F:
    Type: AWS::Bedrock::Flow
    Properties:
      Name: f
      ExecutionRoleArn: arn:aws:iam::123456789012:role/f
      DefinitionString: '{{"nodes":[{loop}]}}'
"""
    (finding,) = scanned({"template.yaml": text}, POLICIES["bedrock-model-not-allowed"]).findings
    assert finding.resource == "F/Ask"
