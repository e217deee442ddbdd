"""Modules that are not here: what they may create is open, and only that."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy
from mlguard.vocabulary.load import bundled_vocabulary
from mlguard.vocabulary.model import registry_name

Scan = Callable[..., Report]


def policy(name: str) -> Policy:
    return next(one for one in bundled_policies() if one.id == name)


LIFECYCLE = policy("bucket-without-lifecycle")
BUDGET = policy("ml-project-without-budget")
BUCKET = 'resource "aws_s3_bucket" "this" {\n  bucket = "acme-runs"\n}\n'
ENDPOINT = 'resource "aws_sagemaker_endpoint" "e" {\n  endpoint_config_name = "x"\n}\n'


PERHAPS_BUDGET = 'variable "n" {}\nresource "aws_budgets_budget" "b" {\n  count = var.n\n  budget_type = "COST"\n}\n'


def module(source: str, arguments: str = "") -> str:
    return f'module "m" {{\n  source = "{source}"\n  {arguments}\n}}\n'


def verdict(report: Report) -> str:
    assert not report.problems
    return "fail" if report.findings else "unknown" if report.undecided else "pass"


@pytest.mark.parametrize(
    ("source", "arguments", "wanted"),
    [
        ("acme/lifecycle/aws", "bucket = aws_s3_bucket.this.id", "unknown"),
        ("acme/lifecycle/aws", "buckets = [aws_s3_bucket.this.id]", "unknown"),
        ("acme/lifecycle/aws", "settings = { target = { arn = aws_s3_bucket.this.arn } }", "unknown"),
        ("acme/lifecycle/aws", "bucket = aws_s3_bucket.this", "unknown"),
        ("acme/lifecycle/aws", 'rules_of = "${aws_s3_bucket.this.id}/runs"', "unknown"),
        ("acme/lifecycle/aws", 'bucket = "acme-runs"', "unknown"),
        ("acme/lifecycle/aws", "bucket_name = var.open", "unknown"),
        ("acme/lifecycle/aws", "vpc_id = var.open", "fail"),
        ("acme/lifecycle/aws", 'bucket = "acme-other"', "fail"),
        ("acme/lifecycle/aws", "", "fail"),
        ("acme/lifecycle/aws", "depends_on = [aws_s3_bucket.this]", "fail"),
        ("git::https://example.com/x.git//lifecycle?ref=v1", "bucket = aws_s3_bucket.this.id", "unknown"),
        ("terraform-aws-modules/s3-bucket/aws", "bucket = aws_s3_bucket.this.id", "unknown"),
        ("terraform-aws-modules/s3-bucket/aws//modules/notification", "bucket = aws_s3_bucket.this.id", "fail"),
        ("terraform-aws-modules/lambda/aws", "bucket = aws_s3_bucket.this.id", "fail"),
        ("github.com/terraform-aws-modules/terraform-aws-lambda", "bucket = aws_s3_bucket.this.id", "fail"),
    ],
)
def test_only_a_module_that_is_told_of_a_bucket_may_give_it_a_lifecycle(
    scanned: Scan, source: str, arguments: str, wanted: str
) -> None:
    report = scanned({"main.tf": 'variable "open" {}\n' + BUCKET + module(source, arguments)}, LIFECYCLE)
    assert verdict(report) == wanted
    for one in report.undecided:
        assert one.because.startswith(f'module "m" from {source}')
        assert "is not here: run `terraform init` in ." in one.because


def test_a_gap_below_a_local_module_speaks_of_what_that_module_is_given(scanned: Scan) -> None:
    files = {
        "main.tf": BUCKET + BUCKET.replace('"this"', '"other"').replace("runs", "logs")
        + 'module "wrapper" {\n  source = "./wrapper"\n  name   = aws_s3_bucket.this.id\n}\n',
        "wrapper/main.tf": 'variable "name" {}\n' + module("acme/lifecycle/aws", "name = var.name"),
    }  # fmt: skip
    report = scanned(files, LIFECYCLE)
    assert [one.resource for one in report.findings] == ["aws_s3_bucket.other"]
    assert [one.resource for one in report.undecided] == ["aws_s3_bucket.this"]


def test_a_call_that_makes_no_instance_hides_nothing(scanned: Scan) -> None:
    report = scanned(
        {"main.tf": BUCKET + module("acme/lifecycle/aws", "bucket = aws_s3_bucket.this.id\n  count = 0")}, LIFECYCLE
    )
    assert verdict(report) == "fail"


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("terraform-aws-modules/s3-bucket/aws", "fail"),  # what it puts out is its own bucket
        ("cloudposse/label/null", "unknown"),  # what it puts out may be any name
        ("acme/name/aws", "unknown"),
    ],
)
def test_what_a_module_that_is_not_here_puts_out(scanned: Scan, source: str, wanted: str) -> None:
    rules = (
        'resource "aws_s3_bucket_lifecycle_configuration" "l" {\n  bucket = module.m.s3_bucket_id\n'
        '  rule {\n    id = "x"\n    status = "Enabled"\n    expiration { days = 3 }\n  }\n}\n'
    )
    assert verdict(scanned({"main.tf": BUCKET + module(source) + rules}, LIFECYCLE)) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (ENDPOINT, "fail"),
        (ENDPOINT + module("terraform-aws-modules/vpc/aws"), "fail"),
        (ENDPOINT + module("cloudposse/label/null"), "fail"),
        (ENDPOINT + module("cloudposse/budgets/aws"), "unknown"),
        (ENDPOINT + module("acme/anything/aws"), "unknown"),
        (BUCKET + module("terraform-aws-modules/vpc/aws"), "pass"),
        (BUCKET + module("terraform-aws-modules/eks/aws"), "unknown"),
        (BUCKET + module("aws-ia/sagemaker-endpoint/aws"), "unknown"),
        (ENDPOINT + PERHAPS_BUDGET, "unknown"),
        ('variable "n" {}\n' + ENDPOINT.replace("{\n", "{\n  count = var.n\n"), "fail"),
    ],
)  # fmt: skip
def test_a_budget_is_open_only_where_something_hidden_decides(scanned: Scan, text: str, wanted: str) -> None:
    assert verdict(scanned({"main.tf": text}, BUDGET)) == wanted


def test_what_is_not_here_is_named_once_for_each_root(scanned: Scan) -> None:
    files = {
        "live/main.tf": BUCKET + module("acme/a/aws") + module("acme/b/aws").replace('"m"', '"n"')
        + module("terraform-aws-modules/kms/aws").replace('"m"', '"key"'),
        "other/main.tf": module("terraform-aws-modules/kms/aws"),
        "third/main.tf": module("acme/gpu/aws", 'instance_type = "p5.48xlarge"'),
        "fourth/main.tf": module("acme/dns/aws"),
    }  # fmt: skip
    several = (
        'live: modules are not here, so what they create is not checked: "m" (live/main.tf:4), "n" (live/main.tf:8)'
    )
    one = 'third: a module is not here, so what it creates is not checked: "m" (third/main.tf:1)'
    assert scanned(files, LIFECYCLE).notes == (f"{several}; see `terraform init`", f"{one}; see `terraform init`")


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("terraform-aws-modules/eks/aws", "terraform-aws-modules/eks/aws"),
        ("registry.terraform.io/terraform-aws-modules/eks/aws", "terraform-aws-modules/eks/aws"),
        ("terraform-aws-modules/eks/aws//modules/karpenter", "terraform-aws-modules/eks/aws//modules/karpenter"),
        ("github.com/terraform-aws-modules/terraform-aws-eks", "terraform-aws-modules/eks/aws"),
        (
            "git::https://github.com/terraform-aws-modules/terraform-aws-eks.git//modules/karpenter?ref=v20.1",
            "terraform-aws-modules/eks/aws//modules/karpenter",
        ),
        ("git@github.com:terraform-aws-modules/terraform-aws-s3-bucket.git", "terraform-aws-modules/s3-bucket/aws"),
        ("git::ssh://git@github.com/cloudposse/terraform-null-label.git?ref=0.25.0", "cloudposse/label/null"),
        ("./local", "./local"),
        ("", ""),
    ],
)
def test_every_source_of_a_public_module_is_one_name(source: str, name: str) -> None:
    assert registry_name(source) == name


def test_every_type_of_the_table_is_one_of_a_provider() -> None:
    for name, types in bundled_vocabulary().modules.items():
        assert name.count("/") >= 2, name
        assert all(one.startswith(("aws_", "awscc_")) for one in types), name
