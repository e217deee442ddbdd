"""Expressions and their values. Expected values were recorded from `terraform console` 1.11.4."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.parse.terraform import load
from mlguard.parse.terraform.values import plain
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle

BEFORE = """
variable "env" { default = "dev" }
variable "none" {}
variable "sizes" { default = { dev = "ml.t3.medium", prod = "ml.p4d.24xlarge" } }
variable "nodes" { default = [{ name = "a", n = 2 }, { name = "b", n = 0 }, { name = "c", n = 5 }] }
locals {
  active = { for x in var.nodes : upper(x.name) => x.n * 2 if x.n > 0 }
  loop   = local.back
  back   = local.loop
}
resource "aws_s3_bucket" "a" {}
resource "aws_s3_bucket" "many" { count = 2 }
resource "aws_s3_bucket" "each" { for_each = toset(["x", "y"]) }
"""


def value(folder: Path, expression: str) -> Node:
    (folder / "main.tf").write_text(BEFORE + f'resource "aws_x" "y" {{\n  a = {expression}\n}}\n', encoding="utf-8")
    (project,) = load(Root(folder), [""], lambda kind: kind == "aws_x")
    assert project.problems == ()
    body = settle(project.resources[0].body, Scenario()).content
    assert isinstance(body, Entries)
    return settle(body.nodes["a"], Scenario())


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ('var.env == "prod" ? 500 : 5', 5),
        ('lookup(var.sizes, var.env, "x")', "ml.t3.medium"),
        ("local.active", {"A": 4, "C": 10}),
        ("{for x in var.nodes : x.n => x.name... if x.n > 0}", {"2": ["a"], "5": ["c"]}),
        ("var.nodes[*].name", ["a", "b", "c"]),
        ("var.nodes.*.name[1]", "b"),
        ('try(var.sizes.nope, "dflt")', "dflt"),
        ("can(var.sizes.nope)", False),
        ('format("%s-%03d", "a", 7)', "a-007"),
        ("1 - 2 - 3", -4),
        ("2 + 3 * 4 % 3", 2),
        ('!true || 3 > 2 && "a" == "a"', True),
        ("false ? 1 : true ? 2 : 3", 2),
        ('"a$${b} \\u00e9 ${1+1}%"', "a${b} é 2%"),
        ('element(["a","b"], 3)', "b"),
        ('coalesce(null, "", "z")', "z"),
        ('jsonencode({a=[1,true,null], b="x<y", c=1.5})', '{"a":[1,true,null],"b":"x\\u003cy","c":1.5}'),
        ("flatten([[1],[2,[3]]])", [1, 2, 3]),
        ('toset(["b","a","b"])', ["a", "b"]),
        ('replace("hello world", "/w(.*)d/", "<$1>")', "hello <orl>"),
        ('1 == "1"', False),
        ('cidrsubnet("10.0.0.0/16", 8, 2)', "10.0.2.0/24"),
        ('cidrsubnets("10.1.0.0/16", 4, 4, 8)', ["10.1.0.0/20", "10.1.16.0/20", "10.1.32.0/24"]),
        ('base64decode(base64encode("hi"))', "hi"),
        ('regex("^(?P<family>[a-z]+[0-9]+)\\\\.", "p4d.24xlarge p4.x")["family"]', "the regular expression"),
        ("range(4, 1)", [4, 3, 2]),
        ("0.1 + 0.2", 0.3),
        ("-5 % 3", -2),
        ("5 / 2", 2.5),
        ('"%{ if var.env == "dev" }a%{ else }b%{ endif }"', "a"),
        ('"%{ for x in [1,2] }${x},%{ endfor }"', "1,2,"),
        ('"x ${~ "y" ~} z"', "xyz"),
        ('yamldecode("a: 1\\nb: [x]")', {"a": 1, "b": ["x"]}),
        ("merge([{a=1},{b=2}]...)", {"a": 1, "b": 2}),
        ('join("-", ["a", 1, true])', "a-1-true"),
        ("length(aws_s3_bucket.many)", 2),
        ("keys(aws_s3_bucket.each)", ["x", "y"]),
        ('try(aws_s3_bucket.many[7].id, "gone")', "gone"),
    ],
)
def test_known_values(tmp_path: Path, expression: str, expected: object) -> None:
    node = value(tmp_path, expression)
    if isinstance(node.content, Unknown):
        assert str(expected) in node.content.because
    else:
        assert plain(node) == expected


def test_heredocs_are_templates(tmp_path: Path) -> None:
    text = """<<-EOT
    a ${var.env}
      %{ for n in var.nodes ~}
      ${n.name}=${n.n}
      %{ endfor ~}
    %{ if var.env == "dev" }yes%{ else }no%{ endif }
    $${x} %%{y}
  EOT"""
    expected = "a dev\n        a=2\n        b=0\n        c=5\n      yes\n${x} %{y}\n"
    assert value(tmp_path, text).content == expected


@pytest.mark.parametrize(
    ("expression", "content"),
    [
        ("var.none", Unknown("var.none has no value")),
        ('"s3://${aws_s3_bucket.a.id}/x"', None),
        ("aws_s3_bucket.a.id", Reference("aws_s3_bucket.a", "id")),
        ("aws_s3_bucket.many[1].arn", Reference("aws_s3_bucket.many[1]", "arn")),
        ('aws_s3_bucket.each["x"].arn', Reference('aws_s3_bucket.each["x"]', "arn")),
        ("one([aws_s3_bucket.a.id])", Reference("aws_s3_bucket.a", "id")),
        ('"${aws_s3_bucket.a.id}"', Reference("aws_s3_bucket.a", "id")),
        ("var.none && false", False),
        ("var.none || true", True),
        ('var.none == "x" ? 5 : 5', 5),
        ("timestamp()", Unknown("timestamp() is only known at deployment")),
        ("data.aws_ami.x.id", Unknown("data.aws_ami.x is read at deployment")),
        ("terraform.workspace", Unknown("terraform.workspace is chosen at deployment")),
        ("local.loop", Unknown("local.loop refers to itself")),
        ('contains(["a", var.none], "a")', True),
    ],
)
def test_what_is_unknown_and_what_is_not(tmp_path: Path, expression: str, content: object) -> None:
    found = value(tmp_path, expression).content
    if content is not None:
        assert found == content
    else:
        assert isinstance(found, Unknown)
        assert found.pattern == "s3://*/x"
        assert found.references == (Reference("aws_s3_bucket.a", "id"),)


def test_an_unknown_condition_is_named(tmp_path: Path) -> None:
    found = value(tmp_path, 'var.none ? "ml.p5.48xlarge" : "ml.t3.medium"').content
    assert isinstance(found, Unknown)
    assert "var.none" in found.because


def test_merging_an_unknown_map_keeps_what_comes_after(tmp_path: Path) -> None:
    found = value(tmp_path, 'merge({ a = "x" }, var.none, { b = "y" })').content
    assert isinstance(found, Entries)
    assert found.rest == Unknown("var.none has no value")
    assert found.nodes["b"].content == "y"
    assert isinstance(found.nodes["a"].content, Unknown)


def test_partly_known_json_keeps_its_shape(tmp_path: Path) -> None:
    found = value(tmp_path, 'jsonencode({ type = "ml.p5", role = aws_s3_bucket.a.arn })').content
    assert isinstance(found, Unknown)
    assert found.pattern == '{"role":*,"type":"ml.p5"}'


@pytest.mark.parametrize(
    "expression",
    [
        "range(1e12)",
        "pow(10, pow(10, 10))",
        "setproduct(range(1000), range(1000), range(1000))",
        'format("%999999999d", 1)',
        'regex("(a+)+$", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!")',
        '"%{for a in range(1000)}%{for b in range(1000)}%{for c in range(1000)}x%{endfor}%{endfor}%{endfor}"',
        "!(" * 900 + "true" + ")" * 900,
        'file("../secret")',
        'file("/etc/passwd")',
        'templatefile("../../x.tpl", {})',
    ],
)
def test_what_goes_too_far_is_unknown(tmp_path: Path, expression: str) -> None:
    assert isinstance(value(tmp_path, expression).content, Unknown)


def test_long_chains_are_evaluated(tmp_path: Path) -> None:
    assert value(tmp_path, "1" + " + 1" * 5000).content == 5001


def test_files_inside_of_the_root(tmp_path: Path) -> None:
    (tmp_path / "user data.sh").write_text("echo ${name}", encoding="utf-8")
    assert value(tmp_path, 'base64encode(file("${path.module}/user data.sh"))').content == "ZWNobyAke25hbWV9"
    assert value(tmp_path, 'templatefile("user data.sh", { name = upper("x") })').content == "echo X"
    assert value(tmp_path, 'fileexists("nothing")').content is False


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ('template = file("user data.sh")\n  vars = { name = upper("x") }', "echo X"),
        ('template = "$${name} of ${var.env}"\n  vars = { name = var.env }', "dev of dev"),
        ('template = "plain"', "plain"),
        ('template = file("user data.sh")\n  vars = { name = aws_s3_bucket.a.id }', Reference("aws_s3_bucket.a", "id")),
        ('template = file("nothing.sh")', "templatefile(): there is no file nothing.sh"),
        ('template = "$${name}"\n  vars {\n    name = "x"\n  }', "data.template_file.t is read at deployment"),
    ],
)
def test_a_template_that_a_data_source_renders(tmp_path: Path, arguments: str, expected: object) -> None:
    (tmp_path / "user data.sh").write_text("echo ${name}", encoding="utf-8")
    (tmp_path / "template.tf").write_text(f'data "template_file" "t" {{\n  {arguments}\n}}\n', encoding="utf-8")
    found = value(tmp_path, "data.template_file.t.rendered").content
    if isinstance(expected, Reference):
        assert isinstance(found, Unknown)
        assert (found.pattern, found.references) == ("echo *", (expected,))
    elif isinstance(found, Unknown):
        assert found.because == expected
    else:
        assert found == expected


def test_items_keep_their_places(tmp_path: Path) -> None:
    node = value(tmp_path, '[\n    "x",\n    var.env,\n  ]')
    assert isinstance(node.content, Items)
    first, second = node.content.nodes
    assert second.span.line == first.span.line + 1
    assert first.span.column == 5
