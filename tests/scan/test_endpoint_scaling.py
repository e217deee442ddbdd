"""What scales an endpoint is found by reference and by names that are known in part, in every spelling."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
POLICIES = {policy.id: policy for policy in bundled_policies()}
SCALES = POLICIES["endpoint-without-autoscaling"]
BOUNDS = POLICIES["endpoint-scaling-saves-nothing"]
DELETED = POLICIES["nonproduction-endpoint-always-on"]
TWINS = POLICIES["single-model-endpoint-sprawl"]

TEMPLATE = """\
Parameters:
  Name: {Type: String}
  Env: {Type: String, AllowedValues: [dev, prod]}
Conditions:
  Prod: !Equals [!Ref Env, prod]
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {VariantName: main, ModelName: m, InstanceType: ml.m5.xlarge, InitialInstanceCount: 4}
  Endpoint:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointName: NAME, EndpointConfigName: !GetAtt Config.EndpointConfigName}
  Other:
    Type: AWS::SageMaker::Endpoint
    Properties: {EndpointConfigName: elsewhere}
  Target:
    Type: AWS::ApplicationAutoScaling::ScalableTarget
    CONDITION
    Properties:
      ServiceNamespace: sagemaker
      ScalableDimension: sagemaker:variant:DesiredInstanceCount
      ResourceId: RESOURCE
      MinCapacity: 1
      MaxCapacity: 4
  Policy:
    Type: AWS::ApplicationAutoScaling::ScalingPolicy
    Properties:
      PolicyName: p
      PolicyType: TargetTrackingScaling
      ScalingTargetId: !Ref Target
      TargetTrackingScalingPolicyConfiguration: {TargetValue: 5}
