"""Folders in; resources, places, origins and problems out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from mlguard.parse.terraform import Variables, load
from mlguard.resource import RawProject, RawResource
from mlguard.scenario import Scenario, explore
from mlguard.source import Root, Span
from mlguard.value import Entries, Items, Node, Reference, Unknown, child, settle


def projects(
    folder: Path, files: Mapping[str, str], variables: Variables | None = None, region: str = ""
) -> list[RawProject]:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    suffixes = (".tf", ".tofu", ".tf.json")
    folders = {path.rpartition("/")[0] for path in files if path.endswith(suffixes)}
    return load(Root(folder), sorted(folders), lambda kind: kind.startswith("aws_"), variables, region)


def project(folder: Path, files: Mapping[str, str] | str, variables: Variables | None = None) -> RawProject:
    (found,) = projects(folder, {"main.tf": files} if isinstance(files, str) else files, variables)
    return found


def get(resource: RawResource, name: str, scenario: Scenario | None = None) -> Node:
    found = child(resource.body, name, scenario or Scenario())
    assert found is not None
    return found


def addresses(found: RawProject) -> list[str]:
    return [resource.address for resource in found.resources]


SIZE = 'variable "size" {\n  default = "ml.t3.medium"\n}\n'
USE = 'resource "aws_x" "y" {\n  type = var.size\n}\n'


def test_importing_does_not_load_the_grammar() -> None:
    code = "import sys, mlguard.parse.terraform; sys.exit('lark' in sys.modules or 'hcl2' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_value_stands_where_it_is_used_and_knows_its_default(tmp_path: Path) -> None:
    (resource,) = project(tmp_path, SIZE + USE).resources
    node = get(resource, "type")
    assert (node.content, node.span) == ("ml.t3.medium", Span("main.tf", 5, 10, 5, 18))
    assert node.key_span == Span("main.tf", 5, 3, 5, 7)
    (origin,) = node.origins
    assert (origin.what, origin.span.line, origin.span.column) == ('default of variable "size"', 2, 13)
    assert origin.parameter is not None
    assert origin.parameter.name == "size"
    assert resource.span == Span("main.tf", 4, 1, 6, 2)
    assert resource.name_span == Span("main.tf", 4, 1, 4, 21)


def test_a_local_and_a_module_hand_a_variable_on_unchanged(tmp_path: Path) -> None:
    files = {
        "main.tf": SIZE + 'locals {\n  s = var.size\n}\nmodule "m" {\n  source = "./m"\n  size   = local.s\n}\n',
        "m/main.tf": 'variable "size" {}\n' + USE + 'resource "aws_x" "z" {\n  type = "a-${var.size}"\n}\n',
    }
    found = project(tmp_path, files)
    first, second = found.resources
    assert first.address == "module.m.aws_x.y"
    assert [(o.what, o.span.path, o.span.line) for o in get(first, "type").origins] == [
        ('argument "size" of module "m"', "main.tf", 9),
        ("local.s", "main.tf", 5),
        ('default of variable "size"', "main.tf", 2),
    ]
    assert get(first, "type").origins[-1].parameter is not None
    assert all(origin.parameter is None for origin in get(second, "type").origins)
    assert [(related.what, related.span.line) for related in first.related] == [("called here", 7)]


def test_a_variable_without_a_value_points_to_its_block(tmp_path: Path) -> None:
    (resource,) = project(tmp_path, 'variable "size" {}\n' + USE).resources
    node = get(resource, "type")
    assert node.content == Unknown("var.size has no value")
    assert node.origins[0].what == 'variable "size" has no default'
    assert node.origins[0].span == Span("main.tf", 1, 1, 1, 16)


def test_the_last_of_the_tfvars_wins(tmp_path: Path) -> None:
    files = {
        "main.tf": SIZE + USE,
        "terraform.tfvars": 'size = "1"\n',
        "terraform.tfvars.json": '{"size": "2"}\n',
        "a.auto.tfvars": 'size = "3"\n',
        "b.auto.tfvars": '\nsize = "4"\n',
        "prod.tfvars": 'size = "5"\n',
    }
    (resource,) = project(tmp_path, files).resources
    node = get(resource, "type")
    assert (node.content, node.origins[0].what, node.origins[0].span.line) == ("4", "set in b.auto.tfvars", 2)
    (resource,) = project(tmp_path, files, Variables(files=("prod.tfvars",))).resources
    assert get(resource, "type").content == "5"
    (resource,) = project(tmp_path, files, Variables(("prod.tfvars",), values={"size": "6"})).resources
    assert (get(resource, "type").content, get(resource, "type").origins[0].what) == ("6", "set by --var size")
    del files["a.auto.tfvars"], files["b.auto.tfvars"]
    for name in ("a.auto.tfvars", "b.auto.tfvars"):
        (tmp_path / name).unlink()
    assert get(project(tmp_path, files).resources[0], "type").content == "2"


def test_a_broken_tfvars_file_is_one_problem(tmp_path: Path) -> None:
    found = project(tmp_path, {"main.tf": SIZE + USE, "terraform.tfvars": 'a = 1\nsize = = "1"\n'})
    assert [(problem.path, problem.line) for problem in found.problems] == [("terraform.tfvars", 2)]
    assert get(found.resources[0], "type").content == "ml.t3.medium"


DOMAIN = """variable "env" {
  default = "dev"
  validation {
    condition     = contains(["prod", "dev"], var.env)
    error_message = "no"
  }
}
"""


@pytest.mark.parametrize(
    "condition",
    [
        'contains(["prod", "dev"], var.env)',
        'var.env == "prod" || "dev" == var.env',
        'can(regex("^(prod|dev)$", var.env))',
        'can(regex("^prod$|^dev$", var.env))',
        'length(regexall("^(?:prod|dev)$", lower(var.env))) > 0',
        "contains(local.environments, lower(var.env))",
        "contains(keys(local.by_name), var.env) && length(var.env) < 9",
        "can(local.by_name[var.env])",
        "can(index(local.environments, var.env))",
        'anytrue([var.env == "prod", var.env == "dev"])',
    ],
)
def test_every_value_of_a_domain_is_a_scenario_the_default_first(tmp_path: Path, condition: str) -> None:
    text = DOMAIN.replace('contains(["prod", "dev"], var.env)', condition)
    text += 'locals {\n  environments = ["prod", "dev"]\n  by_name = { prod = 1, dev = 2 }\n}\n'
    text += 'resource "aws_x" "y" {\n  type = var.env == "prod" ? "big" : "small"\n  env = var.env\n}\n'
    found = project(tmp_path, text)
    (resource,) = found.resources
    seen = [(o.decisions["var.env"], o.result) for o in explore(lambda s: get(resource, "type", s).content)]
    assert seen == [("dev", "small"), ("prod", "big")]
    origins = [get(resource, "env", Scenario(fixed={"var.env": env})).origins[0] for env in ("dev", "prod")]
    assert [origin.what for origin in origins] == ['default of variable "env"', 'allowed value of variable "env"']
    assert [sorted(origin.parameter.allowed or ()) for origin in origins if origin.parameter] == [["dev", "prod"]] * 2


@pytest.mark.parametrize(
    ("before", "condition", "seen"),
    [
        ("type = bool", "true", [True, False]),
        ("type = bool\n  default = false", "true", [False]),
        ('default = ""', 'contains(["a", "b"], var.x)', ["a", "b"]),
        ("default = null", 'var.x == null ? true : contains(["a", "b"], var.x)', [None, "a", "b"]),
        ("type = string", 'can(regex("^ml\\\\.(g4dn|g5)\\\\.xlarge$", var.x))', ["ml.g4dn.xlarge", "ml.g5.xlarge"]),
        ("type = number", "contains([1, 2], var.x)", [1, 2]),
        ("type = string", 'contains(["a"], var.x) || length(var.x) > 3', ["unknown"]),
        ("type = string", "contains(var.others, var.x)", ["unknown"]),
    ],
)
def test_the_values_that_a_variable_may_have(tmp_path: Path, before: str, condition: str, seen: list[object]) -> None:
    validation = f'  validation {{\n    condition = {condition}\n    error_message = "no"\n  }}\n'
    text = f'variable "x" {{\n  {before}\n{validation}}}\nvariable "others" {{}}\n'
    text += 'resource "aws_x" "y" {\n  a = var.x\n}\n'

    def value(scenario: Scenario) -> object:
        node = child(resource.body, "a", scenario)
        return None if node is None else "unknown" if isinstance(node.content, Unknown) else node.content

    (resource,) = project(tmp_path, text).resources
    assert [outcome.result for outcome in explore(value)] == seen


def test_a_given_value_closes_the_domain(tmp_path: Path) -> None:
    text = DOMAIN + 'resource "aws_x" "y" {\n  type = var.env\n}\n'
    (resource,) = project(tmp_path, text, Variables(values={"env": "prod"})).resources
    assert [o.result for o in explore(lambda s: get(resource, "type", s).content)] == ["prod"]


def test_a_pattern_is_told_of_a_parameter(tmp_path: Path) -> None:
    check = 'variable "size" {\n  validation {\n    condition = can(regex("^ml\\\\.t3", var.size))\n  }\n}\n'
    (resource,) = project(tmp_path, check + USE).resources
    (origin,) = get(resource, "type", Scenario()).origins
    assert origin.parameter is not None
    assert origin.parameter.pattern == "^ml\\.t3"


def test_objects_get_their_optional_defaults(tmp_path: Path) -> None:
    text = """variable "pools" {
  type = map(object({ type = string, size = optional(number, 3) }))
  default = { a = { type = "x", size = "7" }, b = { type = 5 } }
}
resource "aws_x" "y" {
  for_each = var.pools
  type     = each.value.type
  size     = each.value.size
}
"""
    first, second = project(tmp_path, text).resources
    assert [get(first, "type").content, get(first, "size").content] == ["x", 7]
    assert [get(second, "type").content, get(second, "size").content] == ["5", 3]


def test_count_and_for_each(tmp_path: Path) -> None:
    text = """resource "aws_x" "none" { count = 0 }
