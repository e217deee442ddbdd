"""Terraform's JSON syntax is read like its other one; so is what CDK for Terraform writes in it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from mlguard.finding import Report
from mlguard.parse.terraform import Variables
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
Make = Callable[..., Policy]

MODULE = """\
{"resource": {"aws_instance": {"box": {
  "ami": "ami-12345678",
  "instance_type": "p4d.24xlarge"
}}}}
"""


def notebook(value: object, **more: object) -> str:
    """Give a configuration with a notebook of this instance type, one key to a line."""
    body = {"instance_type": value}
    return json.dumps({**more, "resource": {"aws_sagemaker_notebook_instance": {"nb": body}}}, indent=1)


def names(report: Report) -> list[tuple[str, int]]:
    assert not report.problems, [str(one) for one in report.problems]
    return [(one.message, one.at.line) for one in report.findings]


def test_a_json_configuration_is_judged_at_its_line(scanned: Scan) -> None:
    report = scanned({"main.tf.json": MODULE}, *bundled_policies())
    found = {(one.policy.id, one.at.line) for one in report.findings}
    assert ("premium-accelerator-in-nonproduction", 3) in found
    assert not report.problems


@pytest.mark.parametrize(
    "value",
    [
        "ml.p4d.24xlarge",
        "ml.p4d\\u002e24xlarge",
        '${lower(\\"ML.P4D.24XLARGE\\")}',
        '${true ? \\"ml.p4d.24xlarge\\" : \\"ml.t3.medium\\"}',
        '${jsondecode(\\"{\\\\\\"a\\\\\\": \\\\\\"ml.p4d.24xlarge\\\\\\"}\\").a}',
        'ml.${join(\\".\\", [\\"p4d\\",\\n \\"24xlarge\\"])}',
        '${replace(\\"ml/p4d.24xlarge\\", \\"\\/\\", \\".\\")}',
        "%{ if true }ml.p4d.24xlarge%{ else }ml.t3.medium%{ endif }",
        "${local.types[0].dear}",
    ],
)
def test_a_text_is_a_template_once_json_has_read_it(scanned: Scan, value: str) -> None:
    types = {"locals": {"types": [{"dear": "ml.p4d.24xlarge"}]}}
    text = notebook("VALUE", **types).replace("VALUE", value)
    assert names(scanned({"main.tf.json": text})) == [("aws_sagemaker_notebook_instance.nb has ml.p4d.24xlarge", 12)]


def test_what_is_escaped_for_terraform_stays_text(scanned: Scan, make_policy: Make) -> None:
    any_type = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {name: {in: [x]}}\n", "named")
    text = json.dumps({"resource": {"aws_sagemaker_notebook_instance": {"nb": {"name": '$${a}\n"%%{b}'}}}})
    assert [message for message, _ in names(scanned({"main.tf.json": text}, any_type))] == [
        'aws_sagemaker_notebook_instance.nb has ${a}\n"%{b}'
    ]


def test_the_place_of_a_part_counts_what_escapes_take(scanned: Scan) -> None:
    size = {"variable": {"size": {"default": "ml.p4d.24xlarge"}, "a": {}}}
    text = notebook('${var.a == "\u00e9" ? "ml.t3.medium" : "ml.t3.large"}', **size)
    report = scanned({"main.tf.json": text})
    assert not report.findings
    text = notebook('${var.a == "\u00e9" ? "ml.t3.medium" : var.size}', **size)
    report = scanned({"main.tf.json": text})
    assert report.undecided[0].because == 'var.a has no value, so `var.a == \\"\\u00e9\\"` is open'


def test_a_tfvars_file_holds_no_templates(scanned: Scan, make_policy: Make) -> None:
    named = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {name: {in: [x]}}\n", "named")
    files = {
        "main.tf.json": json.dumps(
            {
                "variable": {"n": {"type": "string", "default": "${d}"}},
                "resource": {"aws_sagemaker_notebook_instance": {"nb": {"name": "${var.n}"}}},
            }
        )
    }
    assert [one.message for one in scanned(files, named).findings] == ["aws_sagemaker_notebook_instance.nb has ${d}"]
    files["terraform.tfvars.json"] = '{"n": "${n}"}'
    assert [one.message for one in scanned(files, named).findings] == ["aws_sagemaker_notebook_instance.nb has ${n}"]


BUDGET: Mapping[str, Any] = {"name": "b", "budget_type": "COST", "limit_amount": "5", "time_unit": "MONTHLY"}


@pytest.mark.parametrize(
    "body",
    [
        {"notification": {"subscriber_email_addresses": ["a"]}},
        {"notification": [{"subscriber_email_addresses": ["a"]}]},
        {"dynamic": {"notification": {"for_each": "${[1]}", "content": {"subscriber_email_addresses": ["a"]}}}},
        {"dynamic": [{"notification": [{"for_each": [1], "content": [{"subscriber_email_addresses": ["a"]}]}]}]},
    ],
)
def test_a_nested_block_is_an_object_or_a_list_of_them(scanned: Scan, body: Mapping[str, Any]) -> None:
    budget = next(one for one in bundled_policies() if one.id == "budget-without-subscribers")
    text = json.dumps({"resource": {"aws_budgets_budget": {"b": {**BUDGET, **body}}}})
    report = scanned({"main.tf.json": text}, budget)
    assert (names(report), report.undecided, report.counts.checks) == ([], (), 1)


def test_blocks_can_be_generated_inside_of_blocks(scanned: Scan) -> None:
    lifecycle = next(one for one in bundled_policies() if one.id == "bucket-without-lifecycle")
    rule = {
        "id": "x",
        "status": "Enabled",
        "dynamic": {"expiration": {"for_each": "${[30]}", "content": {"days": "${expiration.value}"}}},
    }
    files = {
        "aws_s3_bucket": {"b": {"bucket": "training-data"}},
        "aws_s3_bucket_lifecycle_configuration": {"b": {"bucket": "${aws_s3_bucket.b.id}", "rule": [rule]}},
    }
    report = scanned({"main.tf.json": json.dumps({"resource": files})}, lifecycle)
    assert (names(report), report.undecided, report.counts.checks) == ([], (), 1)


def test_an_argument_named_type_is_no_type_constraint(scanned: Scan, make_policy: Make) -> None:
    typed = make_policy("applies_to: terraform:aws_ebs_volume\nrequire: {type: {in: [gp3]}}\n", "typed")
    report = scanned({"main.tf.json": '{"resource": {"aws_ebs_volume": {"v": {"type": "gp2"}}}}'}, typed)
    assert [one.message for one in report.findings] == ["aws_ebs_volume.v has gp2"]


def test_a_provider_is_chosen_by_its_alias(scanned: Scan, make_policy: Make) -> None:
    here = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region: {in: [us-east-1]}}\n", "here")
    providers = {"aws": [{"region": "us-east-1"}, {"alias": "far", "region": "sa-east-1"}]}
    body = {"provider": "aws.far", "instance_type": "ml.t3.medium"}
    text = {"provider": providers, "resource": {"aws_sagemaker_notebook_instance": {"nb": body}}}
    assert [message for message, _ in names(scanned({"main.tf.json": json.dumps(text)}, here))] == [
        "aws_sagemaker_notebook_instance.nb has sa-east-1"
    ]


STACK: dict[str, Any] = {
    "//": {"metadata": {"backend": "local", "stackName": "ml-prod", "version": "0.21.0"}},
    "provider": {"aws": [{"region": "us-east-1"}]},
    "variable": {"size": {"type": "string", "default": "ml.p4d.24xlarge"}},
    "resource": {
        "aws_sagemaker_notebook_instance": {
            "bench_notebook_F17C3C7E": {
                "//": {"metadata": {"path": "ml-prod/bench/notebook", "uniqueId": "bench_notebook_F17C3C7E"}},
                "instance_type": "${var.size}",
            }
        }
    },
}


def test_the_construct_of_a_synthesized_resource_is_told(scanned: Scan) -> None:
    text = json.dumps(STACK, indent=2)
    report = scanned({"cdktf.out/stacks/ml-prod/cdk.tf.json": text}, *bundled_policies())
    found = {one.policy.id: one for one in report.findings}["instance-type-not-allowed"]
    assert found.construct == "ml-prod/bench/notebook"
    assert found.environment == "production"  # the folder of a stack bears its name
    assert text.split("\n")[found.at.line - 1].strip() == '"instance_type": "${var.size}"'


def test_a_trace_leads_to_the_program(scanned: Scan) -> None:
    stack = json.loads(json.dumps(STACK))
    resource = stack["resource"]["aws_sagemaker_notebook_instance"]["bench_notebook_F17C3C7E"]
    resource["//"]["metadata"]["stackTrace"] = [
        "new TerraformElement (/home/dev/app/node_modules/cdktf/lib/terraform-element.js:18:9)",
        "new Bench (/home/dev/app/main.ts:3:5)",
        "Object.<anonymous> (/home/dev/app/main.ts:5:1)",
        "outside (/etc/passwd:1:1)",
    ]
    files = {"main.ts": "//\n" * 6, "cdktf.out/stacks/ml-prod/cdk.tf.json": json.dumps(stack, indent=2)}
    report = scanned(files)
    found = report.findings[0]
    assert (found.at.path, found.at.line) == ("main.ts", 3)
    assert {(one.span.path.rpartition("/")[2], one.what) for one in found.related} >= {
        ("cdk.tf.json", "synthesized here"),
        ("main.ts", "constructed here"),
    }
    assert "main.ts" in report.documents


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"resource": 1}', "main.tf.json:1:14: a JSON object was expected"),
        ('{"resource": {"aws_instance": {"a": {}, "a": {}}}}', "given twice"),
        ('{"locals": {"a": "${1 +}"}}', "main.tf.json:1:18: not valid Terraform"),
        ('{"locals": {"a": "${"}}', "main.tf.json:1:18"),
        ("[1", "main.tf.json:1"),
        ('{"a": ' + "[" * 100_000, "nested deeper than"),
    ],
)
def test_what_is_wrong_has_its_place(scanned: Scan, text: str, said: str) -> None:
    report = scanned({"main.tf.json": text})
    assert len(report.problems) == 1
    assert said in str(report.problems[0])


def test_a_variable_given_on_the_command_line_is_used(scanned: Scan) -> None:
    text = notebook("${var.size}", variable={"size": {"type": "string"}})
    assert names(scanned({"main.tf.json": text}, variables=Variables(values={"size": "ml.t3.large"}))) == []
