"""The money at stake in provisioned throughput: model units by the hour."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.load import bundled_policies

Scan = Callable[..., Report]
APPROVAL = next(one for one in bundled_policies() if one.id == "provisioned-throughput-without-approval")
LLAMA = '"arn:aws:bedrock:us-west-2::foundation-model/meta.llama3-1-8b-instruct-v1:0:128k"'
CUSTOM = f"""resource "aws_bedrock_custom_model" "ft" {{
  custom_model_name     = "ft"
  base_model_identifier = {LLAMA}
}}
"""


def parts(report: Report) -> list[tuple[float, float | None, str]]:
    return [(part.low, part.high, part.how) for one in report.findings for part in one.exposure]


def throughput(model: str, units: str = "2", commitment: str = "", more: str = "") -> dict[str, str]:
    term = f"commitment_duration = {commitment}\n" if commitment else ""
    body = f'provisioned_model_name = "x"\nmodel_arn = {model}\nmodel_units = {units}\n{term}'
    provider = 'provider "aws" {\n  region = "us-west-2"\n}\n'
    return {"main.tf": f'{provider}{more}resource "aws_bedrock_provisioned_model_throughput" "x" {{\n{body}}}\n'}


@pytest.mark.parametrize(
    ("files", "low", "high", "rate"),
    [
        (throughput(LLAMA), 35040, 35040, "$24"),
        (throughput(LLAMA, commitment='"SixMonths"'), 19096.8, 19096.8, "$13.08"),
        (throughput(LLAMA, commitment="var.term", more='variable "term" {}\n'), 19096.8, 35040, "$13.08 to $24"),
        (throughput(LLAMA, units="var.units", more='variable "units" {}\n'), 17520, None, "$24"),
        (throughput("aws_bedrock_custom_model.ft.custom_model_arn", more=CUSTOM), 35040, 35040, "$24"),
    ],
    ids=["list", "commitment", "any commitment", "any number", "custom model"],
)
def test_a_model_unit_is_billed_for_every_hour(
    scanned: Scan, files: dict[str, str], low: float, high: float | None, rate: str
) -> None:
    ((least, most, how),) = parts(scanned(files, APPROVAL))
    assert (least, most) == (low, high)
    assert how.endswith(f"model unit of meta.llama3-1-8b-instruct-v1:0:128k, 730 h x {rate}")


@pytest.mark.parametrize(
    "model",
    ['"arn:aws:bedrock:us-east-1::foundation-model/anthropic.claude-3-5-sonnet-20240620-v1:0"', "var.model"],
    ids=["no price", "not known"],
)
def test_what_cannot_be_known_has_no_figure(scanned: Scan, model: str) -> None:
    report = scanned(throughput(model, more='variable "model" {}\n'), APPROVAL)
    assert len(report.findings) == 1
    assert parts(report) == []
