"""Configurations that multiply or turn in circles end with a clear problem or an unknown value, and hide nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
POLICIES = tuple(one for one in bundled_policies() if one.id in {"bucket-without-lifecycle", "premium-region"})
BUCKET = 'resource "aws_s3_bucket" "b" {}\n'
CANARY = {"canary/main.tf": BUCKET.replace('"b"', '"canary"')}


def rules(content: str) -> str:
    return f'resource "aws_s3_bucket_lifecycle_configuration" "l" {{\n  bucket = aws_s3_bucket.b.id\n{content}}}\n'


def dynamic(name: str, content: str) -> str:
    return f'dynamic "{name}" {{\n  for_each = range(1000)\n  content {{\n{content}}}\n}}\n'


def calls(count: int) -> dict[str, str]:
    """Give a tower of modules, each of which calls the next one twice."""
    call = 'module "{}" {{\n  source = "../m{}"\n}}\n'
    return {f"m{at}/main.tf": call.format("a", at + 1) + call.format("b", at + 1) + BUCKET for at in range(count)}


def module(name: str, source: str, more: str = "") -> str:
    return f'module "{name}" {{\n  source = "{source}"\n  {more}\n}}\n'


MANY = 'for_each = toset([for i in range(900) : "${i}"])'
CIRCLE = {"x/main.tf": module("m", "../y") + BUCKET, "y/main.tf": module("m", "../x")}


@pytest.mark.parametrize(
    ("files", "problem"),
    [
        ({**calls(30), "m30/main.tf": BUCKET}, "m0: more than 1,000 module instances in one project"),
        (
            {"x/main.tf": module("m", "acme/x/aws", MANY) + module("n", "acme/x/aws", MANY) + BUCKET},
            "x: more than 1,000 module instances in one project",
        ),
        (CIRCLE, "y/main.tf:1: the module calls itself"),
    ],
)
def test_modules_that_multiply_are_one_problem(scanned: Scan, files: dict[str, str], problem: str) -> None:
    report = scanned({**files, **CANARY}, *POLICIES)
    assert [str(one) for one in report.problems] == [problem]
    assert "aws_s3_bucket.canary" in {one.resource for one in report.findings}


ENABLED = 'status = "Enabled"\n'
EXPIRES = "rule {\n" + ENABLED + "expiration { days = 1 }\n}\n"
REGION = 'data "aws_region" "r" {}\nprovider "aws" {\n  region = data.aws_region.r.name\n}\n'
CIRCLES = {
    "dynamic blocks multiply": BUCKET
    + rules(dynamic("rule", dynamic("transition", dynamic("x", "y = 1\n")) + ENABLED)),
    "instances of each other": 'resource "aws_s3_bucket" "b" {\n  for_each = aws_s3_bucket.c\n}\n'
    'resource "aws_s3_bucket" "c" {\n  for_each = aws_s3_bucket.b\n}\n',
    "instances of itself": 'resource "aws_s3_bucket" "b" {\n  count = length(aws_s3_bucket.b)\n}\n',
    "many instances": f'resource "aws_s3_bucket" "b" {{\n  {MANY.replace("900", "1001")}\n}}\n',
    "the provider's region": REGION + 'resource "aws_instance" "b" {\n  instance_type = "p3.2xlarge"\n}\n',
    "modules that are not here": module("a", "cloudposse/s3-bucket/aws", "x = module.b.y")
    + module("b", "cloudposse/s3-bucket/aws", "x = module.a.y")
    + BUCKET
    + rules(EXPIRES).replace("aws_s3_bucket.b.id", "module.a.id"),
    "a chain of modules": BUCKET + "".join(module(f"m{i}", "./m", f"x = module.m{i + 1}.y") for i in range(50)),
}


@pytest.mark.parametrize("name", CIRCLES)
def test_what_turns_in_circles_or_multiplies_is_open_and_ends(scanned: Scan, name: str) -> None:
    below = {"x/m/main.tf": 'variable "x" {}\noutput "y" {\n  value = "${var.x}${var.x}"\n}\n'}
    report = scanned({"x/main.tf": CIRCLES[name], **below, **CANARY}, *POLICIES)
    assert not report.problems
    assert "aws_s3_bucket.canary" in {one.resource for one in report.findings}
    assert report.counts.checks == (3 if name == "instances of each other" else 2), "something is hidden"


def test_a_thousand_buckets_with_their_companions(scanned: Scan) -> None:
    text = 'resource "aws_s3_bucket" "b" {\n  for_each = toset([for i in range(1000) : "${i}"])\n}\n'
    text += rules(EXPIRES).replace("aws_s3_bucket.b.id", "each.value.id\n  for_each = aws_s3_bucket.b")
    report = scanned({"main.tf": text}, *POLICIES)
    assert (report.findings, report.undecided, report.counts.checks) == ((), (), 1000)


def test_each_item_of_a_list_is_told(scanned: Scan) -> None:
    text = (
        'provider "aws" {\n  region = "sa-east-1"\n}\nlocals {\n  types = ["p3.2xlarge", "g5.xlarge", "g5.xlarge"]\n}\n'
    )
    text += 'resource "aws_eks_node_group" "b" {\n  instance_types = local.types\n}\n'
    report = scanned({"main.tf": text}, *POLICIES)
    assert [one.message.partition(" ")[0] for one in report.findings] == ["p3.2xlarge", "g5.xlarge"]


def test_an_item_of_a_list_stands_where_the_list_is_used(scanned: Scan) -> None:
    files = {
        "main.tf": 'locals {\n  types = ["m5.large",\n    "p3.2xlarge"]\n}\nmodule "m" {\n  source = "./m"\n'
        "  types = local.types\n}\n",
        "m/main.tf": 'variable "types" {}\nprovider "aws" {\n  region = "sa-east-1"\n}\n'
        'resource "aws_batch_compute_environment" "b" {\n'
        "  compute_resources {\n    instance_type = var.types\n  }\n}\n",
    }
    (finding,) = [one for one in scanned(files, *POLICIES).findings if one.resource.startswith("module.")]
    assert (finding.at.path, finding.at.line) == ("m/main.tf", 7)
    assert [(one.what, one.span.path, one.span.line) for one in finding.related] == [
        ('argument "types" of module "m"', "main.tf", 7),
        ("local.types", "main.tf", 2),
        ("listed here", "main.tf", 3),
        ("called here", "main.tf", 5),
    ]
