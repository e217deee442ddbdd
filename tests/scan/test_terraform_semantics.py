"""What a Terraform configuration means: real text in, verdicts with places and origins out."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.parse.terraform import Variables
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
Make = Callable[..., Policy]


def notebook(value: str, more: str = "", name: str = "nb") -> str:
    """Give a notebook whose instance type is `value`."""
    return f'resource "aws_sagemaker_notebook_instance" "{name}" {{\n{more}  instance_type = {value}\n}}\n'


def verdict(report: Report) -> str:
    """Say how the one check ended."""
    assert not report.problems, [str(one) for one in report.problems]
    if report.findings:
        return "fail"
    return "unknown" if report.undecided else "pass" if report.counts.checks else "silent"


WORLD = """\
variable "open" {}
variable "dear" { default = "ml.p4d.24xlarge" }
variable "cheap" { default = "ml.t3.medium" }
variable "env" {
  default = "dev"
  validation {
    condition     = contains(["dev", "prod"], var.env)
    error_message = "x"
  }
}
variable "pair" {
  default = { type = "ml.p4d.24xlarge", list = ["ml.t3.medium", "ml.p4d.24xlarge"] }
}
variable "number" {
  type    = number
  default = "3"
}
locals {
  dear  = var.dear
  cheap = "ml.t${var.number}.medium"
  prod  = var.env == "prod"
  types = { dev = "ml.t3.medium", prod = "ml.p4d.24xlarge" }
  loop  = local.pool
  pool  = local.loop
}
"""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ('"ml.p4d.24xlarge"', "fail"),
        ('"ml.t3.medium"', "pass"),
        ("var.dear", "fail"),
        ("var.cheap", "pass"),
        ("var.open", "unknown"),
        ("var.nowhere", "unknown"),
        ("var.pair.type", "fail"),
        ('var.pair["list"][0]', "pass"),
        ("var.pair.list[9]", "unknown"),
        ("local.dear", "fail"),
        ("local.cheap", "pass"),
        ("local.loop", "unknown"),
        ("local.types.dev", "pass"),
        ("local.types[var.env]", "fail"),
        ('lookup(local.types, "x", "ml.t3.large")', "pass"),
        ('local.prod ? "ml.p4d.24xlarge" : "ml.t3.medium"', "fail"),
        ('local.prod ? "ml.t3.large" : "ml.t3.medium"', "pass"),
        ('var.open == "x" ? "ml.p4d.24xlarge" : "ml.t3.medium"', "unknown"),
        ('var.open == "x" ? "ml.t3.medium" : "ml.t3.medium"', "pass"),
        ('false && var.open == "x" ? "ml.p4d.24xlarge" : "ml.t3.medium"', "pass"),
        ('join(".", ["ml", "t3", "medium"])', "pass"),
        ('format("ml.%s.%dxlarge", "p4d", 24)', "fail"),
        ('"ml.${"t3"}.${lower("MEDIUM")}"', "pass"),
        ('"${var.dear}"', "fail"),
        ('"ml.t3.${var.open}"', "unknown"),
        ('"%{ if local.prod }ml.p4d.24xlarge%{ else }ml.t3.medium%{ endif }"', "fail"),
        ('"%{ for x in ["ml", ".t3.medium"] }${x}%{ endfor }"', "pass"),
        ('try(var.pair.none, "ml.t3.medium")', "pass"),
        ('can(var.pair.none) ? "ml.p4d.24xlarge" : "ml.t3.medium"', "pass"),
        ("coalesce(null, var.cheap)", "pass"),
        ('[for t in var.pair.list : t if t != "ml.t3.medium"][0]', "fail"),
        ('{for k, v in local.types : k => v}["prod"]', "fail"),
        ("var.pair.list[*][0]", "unknown"),
        ("element(var.pair.list, 3)", "fail"),
        ("merge(local.types, { dev = var.dear }).dev", "fail"),
        ("jsondecode(jsonencode(local.types)).dev", "pass"),
        ('replace("ml-t3-medium", "-", ".")', "pass"),
        ('replace("ml-t3-medium", "/-/", ".")', "pass"),
        ('regex("ml[.]t3[.][a-z]+", "x ml.t3.medium y")', "pass"),
        ("timestamp()", "unknown"),
        ("nosuchfunction(1)", "unknown"),
        ("data.aws_ssm_parameter.x.value", "unknown"),
        ("aws_s3_bucket.none.id", "unknown"),
        ("1 / 0", "unknown"),
        ('"ml.t${1 + 2}.medium"', "pass"),
        ('"ml.t${7 % 4}.medium"', "pass"),
        ('"ml.t${(9 - 3) / 2}.medium"', "pass"),
        ('"ml.t${-(-3)}.medium"', "pass"),
    ],
)
def test_the_value_of_an_expression(scanned: Scan, value: str, wanted: str) -> None:
    assert verdict(scanned({"main.tf": WORLD + notebook(value)})) == wanted


def test_a_finding_stands_at_the_attribute(scanned: Scan) -> None:
    head = '# 世界 /* not */\nresource "aws_sagemaker_notebook_instance" "nb" {\n'
    text = head + '  /* a */ instance_type = "ml.p4d.24xlarge" # b\n}\n'
    (finding,) = scanned({"main.tf": text}).findings
    assert finding.at.line == 3
    line = text.split("\n")[2]
    assert line[finding.at.column - 1 : finding.at.end_column - 1] == 'instance_type = "ml.p4d.24xlarge"'
    assert finding.resource == "aws_sagemaker_notebook_instance.nb"


def test_crlf_moves_no_place(scanned: Scan) -> None:
    text = notebook('"ml.p4d.24xlarge"').replace("\n", "\r\n")
    (finding,) = scanned({"main.tf": text}).findings
    assert (finding.at.line, finding.at.column, finding.at.end_column) == (2, 3, 36)


def test_origins_name_the_default_and_the_local(scanned: Scan) -> None:
    text = 'variable "size" {\n  default = "ml.p4d.24xlarge"\n}\nlocals {\n  size = var.size\n}\n' + notebook(
        "local.size"
    )
    (finding,) = scanned({"main.tf": text}).findings
    assert finding.at.line == 8
    assert {(one.what, one.span.line) for one in finding.related} == {
        ('default of variable "size"', 2),
        ("local.size", 5),
    }


_VARIABLE = 'variable "size" {\n  default = "ml.t3.medium"\n}\n' + notebook("var.size")
_VALUE = 'size = "ml.p4d.24xlarge"\n'


@pytest.mark.parametrize(
    ("files", "path"),
    [
        ({"terraform.tfvars": _VALUE}, "terraform.tfvars"),
        ({"terraform.tfvars": 'size = "ml.t3.large"\n', "a.auto.tfvars": _VALUE}, "a.auto.tfvars"),
        ({"a.auto.tfvars": 'size = "ml.t3.large"\n', "b.auto.tfvars": _VALUE}, "b.auto.tfvars"),
        ({"terraform.tfvars.json": '{"size": "ml.p4d.24xlarge"}'}, "terraform.tfvars.json"),
        ({"other.tfvars": _VALUE}, ""),
        ({"terraform.tfvars": _VALUE, "z.auto.tfvars": 'size = "ml.t3.large"\n'}, ""),
    ],
)
def test_values_of_variables_in_terraforms_order(scanned: Scan, files: dict[str, str], path: str) -> None:
    findings = scanned({"main.tf": _VARIABLE, **files}).findings
    assert [one.span.path for finding in findings for one in finding.related] == ([path] if path else [])


def test_the_command_line_wins_over_files(scanned: Scan) -> None:
    files = {"main.tf": _VARIABLE, "terraform.tfvars": _VALUE, "x.tfvars": 'size = "ml.t3.large"\n'}
    assert verdict(scanned(files)) == "fail"
    assert verdict(scanned(files, variables=Variables(("x.tfvars",)))) == "pass"
    assert verdict(scanned(files, variables=Variables(("x.tfvars",), values={"size": "ml.p3.2xlarge"}))) == "fail"


def test_a_closed_domain_is_explored_with_a_witness(scanned: Scan) -> None:
    (finding,) = scanned({"main.tf": WORLD + notebook("local.types[var.env]")}).findings
    assert finding.when == "var.env = prod"


@pytest.mark.parametrize(
    "condition",
    [
        'var.size == "ml.t3.medium" || var.size == "ml.p4d.24xlarge"',
        'contains(toset(["ml.t3.medium", "ml.p4d.24xlarge"]), var.size)',
        '(contains(["ml.t3.medium", "ml.p4d.24xlarge"], var.size)) && var.size != ""',
    ],
)
def test_the_forms_of_a_closed_domain(scanned: Scan, condition: str) -> None:
    text = f'variable "size" {{\n  validation {{\n    condition = {condition}\n    error_message = ""\n  }}\n}}\n'
    (finding,) = scanned({"main.tf": text + notebook("var.size")}).findings
    assert finding.when == "var.size = ml.p4d.24xlarge"


@pytest.mark.parametrize(
    ("meta", "wanted"),
    [
        ("count = 0", []),
        ("count = false ? 1 : 0", []),
        ("count = 2", ["[0]", "[1]"]),
        ("for_each = {}", []),
        ('for_each = toset(["b", "a"])', ['["a"]', '["b"]']),
        ('for_each = { x = "1" }', ['["x"]']),
        ("count = var.open", ["[?]"]),
        ("count = 1000000000", ["[?]"]),
        ("for_each = var.open", ["[?]"]),
        ("count = range(1000000000)[0]", ["[?]"]),
        ("count = pow(10, 300)", ["[?]"]),
        ("count = -1", []),
    ],
)
def test_instances(scanned: Scan, meta: str, wanted: list[str]) -> None:
    report = scanned({"main.tf": 'variable "open" {}\n' + notebook('"ml.p4d.24xlarge"', f"  {meta}\n")})
    assert not report.problems
    names = [one.resource for one in report.findings] or [one.resource for one in report.undecided]
    assert [name.removeprefix("aws_sagemaker_notebook_instance.nb") for name in names] in (wanted, wanted[:1])


def test_each_instance_has_its_own_value(scanned: Scan) -> None:
    text = notebook("each.value", '  for_each = { a = "ml.t3.medium", b = "ml.p4d.24xlarge" }\n')
    (finding,) = scanned({"main.tf": text}).findings
    assert finding.resource.endswith('["b"]')
    text = notebook('count.index == 0 ? "ml.t3.medium" : "ml.p4d.24xlarge"', "  count = 2\n")
    (finding,) = scanned({"main.tf": text}).findings
    assert finding.resource.endswith("[1]")


def test_a_count_of_a_closed_domain_depends_on_the_scenario(scanned: Scan) -> None:
    text = WORLD + notebook('"ml.p4d.24xlarge"', "  count = local.prod ? 1 : 0\n")
    (finding,) = scanned({"main.tf": text}).findings
    assert finding.resource.endswith("[0]")


DYNAMIC = """\
resource "aws_s3_bucket" "b" {
  dynamic "lifecycle_rule" {
    for_each = %s
    content {
      enabled = lifecycle_rule.value
    }
  }
}
"""


@pytest.mark.parametrize(
    ("collection", "wanted"), [("[true]", "pass"), ("[false]", "fail"), ("[]", "fail"), ("var.x", "unknown")]
)
def test_dynamic_blocks(scanned: Scan, make_policy: Make, collection: str, wanted: str) -> None:
    policy = make_policy(
        "applies_to: s3.bucket\nrequire: {all: [{lifecycle_rules: {exists: true}}, "
        "{lifecycle_rules: {some: {enabled: {equals: true}}}}]}\n"
    )
    text = 'variable "x" {}\n' + DYNAMIC % collection
    assert verdict(scanned({"main.tf": text}, policy)) == wanted


COMPANION = """\
resource "aws_s3_bucket" "a" { bucket = "first" }
resource "aws_s3_bucket" "b" { bucket = "second" }
resource "aws_s3_bucket_lifecycle_configuration" "c" {
  bucket = %s
  rule { status = "Enabled" }
}
variable "x" {}
"""


@pytest.mark.parametrize(
    ("value", "failing", "undecided"),
    [
        ("aws_s3_bucket.a.id", ["b"], []),
        ("aws_s3_bucket.b.bucket", ["a"], []),
        ('"first"', ["b"], []),
        ('"other"', ["a", "b"], []),
        ("var.x", [], ["a", "b"]),
        ('"fir${var.x}"', ["b"], ["a"]),
    ],
)
def test_companions_are_joined_in_three_values(
    scanned: Scan, make_policy: Make, value: str, failing: list[str], undecided: list[str]
) -> None:
    policy = make_policy("applies_to: s3.bucket\nrequire: {lifecycle_rules: {exists: true}}\n")
    report = scanned({"main.tf": COMPANION % value}, policy)
    assert [one.resource.rpartition(".")[2] for one in report.findings] == failing
    assert [one.resource.rpartition(".")[2] for one in report.undecided] == undecided


MODULE = {
    "main.tf": """\
