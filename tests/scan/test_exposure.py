"""The money at stake: from the text of a template or configuration to figures, and to their sum."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlguard.cli.main import main
from mlguard.finding import Money, Part, Report, sum_of
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
POLICIES = {policy.id: policy for policy in bundled_policies()}
IDLE = POLICIES["notebook-without-lifecycle-config"]
ALLOWED = POLICIES["instance-type-not-allowed"]


def parts(report: Report, policy: str) -> list[tuple[str, float, float | None, str, str]]:
    found = [one for one in report.findings if one.policy.id == policy]
    return [(part.resource, part.low, part.high, part.per, part.how) for one in found for part in one.exposure]


def terraform(body: str, kind: str = "aws_sagemaker_notebook_instance", region: str = "us-east-1") -> dict[str, str]:
    provider = f'provider "aws" {{\n  region = "{region}"\n}}\n' if region else ""
    return {"main.tf": f'{provider}resource "{kind}" "x" {{\n{body}\n}}\n'}


def test_a_notebook_that_nobody_stops(scanned: Scan) -> None:
    report = scanned(terraform('instance_type = "ml.g5.xlarge"'), IDLE)
    assert parts(report, IDLE.id) == [
        ("aws_sagemaker_notebook_instance.x", 1028.13, 1028.13, "month", "ml.g5.xlarge, 730 h x $1.408 in us-east-1")
    ]
    assert report.findings[0].monthly == Money(1028.13, 1028.13)


def test_a_region_that_is_not_known_makes_a_range(scanned: Scan) -> None:
    report = scanned(terraform('instance_type = "ml.g5.xlarge"', region=""), IDLE)
    ((_, low, high, _, how),) = parts(report, IDLE.id)
    assert (low, high) == (1028.13, 1747.62)
    assert how == "ml.g5.xlarge, 730 h x $1.408 in us-east-1 to $2.394 in sa-east-1"


@pytest.mark.parametrize(
    "body",
    ["instance_type = var.nowhere", 'instance_type = "ml.nothing.large"'],
    ids=["decided at deployment", "no price"],
)
def test_what_cannot_be_known_has_no_figure(scanned: Scan, body: str) -> None:
    report = scanned(terraform(body), IDLE)
    assert [one.policy.id for one in report.findings] == [IDLE.id]
    assert report.findings[0].exposure == ()
    assert not report.findings[0].monthly.known


def test_every_value_of_a_closed_domain_is_in_the_range(scanned: Scan) -> None:
    text = """
variable "size" {
  default = "ml.t3.medium"
  validation {
    condition     = contains(["ml.t3.medium", "ml.g5.xlarge", "ml.p3.2xlarge"], var.size)
    error_message = "no"
  }
}
provider "aws" {
  region = "us-east-1"
}
resource "aws_sagemaker_notebook_instance" "x" {
  instance_type = var.size
}
"""
    report = scanned({"main.tf": text}, IDLE, ALLOWED)
    assert [(one.policy.id, one.when, one.monthly) for one in report.findings] == [
        (IDLE.id, "", Money(36.43, 2792.25)),
        (ALLOWED.id, "var.size = ml.g5.xlarge or ml.p3.2xlarge", Money(1028.13, 2792.25)),
    ]


def test_instances_of_an_endpoint_are_counted(scanned: Scan) -> None:
    text = """
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {ModelName: a, VariantName: a, InstanceType: ml.g5.12xlarge, InitialInstanceCount: 3}
        - {ModelName: b, VariantName: b, InstanceType: ml.m5.large, InitialInstanceCount: 1}
"""
    report = scanned({"t.yaml": text}, ALLOWED, region="us-east-1")
    assert parts(report, ALLOWED.id) == [
        ("Config", 15527.1, 15527.1, "month", "3 x ml.g5.12xlarge, 730 h x $7.09 in us-east-1")
    ]


def test_a_count_that_is_not_known_has_no_upper_end(scanned: Scan) -> None:
    text = """
Parameters:
  Count: {Type: Number}
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {ModelName: a, VariantName: a, InstanceType: ml.g5.12xlarge, InitialInstanceCount: !Ref Count}
"""
    report = scanned({"t.yaml": text}, ALLOWED, region="us-east-1")
    assert report.findings[0].exposure == ()  # it may be none, and it may be a hundred


def test_a_compute_environment_costs_between_its_least_and_most_vcpus(scanned: Scan) -> None:
    body = """
  type = "MANAGED"
  compute_resources {
    type          = "EC2"
    min_vcpus     = 8
    max_vcpus     = 96
    instance_type = ["p3.2xlarge", "p3.16xlarge"]
  }
