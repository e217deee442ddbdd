"""Companions are joined however the bucket is named: by count, by key, through outputs, arguments and functions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
LIFECYCLE = next(one for one in bundled_policies() if one.id == "bucket-without-lifecycle")
RULE = '  rule {\n    id = "x"\n    status = "Enabled"\n    expiration { days = 30 }\n  }\n}\n'
HEAD = 'variable "open" {}\nvariable "create" { default = true }\n'
HEAD += "".join(f'resource "random_pet" "{name}" {{}}\n' for name in ("name", "one", "other"))


def pair(bucket: str, reference: str, companion: str = "") -> dict[str, str]:
    """Give a bucket with meta arguments, and a lifecycle configuration that names it."""
    text = f'resource "aws_s3_bucket" "this" {{\n  {bucket}\n}}\n'
    text += f'resource "aws_s3_bucket_lifecycle_configuration" "this" {{\n  {companion}\n  bucket = {reference}\n{RULE}'
    return {"main.tf": HEAD + text}


def verdicts(report: Report) -> dict[str, str]:
    assert not report.problems, [str(one) for one in report.problems]
    found = {one.resource: "unknown" for one in report.undecided}
    for one in report.findings:
        found |= dict.fromkeys((one.resource, *one.also), "fail")
    return {address.rsplit("aws_s3_bucket.this", 1)[-1]: verdict for address, verdict in found.items()}


ONE = "count = var.create ? 1 : 0"
KEYS = 'for_each = toset(["a", "b"])'


@pytest.mark.parametrize(
    ("bucket", "reference", "companion"),
    [
        ("", "aws_s3_bucket.this.id", ""),
        ("", "aws_s3_bucket.this.bucket", ""),
        ("", '"${aws_s3_bucket.this.id}"', ""),
        (ONE, "aws_s3_bucket.this[0].id", ONE),
        (ONE, "aws_s3_bucket.this.0.id", ""),
        (ONE, "one(aws_s3_bucket.this[*].id)", ""),
        (ONE, 'try(aws_s3_bucket.this[0].id, "")', ""),
        (ONE, 'element(concat(aws_s3_bucket.this.*.id, [""]), 0)', ""),
        (ONE, 'concat(aws_s3_bucket.this.*.id, [""])[0]', ""),
        (ONE, "coalesce(one(aws_s3_bucket.this[*].id), null)", ""),
        (ONE, "var.create ? aws_s3_bucket.this[0].id : var.open", ONE),
        ("count = 2", "aws_s3_bucket.this[count.index].id", "count = length(aws_s3_bucket.this)"),
        (KEYS, "aws_s3_bucket.this[each.key].id", KEYS),
        (KEYS, "each.value.id", "for_each = aws_s3_bucket.this"),
        (KEYS, "each.value", "for_each = { for name, bucket in aws_s3_bucket.this : name => bucket.id }"),
        (KEYS, "aws_s3_bucket.this[each.value].id", "for_each = toset(keys(aws_s3_bucket.this))"),
        (KEYS, "values(aws_s3_bucket.this)[count.index].id", "count = 2"),
        ("bucket = random_pet.name.id", "random_pet.name.id", ""),
    ],
)
def test_the_companion_is_found(scanned: Scan, bucket: str, reference: str, companion: str) -> None:
    report = scanned(pair(bucket, reference, companion), LIFECYCLE)
    assert verdicts(report) == {}
    assert report.counts.checks


SOME = "count = var.open > 3 ? 1 : 0"
OPEN = "for_each = var.open"


@pytest.mark.parametrize(
    ("bucket", "reference", "companion", "wanted"),
    [
        (SOME, "aws_s3_bucket.this[0].id", SOME, {}),
        (SOME, "aws_s3_bucket.this[0].id", "count = var.open  >  3 ? 1 : 0", {}),
        (OPEN, "aws_s3_bucket.this[each.key].id", OPEN, {}),
        ("count = var.open", "aws_s3_bucket.this[count.index].id", "count = var.open", {}),
        (SOME, "aws_s3_bucket.this[0].id", "count = var.open > 4 ? 1 : 0", {"[?]": "unknown"}),
        (OPEN, "aws_s3_bucket.this[var.create].id", OPEN, {"[?]": "unknown"}),
        ("count = var.open", "aws_s3_bucket.this[0].id", "count = var.open", {"[?]": "unknown"}),
        (OPEN, "aws_s3_bucket.this[each.key].id", "for_each = toset(var.open)", {"[?]": "unknown"}),
        (OPEN, "var.create", OPEN, {"[?]": "fail"}),
    ],
)
def test_instances_that_are_there_in_the_same_cases_go_together(
    scanned: Scan, bucket: str, reference: str, companion: str, wanted: dict[str, str]
) -> None:
    assert verdicts(scanned(pair(bucket, reference, companion), LIFECYCLE)) == wanted


def test_what_stands_in_one_module_is_there_in_the_same_cases(scanned: Scan) -> None:
    files = {"main.tf": HEAD + 'module "m" {\n  source = "./m"\n  count = var.open\n}\n'}
    files["m/main.tf"] = pair("", "aws_s3_bucket.this.id")["main.tf"]
    report = scanned(files, LIFECYCLE)
    assert verdicts(report) == {}
    assert report.counts.checks == 1


@pytest.mark.parametrize(
    ("bucket", "reference", "companion", "wanted"),
    [
        (KEYS, 'aws_s3_bucket.this["a"].id', "", {'["b"]': "fail"}),
        ("count = 2", "aws_s3_bucket.this[0].id", "", {"[1]": "fail"}),
        ("", "aws_s3_bucket.this.id", "count = var.open", {"": "unknown"}),
        ("", "aws_s3_bucket.this.id", "count = 0", {"": "fail"}),
        ("count = 2", "aws_s3_bucket.this[count.index].id", "count = var.open", {"[0]": "unknown", "[1]": "unknown"}),
        (KEYS, "aws_s3_bucket.this[var.open].id", "", {'["a"]': "unknown", '["b"]': "unknown"}),
        ("", "var.open ? aws_s3_bucket.this.id : var.create", "", {"": "unknown"}),
        ('bucket = "a-${var.open}"', '"a-${var.open}"', "", {}),
        ('bucket = "a-${var.open}"', '"b-${var.open}"', "", {"": "fail"}),
        ('bucket = "${var.open}-a"', '"${var.open}-b"', "", {"": "fail"}),
        ('bucket = "a-${random_pet.name.id}"', "random_pet.name.id", "", {"": "unknown"}),
        ("bucket = random_pet.one.id", "random_pet.other.id", "", {"": "fail"}),
    ],
)
def test_what_is_not_sure_is_not_joined(
    scanned: Scan, bucket: str, reference: str, companion: str, wanted: dict[str, str]
) -> None:
    assert verdicts(scanned(pair(bucket, reference, companion), LIFECYCLE)) == wanted


BUCKET = (
    'resource "aws_s3_bucket" "this" {\n  count = 1\n}\noutput "id" {\n  value = one(aws_s3_bucket.this[*].id)\n}\n'
)
BUCKET += 'output "all" {\n  value = { main = aws_s3_bucket.this[0] }\n}\n'
RULES = 'variable "bucket" {}\nresource "aws_s3_bucket_lifecycle_configuration" "l" {\n  bucket = var.bucket\n' + RULE


@pytest.mark.parametrize(
    ("made", "given", "companion"),
    [
        ("", "module.b.id", ""),
        ("", "module.b.all.main.id", ""),
        ("count = 1", "module.b[0].id", "count = 1"),
        ("count = 1", "one(module.b[*].id)", ""),
        (KEYS, "module.b[each.key].id", KEYS),
        (KEYS, "each.value.id", "for_each = module.b"),
    ],
)
def test_a_companion_in_another_module(scanned: Scan, made: str, given: str, companion: str) -> None:
    calls = f'module "b" {{\n  source = "./b"\n  {made}\n}}\n'
    calls += f'module "l" {{\n  source = "./l"\n  bucket = {given}\n  {companion}\n}}\n'
    report = scanned({"main.tf": calls, "b/main.tf": BUCKET, "l/main.tf": RULES}, LIFECYCLE)
    assert verdicts(report) == {}
    assert report.counts.checks == (2 if "toset" in made else 1)