resource "aws_x" "two" {
  count = 2
  name  = "n${count.index}"
}
resource "aws_x" "map" {
  for_each = { b = 2, a = 1 }
  name     = "${each.key}${each.value}"
}
resource "aws_x" "huge" { count = 1e9 }
variable "open" {}
resource "aws_x" "open" {
  for_each = var.open
  name     = each.key
}
"""
    found = project(tmp_path, text)
    assert addresses(found) == [
        "aws_x.two[0]",
        "aws_x.two[1]",
        'aws_x.map["a"]',
        'aws_x.map["b"]',
        "aws_x.huge[?]",
        "aws_x.open[?]",
    ]
    names = [get(resource, "name").content for resource in found.resources[:4]]
    assert names == ["n0", "n1", "a1", "b2"]
    symbolic = found.resources[-1]
    assert isinstance(get(symbolic, "name").content, Unknown)
    assert symbolic.exists(Scenario()) == Unknown("var.open has no value")


def test_instances_that_depend_on_an_open_variable(tmp_path: Path) -> None:
    text = DOMAIN + 'resource "aws_x" "y" {\n  count = var.env == "prod" ? 2 : 1\n}\n'
    found = project(tmp_path, text)
    assert addresses(found) == ["aws_x.y[0]", "aws_x.y[1]"]
    exists = [[r.exists(Scenario(fixed={"var.env": env})) for r in found.resources] for env in ("dev", "prod")]
    assert exists == [[True, False], [True, True]]


def test_dynamic_blocks(tmp_path: Path) -> None:
    text = """variable "open" {}
