"""Fixes in Terraform: as `terraform fmt` writes, beside what they belong to, refused where the place is not certain."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

Mending = Callable[..., Any]
BUCKET = "bucket-without-lifecycle"
UPLOADS = "unfinished-uploads-kept"
LOGS = "log-group-without-retention"
STUDIO = "studio-without-idle-shutdown"
DATA = 'resource "aws_s3_bucket" "data" { # keep\n  bucket = "acme-ml-data"\n}\n'
COMPANION = """
resource "aws_s3_bucket_lifecycle_configuration" "data" {
  bucket = aws_s3_bucket.data.id

  rule {
    id     = "tier-everything"
    status = "Enabled"
    filter {}
    transition {
      days          = 0
      storage_class = "INTELLIGENT_TIERING"
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 7
    }
  }
}
"""


@pytest.mark.parametrize("rest", ["", "\n", "\n# more\n", '\nresource "aws_sns_topic" "t" {}\n'])
def test_a_companion_is_added_after_the_bucket(mending: Mending, rest: str) -> None:
    assert mending({"main.tf": DATA + rest}, BUCKET).text("main.tf") == DATA + COMPANION + rest


def test_a_blank_line_stands_before_what_followed_at_once(mending: Mending) -> None:
    topic = 'resource "aws_sns_topic" "t" {}\n'
    assert mending({"main.tf": DATA + topic}, BUCKET).text("main.tf") == f"{DATA}{COMPANION}\n{topic}"


def test_windows_line_ends_are_kept(mending: Mending) -> None:
    after = mending({"main.tf": DATA.replace("\n", "\r\n")}, BUCKET).text("main.tf")
    assert after == (DATA + COMPANION).replace("\n", "\r\n")


def test_a_rule_goes_into_the_companion_in_another_file(mending: Mending) -> None:
    rules = (
        'resource "aws_s3_bucket_lifecycle_configuration" "rules" {\n  bucket = aws_s3_bucket.data.bucket\n'
        '  rule {\n    id     = "expire" # runs\n    status = "Enabled"\n    filter {}\n'
        "    expiration { days = 90 }\n  }\n}\n"
    )
    outcome = mending({"main.tf": DATA, "rules.tf": rules}, UPLOADS)
    added = (
        '  rule {\n    id     = "abort-uploads"\n    status = "Enabled"\n    filter {}\n'
        "    abort_incomplete_multipart_upload {\n      days_after_initiation = 7\n    }\n  }\n"
    )
    assert outcome.made.texts == {"rules.tf": f"{rules[:-2]}{added}}}\n"}


def test_several_buckets_of_a_file_are_mended_at_once(mending: Mending) -> None:
    text = "\n".join(DATA.replace('"data"', f'"{name}"') for name in "abc")
    wanted = "\n".join((DATA + COMPANION).replace('"data"', f'"{n}"').replace(".data.", f".{n}.") for n in "abc")
    outcome = mending({"main.tf": text}, BUCKET)
    assert len(outcome.made.fixed) == 3
    assert outcome.text("main.tf") == wanted


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            '  name              = "/aws/sagemaker/x"\n  log_group_class   = "STANDARD"\n',
            '  name              = "/aws/sagemaker/x"\n  log_group_class   = "STANDARD"\n  retention_in_days = 30\n',
        ),
        ('  name = "/aws/sagemaker/x" # x\n', '  name = "/aws/sagemaker/x" # x\n\n  retention_in_days = 30\n'),
        (
            '  name = "/aws/sagemaker/x"\n  tags = {\n    a = "b"\n  }\n',
            '  name = "/aws/sagemaker/x"\n  tags = {\n    a = "b"\n  }\n\n  retention_in_days = 30\n',
        ),
        (
            "  name = <<-EOT\n    /aws/sagemaker/x\n  EOT\n",
            "  name = <<-EOT\n    /aws/sagemaker/x\n  EOT\n\n  retention_in_days = 30\n",
        ),
        (
            '  name = "/aws/sagemaker/x"\n  lifecycle {\n    prevent_destroy = true\n  }\n',
            '  name = "/aws/sagemaker/x"\n\n  retention_in_days = 30\n  lifecycle {\n    prevent_destroy = true\n  }\n',
        ),
        (
            '  name              = "/aws/sagemaker/x"\n  retention_in_days = 0 # for ever\n',
            '  name              = "/aws/sagemaker/x"\n  retention_in_days = 30 # for ever\n',
        ),
        (
            '  count = 2\n  name  = "/aws/sagemaker/x"\n',
            '  count = 2\n  name  = "/aws/sagemaker/x"\n\n  retention_in_days = 30\n',
        ),
    ],
)  # fmt: skip
def test_an_argument_is_written_as_the_formatter_would(mending: Mending, before: str, after: str) -> None:
    block = 'resource "aws_cloudwatch_log_group" "x" {{\n{}}}\n'
    assert mending({"main.tf": block.format(before)}, LOGS).text("main.tf") == block.format(after)


def test_a_block_on_one_line_is_spread(mending: Mending) -> None:
    text = 'resource "aws_cloudwatch_log_group" "x" { name = "/aws/sagemaker/x" } # logs\n'
    assert mending({"main.tf": text}, LOGS).text("main.tf") == (
        'resource "aws_cloudwatch_log_group" "x" {\n  name              = "/aws/sagemaker/x"\n'
        "  retention_in_days = 30\n} # logs\n"
    )


def test_nested_blocks_are_added_where_a_part_of_them_stands(mending: Mending) -> None:
    text = (
        'resource "aws_sagemaker_domain" "studio" {\n  domain_name = "ml"\n  auth_mode   = "IAM"\n'
        "  default_user_settings {\n    execution_role = aws_iam_role.ml.arn\n\n"
        "    jupyter_lab_app_settings {\n      app_lifecycle_management {\n        idle_settings {\n"
        '          lifecycle_management = "DISABLED" # for now\n        }\n      }\n    }\n  }\n}\n'
    )
    after = mending({"main.tf": text}, STUDIO).text("main.tf")
    assert '          lifecycle_management = "ENABLED" # for now\n' in after
    assert "\n\n    code_editor_app_settings {\n" in after
    assert after.count("idle_timeout_in_minutes") == 4  # the time and its upper bound, for two applications


@pytest.mark.parametrize(
    ("repeat", "fixed"), [("  count  = 2\n", False), ('  for_each = toset(["a"])\n', False), ("", True)]
)  # fmt: skip
def test_a_companion_of_a_repeated_bucket_is_not_guessed(mending: Mending, repeat: str, fixed: bool) -> None:  # noqa: FBT001
    outcome = mending({"main.tf": DATA.replace("{ # keep\n", f"{{\n{repeat}")}, BUCKET)
    assert bool(outcome.made.texts) is fixed
    assert fixed or "count or for_each makes several of it" in outcome.refusals[0]


DYNAMIC = (
    'variable "off" { default = ["Disabled"] }\n'
    'resource "aws_s3_bucket_lifecycle_configuration" "rules" {\n  bucket = aws_s3_bucket.data.id\n'
    '  dynamic "rule" {\n    for_each = var.off\n    content {\n      id     = "x"\n      status = rule.value\n'
    "      expiration { days = 1 }\n    }\n  }\n}\n"
)


def test_a_dynamic_block_is_left_alone(mending: Mending) -> None:
    outcome = mending({"main.tf": DATA + DYNAMIC}, BUCKET)
    assert outcome.before.findings
    assert not outcome.made.texts
    assert outcome.refusals == ["a dynamic block makes `rule`"]


@pytest.mark.parametrize(
    ("value", "more"),
    [
        ("var.days", 'variable "days" { default = 731 }\n'),
        ("local.days", "locals { days = 731 }\n"),
        ("true ? 731 : 7", ""),
    ],
)
def test_a_value_from_elsewhere_is_left_alone(mending: Mending, value: str, more: str) -> None:
    block = 'resource "aws_cloudwatch_log_group" "x" {{\n  name = "/aws/sagemaker/x"\n  retention_in_days = {}\n}}\n'
    text = more + block.format(value)
    outcome = mending({"main.tf": text}, LOGS)
    assert outcome.before.findings
    changed = outcome.made.texts.get("main.tf", text)
    assert changed in (text, text.replace("true ? 731", "true ? 30"))
    assert changed != text or outcome.refusals


def test_the_argument_of_a_module_call_is_left_alone(mending: Mending) -> None:
    module = (
        'variable "days" {}\nresource "aws_cloudwatch_log_group" "x" {\n  name = "/aws/sagemaker/x"\n'
        "  retention_in_days = var.days\n}\n"
    )
    files = {"main.tf": 'module "logs" {\n  source = "./logs"\n  days   = 731\n}\n', "logs/main.tf": module}
    outcome = mending(files, LOGS)
    assert outcome.before.findings
    assert not outcome.made.texts
    assert outcome.refusals


def test_a_module_that_is_called_twice_is_mended_once(mending: Mending) -> None:
    calls = 'module "a" { source = "./logs" }\nmodule "b" { source = "./logs" }\n'
    module = 'resource "aws_cloudwatch_log_group" "x" {\n  name              = "/aws/sagemaker/x"\n}\n'
    outcome = mending({"main.tf": calls, "logs/main.tf": module}, LOGS)
    assert outcome.made.texts == {"logs/main.tf": module.replace("}", "  retention_in_days = 30\n}")}


def test_what_only_one_call_of_a_module_wants_is_left_alone(mending: Mending) -> None:
    calls = 'module "a" {\n  source = "./logs"\n}\nmodule "b" {\n  source = "./logs"\n  days   = 7\n}\n'
    module = (
        'variable "days" { default = null }\nresource "aws_cloudwatch_log_group" "x" {\n'
        '  name              = "/aws/sagemaker/x"\n  retention_in_days = var.days\n}\n'
    )
    outcome = mending({"main.tf": calls, "logs/main.tf": module}, LOGS)
    assert outcome.before.findings
    assert not outcome.made.texts


def test_a_value_in_a_dynamic_block_is_left_alone(mending: Mending) -> None:
    text = (
        'resource "aws_sagemaker_user_profile" "ada" {\n  domain_id         = "d-a"\n  user_profile_name = "ada"\n'
        '  dynamic "user_settings" {\n    for_each = [1]\n    content {\n      jupyter_lab_app_settings {\n'
        "        app_lifecycle_management {\n          idle_settings {\n"
        '            lifecycle_management    = "ENABLED"\n            idle_timeout_in_minutes = 1440\n'
        "          }\n        }\n      }\n    }\n  }\n}\n"
    )
    outcome = mending({"main.tf": text}, "studio-idle-timeout-too-long")
    assert outcome.refusals == ["a dynamic block makes it"]
    assert not outcome.made.texts


def test_a_variable_gets_a_validation(mending: Mending) -> None:
    text = (
        'variable "kind" {\n  type    = string\n  default = "ml.t3.medium" # small\n}\n'
        'resource "aws_sagemaker_notebook_instance" "nb" {\n  name          = "nb"\n'
        '  role_arn      = "arn:aws:iam::123456789012:role/ml"\n  instance_type = var.kind\n}\n'
    )
    after = mending({"main.tf": text}, "instance-type-unconstrained").text("main.tf")
    assert '  default = "ml.t3.medium" # small\n\n  validation {\n    condition     = contains([' in after
    assert '"ml.m5.xlarge"], var.kind)\n    error_message = "The instance type' in after


def test_a_training_takes_its_own_output_for_checkpoints(mending: Mending) -> None:
    text = (
        'resource "aws_s3_bucket" "models" {}\nresource "aws_sagemaker_training_job" "train" {\n'
        '  training_job_name = "train"\n  resource_config {\n    instance_type     = "ml.g5.12xlarge"\n'
        "    instance_count    = 1\n    volume_size_in_gb = 100\n  }\n"
        '  output_data_config { s3_output_path = "s3://${aws_s3_bucket.models.id}/train/" }\n}\n'
    )
    after = mending({"main.tf": text}, "training-without-spot").text("main.tf")
    assert '    s3_uri = "s3://${aws_s3_bucket.models.id}/train/checkpoints"\n' in after
    assert "  enable_managed_spot_training = true\n" in after
    assert "    max_wait_time_in_seconds = 86400\n" in after
    without = text.replace("output_data_config", "input_data_config")
    outcome = mending({"main.tf": without}, "training-without-spot")
    assert not outcome.made.texts
    assert "beside which the rest would stand" in outcome.refusals[0]


def test_json_syntax_gets_a_companion_too(mending: Mending) -> None:
    content = {"resource": {"aws_s3_bucket": {"data": {"bucket": "acme-ml-data"}}}}
    after = mending({"main.tf.json": json.dumps(content, indent=2)}, BUCKET).text("main.tf.json")
    made = json.loads(after)["resource"]["aws_s3_bucket_lifecycle_configuration"]["data"]
    assert made["bucket"] == "${aws_s3_bucket.data.id}"
    assert made["rule"][0]["id"] == "tier-everything"
    assert json.dumps(json.loads(after), indent=2) == after


OBJECTS = """\
resource "awscc_s3_bucket" "data" {
  bucket_name = "acme-ml-data"

  lifecycle_configuration = {
    rules = [
      { status = "Enabled", prefix = "tmp/", expiration_in_days = 7 }, # short
    ]
  }
}
"""
ANOTHER = """\
      {
        id     = "everything-else"
        status = "Enabled"
        transitions = [{
          storage_class      = "INTELLIGENT_TIERING"
          transition_in_days = 0
        }]
      },