"""
    report = scanned(terraform(body, "aws_batch_compute_environment"), POLICIES["training-without-spot"])
    ((_, low, high, _, how),) = parts(report, "training-without-spot")
    assert (low, high) == (0.0, round(0.9 * 730 * 24.48 * 2, 2))
    assert "up to 90% of" in how


def test_a_job_costs_by_the_run(scanned: Scan) -> None:
    definition = {
        "StartAt": "Train",
        "States": {
            "Train": {
                "Type": "Task",
                "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
                "Parameters": {
                    "ResourceConfig": {"InstanceType": "ml.p3.8xlarge", "InstanceCount": 2, "VolumeSizeInGB": 50},
                    "StoppingCondition": {"MaxRuntimeInSeconds": 7200},
                },
                "End": True,
            }
        },
    }
    template = {
        "Resources": {
            "Flow": {
                "Type": "AWS::StepFunctions::StateMachine",
                "Properties": {"DefinitionString": json.dumps(definition)},
            }
        }
    }
    report = scanned({"t.json": json.dumps(template)}, POLICIES["training-without-spot"], region="us-east-1")
    ((_, low, high, per, how),) = parts(report, "training-without-spot")
    assert (low, high, per) == (0.0, round(0.9 * 2 * 2 * 14.688, 2), "run")
    assert "2 x ml.p3.8xlarge, up to 2 h a run" in how
    assert not report.findings[0].monthly.known


def test_a_dear_region_costs_what_it_adds(scanned: Scan) -> None:
    report = scanned(terraform('instance_type = "ml.g5.12xlarge"', region="sa-east-1"), POLICIES["premium-region"])
    (finding,) = report.findings
    cheap, dear = 730 * 7.09, 730 * 12.0516
    assert finding.monthly.high == pytest.approx(dear - cheap, rel=0.01)


def test_a_script_that_stops_nothing_costs_what_its_notebooks_cost(scanned: Scan) -> None:
    text = """
Resources:
  Script:
    Type: AWS::SageMaker::NotebookInstanceLifecycleConfig
    Properties:
      OnStart: [{Content: !Base64 "mount /dev/sdh /data"}]
  One:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: ml.g5.xlarge
      RoleArn: r
      LifecycleConfigName: !GetAtt Script.NotebookInstanceLifecycleConfigName
  Other:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: ml.t3.medium, RoleArn: r, LifecycleConfigName: elsewhere}
"""
    report = scanned({"t.yaml": text}, POLICIES["notebook-script-does-not-stop-idle"], region="us-east-1")
    assert [part.resource for one in report.findings for part in one.exposure] == ["One"]


def test_what_several_policies_say_of_one_machine_is_added_up_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "main.tf").write_text(terraform('instance_type = "ml.p3.2xlarge"')["main.tf"])
    arguments = ["scan", "--no-progress", "--environment", "sandbox", "--fail-on", "never"]
    assert main([*arguments, "--format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert len(report["findings"]) > 2
    assert report["exposure"]["monthly_usd"] == {"low": 2792.25, "high": 2792.25}
    assert report["exposure"]["by_environment"] == {"sandbox": {"low": 2792.25, "high": 2792.25}}
    assert set(report["exposure"]["by_policy"]) >= {IDLE.id, ALLOWED.id, "ml-project-without-budget"}
    assert main([*arguments, "--fail-on-exposure", "2792"]) == 1
    assert main([*arguments, "--fail-on-exposure", "2793"]) == 0
    capsys.readouterr()


def test_findings_can_be_ordered_by_money(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    texts = [terraform(f'instance_type = "{kind}"')["main.tf"] for kind in ("ml.t3.medium", "ml.p4d.24xlarge")]
    (tmp_path / "main.tf").write_text(
        texts[0] + texts[1].rpartition("resource")[1] + texts[1].rpartition("resource")[2].replace('"x"', '"y"')
    )
    main(["scan", "--no-progress", "--select", IDLE.id, "--sort", "exposure"])
    lines = [line for line in capsys.readouterr().out.splitlines() if "at stake: $" in line]
    assert [line.partition("$")[2].split()[0] for line in lines[:2]] == ["18,433", "36.43"]


PARTS = st.builds(
    Part,
    project=st.sampled_from("ab"),
    environment=st.sampled_from("xy"),
    resource=st.sampled_from("rs"),
    name=st.sampled_from("mn"),
    low=st.integers(0, 50).map(float),
    high=st.none() | st.integers(50, 99).map(float),
    per=st.sampled_from(["month", "run"]),
    basis=st.just("list"),
    how=st.just(""),
)


@given(st.lists(PARTS), st.lists(PARTS))
def test_a_sum_counts_a_thing_once_and_never_shrinks(some: list[Part], more: list[Part]) -> None:
    assert sum_of([*some, *some]) == sum_of(some) == sum_of(reversed(some))
    before, after = sum_of(some), sum_of([*some, *more])
    assert after.low >= before.low
    assert after.high is None or (before.high is not None and after.high >= before.high >= before.low)
    assert sum_of(part for part in some if part.per == "run") == Money()