resource "aws_x" "y" {
  rule { key = "static" }
  dynamic "rule" {
    for_each = { a = [1, 2], b = [] }
    iterator = it
    content {
      key = it.key
      dynamic "inner" {
        for_each = it.value
        content { n = "${it.key}${inner.key}${inner.value}" }
      }
    }
  }
  dynamic "maybe" {
    for_each = var.open
    content {}
  }
}
"""
    (resource,) = project(tmp_path, text).resources
    rules = get(resource, "rule").content
    assert isinstance(rules, Items)
    keys = [child(node, "key", Scenario()) for node in rules.nodes]
    assert [key.content for key in keys if key] == ["static", "a", "b"]
    inner = child(rules.nodes[1], "inner", Scenario())
    assert inner is not None
    assert isinstance(inner.content, Items)
    numbers = [child(node, "n", Scenario()) for node in inner.content.nodes]
    assert [number.content for number in numbers if number] == ["a01", "a12"]
    maybe = get(resource, "maybe").content
    assert isinstance(maybe, Items)
    assert maybe.rest == Unknown("var.open has no value")


MODULE = (
    'variable "name" {}\nresource "aws_b" "b" {\n  bucket = var.name\n}\noutput "arn" {\n  value = aws_b.b.arn\n}\n'
)


def test_module_instances_inputs_and_outputs(tmp_path: Path) -> None:
    files = {
        "main.tf": 'module "m" {\n  source   = "./m"\n  for_each = toset(["x", "y"])\n  name     = each.key\n}\n'
        'resource "aws_x" "y" {\n  arn  = module.m["x"].arn\n  arns = values(module.m)[*].arn\n}\n',
        "m/main.tf": MODULE,
    }
    found = project(tmp_path, files)
    assert addresses(found) == ["aws_x.y", 'module.m["x"].aws_b.b', 'module.m["y"].aws_b.b']
    assert get(found.resources[0], "arn").content == Reference('module.m["x"].aws_b.b', "arn")
    arns = get(found.resources[0], "arns").content
    assert isinstance(arns, Items)
    assert [node.content for node in arns.nodes] == [Reference(f'module.m["{k}"].aws_b.b', "arn") for k in "xy"]
    assert [get(resource, "bucket").content for resource in found.resources[1:]] == ["x", "y"]


def test_modules_that_are_not_here_are_gaps(tmp_path: Path) -> None:
    text = 'module "eks" {\n  source = "terraform-aws-modules/eks/aws"\n}\nmodule "out" {\n  source = "../../x"\n}\n'
    found = project(tmp_path, text + 'resource "aws_x" "y" {\n  a = module.eks.arn\n}\n')
    assert [(gap.what, gap.span.line) for gap in found.gaps] == [
        ('module "eks" from terraform-aws-modules/eks/aws is not here: run `terraform init` in .', 1),
        (
            'module "out" from ../../x leaves the scanned folder and is not read: scan a folder that holds both',
            4,
        ),
    ]
    assert isinstance(get(found.resources[0], "a").content, Unknown)


@pytest.mark.parametrize(("directory", "seen"), [(".terraform/modules/b", True), ("../outside", False)])
def test_installed_modules_are_followed_inside_of_the_root(tmp_path: Path, directory: str, seen: bool) -> None:  # noqa: FBT001  (a parameter of the test)
    root = tmp_path / "root"
    noted = f'{{"Modules": [{{"Key": "b", "Source": "s", "Dir": "{directory}"}}]}}'
    files = {
        "main.tf": 'module "b" {\n  source = "a/b/aws"\n  name = "n"\n}\n',
        ".terraform/modules/modules.json": noted,
    }
    for folder in (root / ".terraform/modules/b", tmp_path / "outside"):
        folder.mkdir(parents=True)
        (folder / "main.tf").write_text(MODULE, encoding="utf-8")
    found = project(root, files)
    assert (addresses(found) == ["module.b.aws_b.b"]) is seen
    assert (found.gaps == ()) is seen


def test_roots(tmp_path: Path) -> None:
    call = 'module "m" {{\n  source = "{}"\n}}\n'
    files = {
        "live/main.tf": call.format("../modules/a") + call.format("../modules/own").replace('"m"', '"n"'),
        "modules/a/main.tf": call.format("../b"),
        "modules/b/main.tf": USE,
        "modules/own/main.tf": 'provider "aws" {\n  region = "us-east-1"\n}\n',
        "circle/a/main.tf": call.format("../b"),
        "circle/b/main.tf": call.format("../a"),
        ".terraform/x/main.tf": USE,
    }
    found = projects(tmp_path, files)
    assert [one.path for one in found] == ["circle/a", "live", "modules/own"]
    assert found[1].names == ("live",)
    assert found[1].files == ("live/main.tf", "modules/a/main.tf", "modules/b/main.tf", "modules/own/main.tf")


PROVIDERS = """provider "aws" {
  region = "us-east-1"
  default_tags {
    tags = { Team = "ml" }
  }
}
provider "aws" {
  alias  = "west"
  region = "us-west-2"
}
"""


def test_the_region_of_a_resource(tmp_path: Path) -> None:
    files = {
        "main.tf": PROVIDERS + 'resource "aws_x" "plain" {}\nresource "aws_x" "alias" { provider = aws.west }\n'
        'resource "aws_x" "own" { region = "eu-west-1" }\n'
        'module "m" {\n  source    = "./m"\n  providers = { aws = aws.west }\n}\n'
        'module "n" {\n  source    = "./m"\n}\n',
        "m/main.tf": 'data "aws_region" "here" {}\nresource "aws_x" "inner" { name = data.aws_region.here.name }\n',
    }
    found = project(tmp_path, files)
    regions = {r.address: settle(r.region, Scenario()).content for r in found.resources}
    assert regions == {
        "aws_x.plain": "us-east-1",
        "aws_x.alias": "us-west-2",
        "aws_x.own": "eu-west-1",
        "module.m.aws_x.inner": "us-west-2",
        "module.n.aws_x.inner": "us-east-1",
    }
    assert [get(r, "name").content for r in found.resources[3:]] == ["us-west-2", "us-east-1"]
    tags = found.resources[0].tags_below
    assert tags is not None
    team = child(tags, "Team", Scenario())
    assert team is not None
    assert team.content == "ml"
    assert found.resources[1].tags_below is None


def test_the_region_that_the_user_gives(tmp_path: Path) -> None:
    files = {"main.tf": 'resource "aws_x" "y" {}\n'}
    (given,) = projects(tmp_path, files, region="eu-north-1")
    assert settle(given.resources[0].region, Scenario()).content == "eu-north-1"
    (without,) = projects(tmp_path, files)
    assert settle(without.resources[0].region, Scenario()).content == Unknown(
        "no provider region is given: give --region or set it in the configuration"
    )


@pytest.mark.parametrize(
    ("broken", "line"),
    [
        ('resource "aws_x" "bad" {\n  a = 1 +* 2\n}\n', 2),
        ('resource "aws_x" "bad" {\n  a = "open\n}\n', 2),
        ('resource "aws_x" "bad" {\n  a = [\n', 1),
    ],
)
def test_a_broken_block_is_one_problem_and_costs_only_itself(tmp_path: Path, broken: str, line: int) -> None:
    found = project(tmp_path, {"main.tf": broken + SIZE + USE, "other.tf": 'resource "aws_x" "fine" {}\n'})
    assert [(problem.path, problem.line) for problem in found.problems] == [("main.tf", line)]
    assert addresses(found) == ["aws_x.y", "aws_x.fine"]
    assert get(found.resources[0], "type").content == "ml.t3.medium"


def test_a_broken_variable_is_told_before_anybody_looks(tmp_path: Path) -> None:
    found = project(tmp_path, 'variable "size" {\n  default = 1 +* 2\n}\n' + USE)
    assert [problem.line for problem in found.problems] == [2]
    assert get(found.resources[0], "type").content == Unknown("var.size is not declared, or could not be read")


def test_an_unreadable_file_is_one_problem(tmp_path: Path) -> None:
    (tmp_path / "bad.tf").write_bytes(b"\xff\xfe\xff")
    found = project(tmp_path, SIZE + USE)
    assert [problem.path for problem in found.problems] == ["bad.tf"]
    assert addresses(found) == ["aws_x.y"]


def test_types_that_nobody_wants_are_not_parsed(tmp_path: Path) -> None:
    text = 'resource "google_x" "broken" {\n  a = 1 +* 2\n}\nresource "google_x" "other" {}\n'
    found = project(tmp_path, text)
    assert (found.resources, found.problems) == ((), ())


def test_overrides_and_tofu_files(tmp_path: Path) -> None:
    files = {
        "main.tf": 'resource "aws_x" "y" {\n  type = "old"\n  size = 1\n  rule {}\n  rule {}\n}\n',
        "main_override.tf": 'resource "aws_x" "y" {\n  type = "dear"\n  rule {}\n}\n',
        "a.tf": 'resource "aws_x" "terraform" {}\n',
        "a.tofu": 'resource "aws_x" "tofu" {}\n',
    }
    found = project(tmp_path, files)
    assert addresses(found) == ["aws_x.tofu", "aws_x.y"]
    node = get(found.resources[1], "type")
    assert (node.content, node.span.path) == ("dear", "main_override.tf")
    assert get(found.resources[1], "size").content == 1
    rules = get(found.resources[1], "rule").content
    assert isinstance(rules, Items)
    assert len(rules.nodes) == 1


def test_json_files(tmp_path: Path) -> None:
    text = """{
  "variable": {"size": {"default": "ml.p4d.24xlarge"}},
  "resource": {"aws_x": {"y": {
    "//": "made by a tool",
    "type": "${var.size}",
    "rule": [{"key": "a"}]
  }}}
}
"""
    found = project(tmp_path, {"cdk.tf.json": text})
    node = get(found.resources[0], "type")
    assert (node.content, node.span.line, node.origins[0].span.line) == ("ml.p4d.24xlarge", 5, 2)
    assert found.resources[0].address == "aws_x.y"
    rule = get(found.resources[0], "rule").content
    assert isinstance(rule, Items)


def test_modules_that_call_themselves_end(tmp_path: Path) -> None:
    call = 'module "{}" {{\n  source = "../{}"\n}}\n'
    files = {f"m{i}/main.tf": call.format("a", f"m{i + 1}") + call.format("b", f"m{i + 1}") + USE for i in range(25)}
    found = project(tmp_path, {**files, "m25/main.tf": USE})
    assert any("module instances" in str(problem) for problem in found.problems)
    own = project(tmp_path / "own", {"main.tf": 'module "m" {\n  source = "./"\n}\n' + USE})
    assert [str(problem) for problem in own.problems] == ["main.tf:1: the module calls itself"]
    assert addresses(own) == ["aws_x.y"]


def test_deep_blocks_end(tmp_path: Path) -> None:
    found = project(tmp_path, 'resource "aws_x" "y" {\n' + "b {\n" * 1500 + "}\n" * 1500 + "}\n")
    assert isinstance(settle(found.resources[0].body, Scenario()).content, Entries)
