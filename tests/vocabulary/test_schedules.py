"""Which schedule stops which instance, told from real text."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.policy.load import bundled_policies
from mlguard.scan import Options, scan
from mlguard.source import Root

POLICY = tuple(policy for policy in bundled_policies() if policy.id.startswith("accelerated-"))
GROUP = """\
resource "aws_autoscaling_group" "gpu" {
  name     = "workers"
  min_size = 2
  max_size = 4
  mixed_instances_policy {
    launch_template {
      override {
        instance_type = "g5.xlarge"
      }
    }
  }
}
"""
INSTANCES = """\
resource "aws_instance" "gpu" {
  count         = 2
  ami           = "ami-12345678"
  instance_type = "g5.xlarge"
  tags          = { Team = "vision" }
}
"""


def verdict(tmp_path: Path, text: str) -> str:
    """Say what the policy says of the instances: pass, fail, or why it cannot know."""
    (tmp_path / "main.tf").write_text(text, encoding="utf-8")
    report = scan(Options(Root(tmp_path), policies=POLICY))
    if report.findings:
        return "fail: " + report.findings[0].message
    return "unknown: " + report.undecided[0].because if report.undecided else "pass"


def schedule(target: str, given: str, more: str = "") -> str:
    return f"""\
resource "aws_scheduler_schedule" "evening" {{
  schedule_expression = "cron(0 19 ? * * *)"
  {more}
  flexible_time_window {{
    mode = "OFF"
  }}
  target {{
    arn      = {target}
    role_arn = "arn:aws:iam::123456789012:role/stop"
    input    = {given}
  }}
}}
"""


def rule_target(rule: str) -> str:
    return f"""\
resource "aws_cloudwatch_event_target" "stop" {{
  rule  = {rule}
  arn   = {SSM}
  input = jsonencode({{ InstanceId = aws_instance.gpu[*].id }})
}}
"""


TASK = """\
resource "aws_ssm_maintenance_window_task" "stop" {
  task_arn  = "AWS-StopEC2Instance"
  task_type = "AUTOMATION"
  window_id = "mw-1"
  targets {
    key    = "InstanceIds"
    values = aws_instance.gpu[*].id
  }
}
"""
ALARM = """\
resource "aws_cloudwatch_metric_alarm" "idle" {
  alarm_name      = "idle"
  actions_enabled = false
  alarm_actions   = ["arn:aws:automate:us-east-1:ec2:stop"]
  dimensions      = { InstanceId = aws_instance.gpu[0].id }
}
"""
ODD = "aws_cloudwatch_event_rule.odd.name"
STOP = '"arn:aws:scheduler:::aws-sdk:ec2:stopInstances"'
SSM = '"arn:aws:ssm:us-east-1:123456789012:automation-definition/AWS-StopEC2Instance"'
LAMBDA = '"arn:aws:lambda:us-east-1:123456789012:function:{}"'


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", "fail: "),
        (schedule(STOP, "jsonencode({ InstanceIds = aws_instance.gpu[*].id })"), "pass"),
        (schedule(STOP, "jsonencode({ InstanceIds = [for one in aws_instance.gpu : one.id] })"), "pass"),
        (schedule(STOP, 'jsonencode({ InstanceIds = ["i-0123456789abcdef0"] })'), "fail: "),
        (schedule(STOP, "jsonencode({ InstanceIds = [aws_instance.other.id] })"), "fail: "),
        (schedule(STOP, "var.given"), "unknown: aws_scheduler_schedule.evening may stop it"),
        (schedule(STOP, "jsonencode({ InstanceIds = [var.id] })"), "unknown: "),
        (schedule(STOP, "jsonencode({ InstanceIds = aws_instance.gpu[*].id })", "state = var.state"), "unknown: "),
        (schedule(STOP, "jsonencode({ InstanceIds = aws_instance.gpu[*].id })", 'state = "DISABLED"'), "fail: "),
        (schedule('"arn:aws:scheduler:::aws-sdk:rds:stopDBInstance"', "var.given"), "fail: "),
        (schedule(LAMBDA.format("stop-dev"), "jsonencode({})"), "unknown: "),
        (schedule(LAMBDA.format("stop-dev"), "jsonencode({ id = aws_instance.other.id })"), "fail: "),
        (schedule(LAMBDA.format("report"), "jsonencode({})"), "fail: "),
        (schedule(LAMBDA.format("stop-dev"), 'jsonencode({ filter = "tag:Team" })'), "unknown: "),
        (schedule(SSM, 'jsonencode({ Targets = [{ Key = "tag:Team", Values = ["vision"] }] })'), "pass"),
        (schedule(SSM, 'jsonencode({ Targets = [{ Key = "tag:Team", Values = ["sound"] }] })'), "unknown: "),
        (TASK, "pass"),
        (ALARM, "fail: "),
        (rule_target('"nightly"'), "unknown: "),
        ('resource "aws_cloudwatch_event_rule" "odd" {\n  event_pattern = "{}"\n}\n' + rule_target(ODD), "fail: "),
    ],
)
def test_what_stops_an_instance(tmp_path: Path, text: str, wanted: str) -> None:
    other = 'resource "aws_instance" "other" {\n  ami = "ami-1"\n  instance_type = "t3.small"\n}\n'
    declared = 'variable "given" {}\nvariable "id" {}\nvariable "state" {}\n'
    assert verdict(tmp_path, INSTANCES + other + declared + text).startswith(wanted)


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ('jsonencode({ AutoScalingGroupName = "workers", MinSize = 0, DesiredCapacity = 0 })', "pass"),
        ("jsonencode({ AutoScalingGroupName = aws_autoscaling_group.gpu.name, MinSize = 0 })", "pass"),
        ('jsonencode({ AutoScalingGroupName = "workers", MinSize = 6 })', "fail: "),
        ('jsonencode({ AutoScalingGroupName = "others", MinSize = 0 })', "fail: "),
        ("var.given", "unknown: "),
    ],
)
def test_what_empties_a_group(tmp_path: Path, given: str, wanted: str) -> None:
    call = '"arn:aws:scheduler:::aws-sdk:autoscaling:updateAutoScalingGroup"'
    text = GROUP + 'variable "given" {}\n' + schedule(call, given)
    assert verdict(tmp_path, text).startswith(wanted)
