"""A policy about what runs takes a parameter at its default; one about what may be chosen takes all of its list."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pytest

from mlguard.errors import PolicyError
from mlguard.finding import Report
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
MakePolicy = Callable[..., Policy]
_SMALL = "require: {machines: {every: {type: {in: [ml.t3.*]}}}}\n"
_ANY = "applies_to: '*'\nwhen: {machines: {exists: true}}\n"

_NOTEBOOK = """\
    Type: AWS::SageMaker::NotebookInstance
    Properties: {RoleArn: r, InstanceType: %s}
"""
_SIZE = "{Type: String, Default: ml.t3.medium, AllowedValues: [ml.t3.medium, ml.p3.2xlarge]}"
_VALIDATED = """\
variable "size" {
  type    = string
  %s
  validation {
    condition     = contains(["ml.t3.medium", "ml.p3.2xlarge"], var.size)
    error_message = "Choose one of the two."
  }
}
resource "aws_sagemaker_notebook_instance" "nb" {
  name          = "nb"
  role_arn      = "arn:aws:iam::123456789012:role/ml"
  instance_type = %s
}
"""


def template(parameters: str, value: str, more: str = "") -> dict[str, str]:
    """Give a template with a notebook of this type."""
    text = f"Parameters:\n  {parameters}\n{more}Resources:\n  Notebook:\n{_NOTEBOOK % value}"
    return {"template.yaml": text}


def configuration(default: str, value: str = "var.size", more: str = "") -> dict[str, str]:
    """Give a configuration with a notebook of this type."""
    return {"main.tf": _VALIDATED % (default, value) + more}


_ENV = "Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}"
_PROD = "Conditions:\n  IsProd: !Equals [!Ref Env, prod]\n"
_LARGE = "Size = ml.p3.2xlarge"
_LARGE_VARIABLE = "var.size = ml.p3.2xlarge"

CASES: list[tuple[str, Mapping[str, str], list[str], list[str]]] = [
    ("a default", template(f"Size: {_SIZE}", "!Ref Size"), [], [_LARGE]),
    (
        "no default",
        template("Size: {Type: String, AllowedValues: [ml.t3.medium, ml.p3.2xlarge]}", "!Ref Size"),
        [_LARGE],
        [_LARGE],
    ),
    (
        "a default that fails",
        template(
            "Size: {Type: String, Default: ml.p3.2xlarge, AllowedValues: [ml.t3.medium, ml.p3.2xlarge]}", "!Ref Size"
        ),
        [""],
        [_LARGE],
    ),
    (
        "a default that the list does not have",
        template(
            "Size: {Type: String, Default: ml.m5.large, AllowedValues: [ml.t3.medium, ml.p3.2xlarge]}", "!Ref Size"
        ),
        [_LARGE],
        [_LARGE],
    ),
    (
        "what the template itself chooses",
        template(_ENV, "!If [IsProd, ml.p3.2xlarge, ml.t3.medium]", _PROD),
        ["Env = prod"],
        ["Env = prod"],
    ),
    (
        "both",
        template(f"Size: {_SIZE}\n  {_ENV}", "!If [IsProd, ml.p3.2xlarge, !Ref Size]", _PROD),
        ["Env = prod"],
        ["Env = prod", f"Env = dev and {_LARGE}"],
    ),
    (
        "a part of the type",
        template(
            "Size: {Type: String, Default: t3.medium, AllowedValues: [t3.medium, p3.2xlarge]}", "!Sub 'ml.${Size}'"
        ),
        [],
        ["Size = p3.2xlarge"],
    ),
    ("a variable", configuration('default = "ml.t3.medium"'), [], [_LARGE_VARIABLE]),
    ("a variable without a default", configuration(""), [_LARGE_VARIABLE], [_LARGE_VARIABLE]),
    (
        "a local",
        configuration('default = "ml.t3.medium"', "local.size", "locals {\n  size = var.size\n}\n"),
        [],
        [_LARGE_VARIABLE],
    ),
    (
        "what the configuration itself chooses",
        configuration('default = "ml.t3.medium"', 'var.size == "ml.p3.2xlarge" ? "ml.p3.8xlarge" : "ml.t3.large"'),
        [_LARGE_VARIABLE],
        [_LARGE_VARIABLE],
    ),
]


@pytest.mark.parametrize(
    ("files", "by_default", "by_domain"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_a_value_that_may_be_chosen(
    scanned: Scan, make_policy: MakePolicy, files: Mapping[str, str], by_default: list[str], by_domain: list[str]
) -> None:
    for word, wanted in (("default", by_default), ("domain", by_domain)):
        report = scanned(files, make_policy(f"{_ANY}judged_by: {word}\n{_SMALL}"))
        assert [finding.when for finding in report.findings] == wanted, word
        assert not report.undecided


def test_the_word_is_one_of_two(make_policy: MakePolicy) -> None:
    with pytest.raises(PolicyError, match='"judged_by" is one of default, domain'):
        make_policy(f"{_ANY}judged_by: range\n{_SMALL}")
