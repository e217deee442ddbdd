"""What volumes cost: by the month, by the run of a job, and nothing where no volume is made."""

from __future__ import annotations

from collections.abc import Callable

from mlguard.finding import Part, Report
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
POLICIES = {policy.id: policy for policy in bundled_policies()}
TYPE = POLICIES["volume-type-overpriced"]
SIZE = POLICIES["volume-oversized"]
PREMIUM = POLICIES["premium-accelerator-in-nonproduction"]
JOB = """
provider "aws" {{ region = "us-east-1" }}
resource "aws_sagemaker_training_job" "x" {{
  resource_config {{
    instance_type     = "{0}"
    instance_count    = 2
    volume_size_in_gb = 1460
  }}
  stopping_condition {{ max_runtime_in_seconds = 36000 }}
}}
"""


def parts(report: Report) -> list[Part]:
    return [part for one in report.findings for part in one.exposure]


def test_a_finding_about_a_volume_is_about_its_price_alone(scanned: Scan) -> None:
    text = """
provider "aws" { region = "us-east-1" }
resource "aws_instance" "x" {
  instance_type = "g5.xlarge"
  root_block_device {
    volume_type = "gp3"
    volume_size = 100
  }
  ebs_block_device {
    volume_type = "gp2"
    volume_size = 1000
  }
}
"""
    (part,) = parts(scanned({"main.tf": text}, TYPE))
    assert (part.name, part.low, part.high, part.how) == ("volumes.1", 100, 100, "1000 GB x $0.1 a GB-month")


def test_the_volumes_of_a_job_are_paid_for_while_it_runs(scanned: Scan) -> None:
    (part,) = parts(scanned({"main.tf": JOB.format("ml.m5.xlarge")}, SIZE))
    assert (part.name, part.low, part.high, part.per) == ("volumes.0", 0, 5.6, "run")  # 10 of 730 hours
    assert part.how == "2 x 1460 GB x $0.14 a GB-month, up to 10 h a run"


def test_a_machine_with_disks_of_its_own_has_no_volume(scanned: Scan) -> None:
    report = scanned({"main.tf": JOB.format("ml.p4d.24xlarge")}, SIZE, PREMIUM)
    assert [one.policy.id for one in report.findings] == [PREMIUM.id]
    assert [part.name for part in parts(report)] == ["machines.0"]


def test_a_template_is_not_billed_for_its_volumes(scanned: Scan) -> None:
    text = """
resource "aws_launch_template" "x" {
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type = "gp2"
      volume_size = 1000
    }
  }
}
"""
    report = scanned({"main.tf": text}, TYPE)
    assert [one.policy.id for one in report.findings] == [TYPE.id]
    assert parts(report) == []


def test_that_the_price_of_provisioned_operations_is_left_out_is_told(scanned: Scan) -> None:
    text = """
provider "aws" { region = "us-east-1" }
resource "aws_ebs_volume" "x" {
  availability_zone = "us-east-1a"
  type              = "io1"
  size              = 100
  iops              = 5000
}
"""
    (part,) = parts(scanned({"main.tf": text}, TYPE))
    assert (part.low, part.high, part.how) == (12.5, 12.5, "100 GB x $0.125 a GB-month, without its provisioned IOPS")