module "team" {
  source   = "./team"
  for_each = { a = "ml.t3.medium", b = "ml.p4d.24xlarge" }
  size     = each.value
}
""",
    "team/main.tf": 'variable "size" {}\n' + notebook("var.size") + 'output "size" {\n  value = var.size\n}\n',
}


def test_a_module_is_judged_through_its_calls(scanned: Scan) -> None:
    report = scanned(MODULE)
    (finding,) = report.findings
    assert finding.resource == 'module.team["b"].aws_sagemaker_notebook_instance.nb'
    assert (finding.at.path, finding.at.line) == ("team/main.tf", 3)
    assert {(one.what, one.span.path, one.span.line) for one in finding.related} == {
        ('argument "size" of module "team"', "main.tf", 4),
        ("called here", "main.tf", 1),
    }
    assert report.counts.projects == 1


def test_an_output_of_a_module(scanned: Scan) -> None:
    files = {**MODULE, "main.tf": MODULE["main.tf"].replace("ml.p4d.24xlarge", "ml.t3.large")}
    files["main.tf"] += notebook('module.team["a"].size')
    assert verdict(scanned(files)) == "pass"


@pytest.mark.parametrize(
    "source", ["../../out", "/etc", "terraform-aws-modules/x/aws", "git::https://example.com/x.git", "./none"]
)
def test_a_module_elsewhere_is_a_gap_and_not_read(scanned: Scan, make_policy: Make, source: str) -> None:
    policy = make_policy("applies_to: project\nrequire: {resources: {some: {kind: {equals: budgets.budget}}}}\n")
    text = f'module "m" {{\n  source = "{source}"\n}}\n' + notebook('"ml.t3.medium"')
    assert verdict(scanned({"in/main.tf": text}, policy)) == "unknown"


def test_modules_that_call_each_other_are_still_checked(scanned: Scan) -> None:
    files = {
        "a/main.tf": 'module "b" {\n  source = "../b"\n}\n' + notebook('"ml.p4d.24xlarge"'),
        "b/main.tf": 'module "a" {\n  source = "../a"\n}\n',
    }
    assert {one.at.path for one in scanned(files).findings} == {"a/main.tf"}


def test_a_module_that_calls_itself_ends(scanned: Scan) -> None:
    text = 'module "m" {\n  source = "./"\n}\nmodule "n" {\n  source = "."\n}\n' + notebook('"ml.p4d.24xlarge"')
    assert len(scanned({"main.tf": text}).findings) == 1


PROVIDERS = """\
provider "aws" {
  region = "us-east-1"
  default_tags {
    tags = { Environment = "production" }
  }
}
provider "aws" {
  alias  = "far"
  region = var.far
}
variable "far" { default = "ap-southeast-2" }
"""


def test_the_region_and_the_tags_of_the_provider(scanned: Scan, make_policy: Make) -> None:
    region = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region: {in: [us-*]}}\n", "region")
    text = PROVIDERS + notebook('"ml.t3.medium"') + notebook('"ml.t3.medium"', "  provider = aws.far\n", "away")
    (finding,) = scanned({"main.tf": text}, region).findings
    assert finding.resource.endswith(".away")
    environment = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {environment: {equals: production}}\n", "environment"
    )
    (finding,) = scanned({"main.tf": text}, environment).findings
    assert finding.resource.endswith(".away")


def test_a_module_with_its_own_provider(scanned: Scan, make_policy: Make) -> None:
    region = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region: {in: [us-*]}}\n")
    call = PROVIDERS + 'module "m" {\n  source = "./m"\n  providers = {\n    aws = aws.far\n  }\n}\n'
    (finding,) = scanned({"main.tf": call, "m/main.tf": notebook('"ml.t3.medium"')}, region).findings
    assert finding.resource == "module.m.aws_sagemaker_notebook_instance.nb"


HEREDOC = """\
locals {
  text = <<%s
    cron ${"*"}
    resource "aws_sagemaker_notebook_instance" "fake" {
      instance_type = "ml.p4d.24xlarge"
    }
    ENDING
  END
}
"""


@pytest.mark.parametrize("marker", ["-END", "END"])
def test_a_resource_inside_of_a_heredoc_is_text(scanned: Scan, marker: str) -> None:
    report = scanned(
        {"main.tf": HEREDOC % marker + notebook('strcontains(local.text, "ENDING") ? "ml.p4d.24xlarge" : ""')}
    )
    (finding,) = report.findings
    assert finding.at.line == 11
    assert not report.problems


def test_a_script_of_a_file_is_read_inside_of_the_root_only(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {on_start: {some: {value: {equals: 'eA=='}}}}\n"
    )
    text = (
        notebook(
            '"ml.t3.medium"',
            "  lifecycle_config_name = aws_sagemaker_notebook_instance_lifecycle_configuration.l.name\n",
        )
        + 'resource "aws_sagemaker_notebook_instance_lifecycle_configuration" "l" {\n'
        '  name = "l"\n  on_start = base64encode(file("%s"))\n}\n'
    )
    files = {"s/start.sh": "x", "s/.keep": ""}
    for path, wanted in (
        ("start.sh", "pass"),
        ("./../s/start.sh", "pass"),
        ("${path.module}/start.sh", "pass"),
        ("none.sh", "unknown"),
        ("../../outside.sh", "unknown"),
        ("/etc/hostname", "unknown"),
    ):
        assert verdict(scanned({**files, "s/main.tf": text % path}, policy)) == wanted, path


@pytest.mark.parametrize(
    "broken",
    [
        'resource "aws_s3_bucket" "x" {\n  a = = 1\n}\n',
        'resource "aws_s3_bucket" "x" {\n  a = [1\n}\n',
        'resource "aws_s3_bucket" "x" {\n  a = "never closed\n}\n',
        'resource "aws_s3_bucket" "x" \n\n\n',
        "}\n",
        'resource "aws_s3_bucket" "x" {\n  a = <<EOT\n}\n',
        "!!!\n",
    ],
)
def test_a_broken_block_costs_only_itself(scanned: Scan, broken: str) -> None:
    good = notebook('"ml.p4d.24xlarge"')
    report = scanned({"main.tf": good + broken + notebook('"ml.p3.2xlarge"', name="behind")})
    assert {one.resource.rpartition(".")[2] for one in report.findings} == {"nb", "behind"}
    assert [one.path for one in report.problems] == ["main.tf"]
    assert 4 <= report.problems[0].line <= 6


def test_a_comment_that_never_ends_is_a_problem_of_its_file(scanned: Scan) -> None:
    files = {
        "main.tf": notebook('"ml.p4d.24xlarge"') + "/* never closed\n",
        "t.tf": notebook('"ml.p3.2xlarge"', name="t"),
    }
    report = scanned(files)
    assert len(report.findings) == 2
    assert [(one.path, one.line) for one in report.problems] == [("main.tf", 4)]


def test_an_override_file_wins(scanned: Scan) -> None:
    files = {"main.tf": notebook('"ml.t3.medium"'), "main_override.tf": notebook('"ml.p4d.24xlarge"')}
    (finding,) = scanned(files).findings
    assert finding.at.path == "main_override.tf"


def test_the_installed_modules_stay_inside(scanned: Scan) -> None:
    listed = (
        '{"Modules": [{"Key": "m", "Dir": "../../../etc"}, {"Key": "n", "Dir": ".terraform/modules/n"}, 3, {"Key": 1}]}'
    )
    files = {
        "main.tf": 'module "m" {\n  source = "x/y/z"\n}\nmodule "n" {\n  source = "x/y/n"\n}\n',
        ".terraform/modules/modules.json": listed,
        ".terraform/modules/n/main.tf": notebook('"ml.p4d.24xlarge"'),
    }
    (finding,) = scanned(files).findings
    assert finding.at.path == ".terraform/modules/n/main.tf"


def test_the_cloud_control_provider_is_read_as_cloudformation(scanned: Scan) -> None:
    text = 'resource "awscc_sagemaker_notebook_instance" "nb" {\n  instance_type = "ml.p4d.24xlarge"\n}\n'
    assert verdict(scanned({"main.tf": text})) == "fail"
