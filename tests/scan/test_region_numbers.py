"""Which resources take machine learning into one more region, however many stand before them."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1", "sa-east-1")
RULE = "applies_to: sagemaker.notebook_instance\nrequire: {region_number: {exists: false}}\n"


def notebook(number: int, region: str, more: str = "") -> str:
    """Give a notebook with a region of its own."""
    head = f'resource "aws_sagemaker_notebook_instance" "n{number}" {{\n  instance_type = "ml.t3.medium"\n'
    return f'{head}  region = "{region}"\n{more}}}\n'


@pytest.fixture
def adding(make_policy: Callable[..., Policy]) -> Policy:
    """Give a policy that reports each resource that adds a region, and which number it is."""
    return make_policy(RULE, message="{resource} adds number {found}")


@pytest.mark.parametrize("count", [1, 2, 3, 99, 100, 101, 130, 257])
def test_the_first_of_each_region_adds_it(count: int, scanned: Scan, adding: Policy) -> None:
    drawn = random.Random(count)  # noqa: S311  (no secret)
    used = [drawn.choice(REGIONS[: 1 + number // 40]) for number in range(count)]
    bucket = 'resource "aws_s3_bucket" "b{}" {{\n}}\n'
    text = "".join(bucket.format(number) + notebook(number, region) for number, region in enumerate(used))
    wanted = {
        f"aws_sagemaker_notebook_instance.n{number} adds number {len(set(used[: number + 1]))}"
        for number, region in enumerate(used)
        if region not in used[:number]
    }
    assert {one.message for one in scanned({"main.tf": text}, adding).findings} == wanted


def test_what_may_be_left_out_counts_only_where_it_is_there(scanned: Scan, adding: Policy) -> None:
    text = 'variable "on" {\n  type = bool\n}\n' + notebook(0, REGIONS[1], "  count = var.on ? 1 : 0\n")
    text += notebook(1, REGIONS[2], "  count = 0\n")
    text += "".join(notebook(number, REGIONS[0]) for number in range(2, 140))
    text += notebook(140, REGIONS[1]) + notebook(141, REGIONS[2])
    found = {
        one.resource.removeprefix("aws_sagemaker_notebook_instance."): one
        for one in scanned({"main.tf": text}, adding).findings
    }
    assert found.keys() == {"n0[0]", "n2", "n140", "n141"}
    assert found["n140"].when
    assert not found["n141"].when