"""


def verdict(report: Report, resource: str) -> str:
    if any(one.resource == resource for one in report.findings):
        return "fail"
    return "unknown" if any(one.resource == resource for one in report.undecided) else "pass"


@pytest.mark.parametrize(
    ("resource_id", "name", "wanted"),
    [
        ("!Sub 'endpoint/${Endpoint.EndpointName}/variant/main'", "!Ref AWS::NoValue", "pass"),
        ("!Join [/, [endpoint, !GetAtt Endpoint.EndpointName, variant, main]]", "!Ref AWS::NoValue", "pass"),
        ("endpoint/serve/variant/main", "serve", "pass"),
        ("!Sub 'endpoint/${Name}/variant/main'", "!Ref Name", "pass"),
        ("!Sub 'endpoint/${AWS::StackName}-e/variant/main'", "!Sub '${AWS::StackName}-e'", "pass"),
        ("!Sub 'endpoint/${Endpoint.EndpointName}/variant/${Name}'", "!Ref AWS::NoValue", "pass"),
        ("!Sub 'endpoint/${Endpoint.EndpointName}/variant/canary'", "!Ref AWS::NoValue", "fail"),
        ("!Sub 'endpoint/${Other.EndpointName}/variant/main'", "!Ref AWS::NoValue", "fail"),
        ("endpoint/another/variant/main", "serve", "fail"),
        ("endpoint/serve/variant/main", "!Ref AWS::NoValue", "fail"),
        ("!Sub 'endpoint/${AWS::StackName}-f/variant/main'", "serve", "fail"),
        ("table/serve", "serve", "fail"),
        ("!Sub 'endpoint/${Name}/variant/main'", "serve", "unknown"),
        ("!Sub 'endpoint/${AWS::StackName}-f/variant/main'", "!Ref Name", "unknown"),
        ("!Ref Name", "serve", "unknown"),
        ("endpoint/serve/variant/main", "!Ref Name", "unknown"),
    ],
)
def test_how_a_template_names_an_endpoint(scanned: Scan, resource_id: str, name: str, wanted: str) -> None:
    text = TEMPLATE.replace("RESOURCE", f'"{resource_id}"' if resource_id[0] != "!" else resource_id)
    report = scanned({"t.yaml": text.replace("NAME", name).replace("    CONDITION\n", "")}, SCALES)
    assert verdict(report, "Endpoint") == wanted


def test_a_target_that_only_production_has(scanned: Scan) -> None:
    text = TEMPLATE.replace("RESOURCE", "endpoint/serve/variant/main").replace("NAME", "serve")
    report = scanned({"t.yaml": text.replace("CONDITION", "Condition: Prod")}, SCALES)
    assert [(one.resource, one.when) for one in report.findings] == [("Endpoint", "Env = dev")]


TERRAFORM = """\
resource "random_pet" "name" {}
resource "aws_sagemaker_endpoint_configuration" "c" {
  production_variants {
    variant_name           = "main"
    model_name             = "m"
    instance_type          = "ml.m5.xlarge"
    initial_instance_count = 4
  }
}
resource "aws_sagemaker_endpoint" "e" {
  name                 = NAME
  endpoint_config_name = aws_sagemaker_endpoint_configuration.c.name
}
resource "aws_appautoscaling_target" "t" {
  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = RESOURCE
  min_capacity       = 1
  max_capacity       = 4
}
resource "aws_appautoscaling_policy" "p" {
  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = POLICY
}
"""


TARGET_ID = "aws_appautoscaling_target.t.id"


@pytest.mark.parametrize(
    ("resource_id", "name", "policy", "wanted"),
    [
        ('"endpoint/${aws_sagemaker_endpoint.e.name}/variant/main"', "null", TARGET_ID, "pass"),
        ('"endpoint/${random_pet.name.id}/variant/main"', "random_pet.name.id", TARGET_ID, "pass"),
        ('"endpoint/e-${random_pet.name.id}/variant/main"', '"e-${random_pet.name.id}"', '"endpoint/x/a"', "fail"),
        ('"endpoint/serve/variant/main"', '"serve"', '"endpoint/serve/variant/main"', "pass"),
        ('"endpoint/serve/variant/main"', '"serve"', '"endpoint/other/variant/main"', "fail"),
        ('"endpoint/${aws_sagemaker_endpoint.e.arn}/variant/main"', "null", TARGET_ID, "fail"),
        ("local.nowhere", '"serve"', TARGET_ID, "unknown"),
    ],
)  # fmt: skip
def test_how_terraform_names_an_endpoint(scanned: Scan, resource_id: str, name: str, policy: str, wanted: str) -> None:
    text = TERRAFORM.replace("RESOURCE", resource_id).replace("NAME", name).replace("POLICY", policy)
    assert verdict(scanned({"main.tf": text}, SCALES), "aws_sagemaker_endpoint.e") == wanted


CLOUD_CONTROL = """\
resource "awscc_sagemaker_endpoint_config" "c" {
  production_variants = [
    { variant_name = "main", model_name = "m", instance_type = "ml.m5.xlarge", initial_instance_count = 4 }
  ]
}
resource "awscc_sagemaker_endpoint" "e" {
  endpoint_config_name = awscc_sagemaker_endpoint_config.c.endpoint_config_name
}
resource "awscc_applicationautoscaling_scalable_target" "t" {
  service_namespace  = "sagemaker"
  scalable_dimension = "sagemaker:variant:DesiredInstanceCount"
  resource_id        = "endpoint/${awscc_sagemaker_endpoint.e.endpoint_name}/variant/main"
  min_capacity       = 8
  max_capacity       = 8
}
resource "awscc_applicationautoscaling_scaling_policy" "p" {
  policy_name       = "p"
  policy_type       = "TargetTrackingScaling"
  scaling_target_id = awscc_applicationautoscaling_scalable_target.t.id
}
"""


def test_the_cloud_control_provider_has_the_same_words(scanned: Scan) -> None:
    assert scanned({"main.tf": CLOUD_CONTROL}, SCALES).findings == ()
    report = scanned({"main.tf": CLOUD_CONTROL}, BOUNDS)
    assert [one.resource for one in report.findings] == ["awscc_applicationautoscaling_scalable_target.t"]


def test_what_a_target_keeps_running_is_priced_as_its_variant(scanned: Scan) -> None:
    text = TERRAFORM.replace("RESOURCE", '"endpoint/${aws_sagemaker_endpoint.e.name}/variant/main"')
    text = text.replace("NAME", "null").replace("POLICY", "null").replace("min_capacity       = 1", "min_capacity = 3")
    report = scanned({"main.tf": f'provider "aws" {{ region = "us-east-1" }}\n{text}'}, BOUNDS, SCALES)
    figures = {
        one.policy.id: [(part.resource, part.low, part.high) for part in one.exposure] for one in report.findings
    }
    config = "aws_sagemaker_endpoint_configuration.c"
    assert figures == {BOUNDS.id: [(config, 504.58, 672.77)], SCALES.id: [(config, 672.77, 672.77)]}


@pytest.mark.parametrize(
    ("call", "given", "wanted"),
    [
        ("deleteEndpoint", '"{}"', "fail"),
        ("deleteEndpoint", '"{\\"EndpointName\\": \\"serve\\"}"', "pass"),
        ("deleteEndpoint", "var.nowhere", "pass"),
        ("stopNotebookInstance", '"serve"', "fail"),
    ],
)
def test_a_schedule_that_deletes_the_endpoint(scanned: Scan, call: str, given: str, wanted: str) -> None:
    text = TERRAFORM.replace("RESOURCE", "null").replace("NAME", '"serve"').replace("POLICY", "null")
    target = f'arn = "arn:aws:scheduler:::aws-sdk:sagemaker:{call}"\n input = {given}'
    text += f'resource "aws_scheduler_schedule" "s" {{\n target {{\n {target}\n }}\n}}\n'
    assert verdict(scanned({"main.tf": text}, DELETED), "aws_sagemaker_endpoint_configuration.c") == wanted


def test_what_the_code_writes_in_another_shape_is_open(scanned: Scan) -> None:
    text = """\
Resources:
  C: {Type: AWS::SageMaker::EndpointConfig, Properties: {ProductionVariants: x}}
  E: {Type: AWS::SageMaker::Endpoint, Properties: {EndpointConfigName: !Ref C}}
"""
    report = scanned({"t.yaml": text}, SCALES, BOUNDS, DELETED, TWINS)
    assert report.findings == ()
    assert {one.policy.id for one in report.undecided} >= {SCALES.id, DELETED.id}