"""


def test_the_cloud_control_provider_takes_objects(mending: Mending) -> None:
    after = mending({"main.tf": OBJECTS}, "lifecycle-leaves-objects-out").text("main.tf")
    assert after == OBJECTS.replace("    ]\n", f"{ANOTHER}    ]\n")


def test_objects_on_one_line_stay_there(mending: Mending) -> None:
    rules = '[{ status = "Enabled", prefix = "tmp/", expiration_in_days = 7 }]'
    body = f'  lifecycle_configuration = {{ rules = {rules} }}\n  bucket_name = "ml"\n'
    text = f'resource "awscc_s3_bucket" "data" {{\n{body}}}\n'
    after = mending({"main.tf": text}, "lifecycle-leaves-objects-out").text("main.tf")
    added = '{ id = "everything-else", status = "Enabled", transitions = [{ storage_class = "INTELLIGENT_TIERING", '
    assert after == text.replace("7 }]", f"7 }}, {added}transition_in_days = 0 }}] }}]")


def test_an_old_bucket_with_inline_rules_gets_another(mending: Mending) -> None:
    text = (
        'resource "aws_s3_bucket" "data" {\n  bucket = "acme-ml-data"\n\n  lifecycle_rule {\n    enabled = false\n'
        "    expiration { days = 30 }\n  }\n}\n"
    )
    after = mending({"main.tf": text}, BUCKET).text("main.tf")
    assert after.startswith(text[:-2])
    assert '\n\n  lifecycle_rule {\n    id                                     = "tier-everything"\n' in after
    assert "aws_s3_bucket_lifecycle_configuration" not in after


def test_a_file_that_cannot_be_read_as_a_whole_is_left_alone(mending: Mending) -> None:
    outcome = mending({"main.tf": f"{DATA}\nresource {{\n"}, BUCKET)
    assert not outcome.made.texts
