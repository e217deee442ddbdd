"""Which provider configuration a resource uses: aliases, what calls pass, instances, and what can be told of data."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.parse.terraform import load
from mlguard.resource import RawProject
from mlguard.scenario import Scenario
from mlguard.source import Root
from mlguard.value import Content, Unknown, child, settle


def project(folder: Path, files: dict[str, str]) -> RawProject:
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    folders = sorted({path.rpartition("/")[0] for path in files})
    found = load(Root(folder), folders, lambda kind: kind.startswith("aws_"))
    assert not found[0].problems
    return found[0]


def regions(found: RawProject) -> dict[str, Content]:
    return {one.address: settle(one.region, Scenario()).content for one in found.resources}


def provider(alias: str, region: str, more: str = "") -> str:
    head = f'  alias  = "{alias}"\n' if alias else ""
    return f'provider "aws" {{\n{head}  region = "{region}"\n{more}}}\n'


ALIASES = """terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.near, aws.far]
    }
  }
}
"""


def test_aliases_are_passed_through_several_levels(tmp_path: Path) -> None:
    call = 'module "{}" {{\n  source = "{}"\n  providers = {{\n    {}\n  }}\n}}\n'
    files = {
        "main.tf": provider("", "us-east-1") + provider("west", "us-west-2") + provider("rio", "sa-east-1")
        + call.format("m", "./m", "aws.near = aws.west\n    aws.far = aws.rio"),
        "m/main.tf": ALIASES + 'resource "aws_x" "default" {}\nresource "aws_x" "near" {\n  provider = aws.near\n}\n'
        + call.format("n", "../n", "aws = aws.far\n    aws.near = aws.far\n    aws.far = aws"),
        "n/main.tf": ALIASES + 'resource "aws_x" "default" {}\nresource "aws_x" "near" {\n  provider = "aws.near"\n}\n'
        'resource "aws_x" "far" {\n  provider = aws.far\n}\nresource "aws_x" "none" {\n  provider = aws.nowhere\n}\n',
    }  # fmt: skip
    assert regions(project(tmp_path, files)) == {
        "module.m.aws_x.default": "us-east-1",
        "module.m.aws_x.near": "us-west-2",
        "module.m.module.n.aws_x.default": "sa-east-1",
        "module.m.module.n.aws_x.near": "sa-east-1",
        "module.m.module.n.aws_x.far": "us-east-1",
        "module.m.module.n.aws_x.none": Unknown(
            "no provider region is given: give --region or set it in the configuration"
        ),
    }


def test_the_empty_alias_block_of_an_older_module_is_no_configuration(tmp_path: Path) -> None:
    files = {
        "main.tf": provider("", "us-east-1") + provider("west", "us-west-2")
        + 'module "m" {\n  source = "./m"\n  providers = {\n    aws.there = aws.west\n  }\n}\n',
        "m/main.tf": 'provider "aws" {\n  alias = "there"\n}\nresource "aws_x" "y" {\n  provider = aws.there\n}\n',
    }  # fmt: skip
    found = load(Root(tmp_path), [], lambda _: True)
    assert found == []
    assert regions(project(tmp_path, files)) == {"module.m.aws_x.y": "us-west-2"}


def test_a_provider_for_each_region(tmp_path: Path) -> None:
    files = {
        "main.tofu": 'locals {\n  regions = toset(["eu-west-1", "sa-east-1"])\n}\n'
        'provider "aws" {\n  alias    = "by"\n  for_each = local.regions\n  region   = each.key\n}\n'
        'resource "aws_x" "y" {\n  for_each = local.regions\n  provider = aws.by[each.key]\n}\n'
        'module "m" {\n  source = "./m"\n  for_each = local.regions\n'
        "  providers = {\n    aws = aws.by[each.key]\n  }\n}\n",
        "m/main.tofu": 'resource "aws_x" "z" {}\n',
    }
    assert regions(project(tmp_path, files)) == {
        'aws_x.y["eu-west-1"]': "eu-west-1",
        'aws_x.y["sa-east-1"]': "sa-east-1",
        'module.m["eu-west-1"].aws_x.z': "eu-west-1",
        'module.m["sa-east-1"].aws_x.z': "sa-east-1",
    }


def test_a_region_of_its_own(tmp_path: Path) -> None:
    text = provider("", "us-east-1") + 'variable "where" {\n  default = { a = "eu-west-1", b = null }\n}\n'
    text += 'resource "aws_x" "y" {\n  for_each = var.where\n  region = each.value\n}\n'
    assert list(regions(project(tmp_path, {"main.tf": text})).values()) == ["eu-west-1", "us-east-1"]


@pytest.mark.parametrize(
    ("head", "expression", "wanted"),
    [
        (provider("", "eu-central-1"), "data.aws_region.d.region", "eu-central-1"),
        (provider("", "eu-central-1"), "data.aws_region.d.name", "eu-central-1"),
        (provider("", "cn-north-1"), "data.aws_partition.d.partition", "aws-cn"),
        (provider("", "cn-north-1"), "data.aws_partition.d.dns_suffix", "amazonaws.com.cn"),
        (provider("", "us-gov-west-1"), "data.aws_partition.d.dns_suffix", "amazonaws.com"),
        (provider("", "us-east-1", '  allowed_account_ids = ["111122223333"]\n'),
         "data.aws_caller_identity.d.account_id", "111122223333"),
        (provider("", "us-east-1", '  allowed_account_ids = ["111122223333", "444455556666"]\n'),
         "data.aws_caller_identity.d.account_id", Unknown("data.aws_caller_identity.d is read at deployment")),
        (provider("", "us-east-1"), "data.aws_caller_identity.d.account_id",
         Unknown("data.aws_caller_identity.d is read at deployment")),
        (provider("", "us-east-1"), "data.terraform_remote_state.d.outputs.bucket",
         Unknown("data.terraform_remote_state.d is read at deployment")),
    ],
)  # fmt: skip
def test_what_the_provider_tells_of_data(tmp_path: Path, head: str, expression: str, wanted: Content) -> None:
    kind = expression.split(".")[1]
    text = f'{head}data "{kind}" "d" {{}}\nresource "aws_x" "y" {{\n  value = {expression}\n}}\n'
    found = child(project(tmp_path, {"main.tf": text}).resources[0].body, "value", Scenario())
    assert found is not None
    assert found.content == wanted


def test_default_tags_come_from_the_alias_that_is_passed(tmp_path: Path) -> None:
    tags = "  default_tags {\n    tags = { Team = var.team }\n  }\n"
    files = {
        "main.tf": 'variable "team" {\n  default = "vision"\n}\n' + provider("", "us-east-1")
        + provider("ml", "us-west-2", tags)
        + 'module "m" {\n  source = "./m"\n  providers = {\n    aws = aws.ml\n  }\n}\nresource "aws_x" "plain" {}\n',
        "m/main.tf": 'resource "aws_x" "y" {}\n',
    }  # fmt: skip
    plain, inner = project(tmp_path, files).resources
    assert plain.tags_below is None
    assert inner.tags_below is not None
    team = child(inner.tags_below, "Team", Scenario())
    assert team is not None
    assert team.content == "vision"
