"""Parameter files in, values with their places out: every form that a deployment of a template may be given in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlguard.errors import ParseError, SourceError
from mlguard.parse.cloudformation.parameter_files import Given, ParameterFile, read_parameter_file
from mlguard.parse.cloudformation.samconfig import assignments
from mlguard.parse.markup import plain
from mlguard.source import Root, Span
from mlguard.value import Items, Node, Unknown

Read = Callable[..., ParameterFile]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Give a function that writes a file, and templates beside it, and reads it."""

    def run(text: str, name: str = "p.json", environment: str = "", templates: tuple[str, ...] = ()) -> ParameterFile:
        for path in (name, *templates):
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_text(text if path == name else "Resources: {}\n", encoding="utf-8")
        return read_parameter_file(Root(tmp_path), name, environment)

    return run


def values(found: ParameterFile) -> dict[str, object]:
    return {name: plain(node) for name, node in found.parameters.items()}


def lines(found: ParameterFile) -> dict[str, int]:
    return {name: node.place.line for name, node in found.parameters.items()}


COMMAND_LINE = """\
[
  {"ParameterKey": "Kind", "ParameterValue": "ml.p5.48xlarge"},
  {
    "ParameterKey": "Count",
    "ParameterValue": "4"
  },
  {"ParameterKey": "Kept", "UsePreviousValue": true}
]
"""


def test_the_form_of_the_command_line(read: Read) -> None:
    found = read(COMMAND_LINE)
    assert values(found)["Kind"] == "ml.p5.48xlarge"
    assert values(found)["Count"] == "4"
    assert found.parameters["Kept"].content == Unknown("parameter Kept keeps the value of the last deployment")
    assert lines(found) == {"Kind": 2, "Count": 5, "Kept": 7}
    kind = found.parameters["Kind"].place
    assert COMMAND_LINE.splitlines()[1][kind.column - 1 : kind.end_column - 1] == '"ParameterValue": "ml.p5.48xlarge"'


@pytest.mark.parametrize(
    "text",
    [
        '[{"ParameterKey": "A", "ParameterValue": "1"}]',
        "- ParameterKey: A\n  ParameterValue: '1'\n",
        '["A=1"]',
        '{"Parameters": {"A": "1"}}',
        "Parameters:\n  A: '1'\n",
        '{"StackName": "s", "Parameters": [{"ParameterKey": "A", "ParameterValue": "1"}]}',
        "parameters:\n  A: '1'\n",
        '{"parameters": {"A": "1"}, "tags": {}}',
        "default:\n  deploy:\n    parameters:\n      parameter_overrides: A=1\n",
        "default: {deploy: {parameters: {parameter_overrides: [A=1]}}}\n",
        "version: 0.1\ndefault: {global: {parameters: {parameter_overrides: {A: '1'}}}}\n",
    ],
)
def test_every_form_in_json_and_yaml(read: Read, text: str) -> None:
    assert values(read(text, "p.yaml")) == {"A": "1"}


PIPELINE = """\
{
  "Parameters": {
    "Stage": "staging",
    "Types": ["a", "b"],
    "Bucket": {"Fn::GetArtifactAtt": ["Build", "BucketName"]}
  },
  "Tags": {"CostCenter": "42"},
  "StackPolicy": {"Statement": []}
}
"""


def test_the_template_configuration_of_a_pipeline(read: Read) -> None:
    found = read(PIPELINE)
    assert values(found)["Stage"] == "staging"
    assert isinstance(found.parameters["Types"].content, Items)
    assert found.parameters["Bucket"].content == Unknown("parameter Bucket is filled in by the pipeline")
    assert lines(found) == {"Stage": 3, "Types": 4, "Bucket": 5}
    assert found.tags is not None
    assert plain(found.tags) == {"CostCenter": "42"}


def test_tags_as_a_list_and_the_name_of_a_stack(read: Read) -> None:
    found = read('{"StackName": "train", "Parameters": {}, "Tags": [{"Key": "Team", "Value": "ml"}]}')
    assert found.stack == "train"
    assert found.tags is not None
    assert plain(found.tags) == {"Team": "ml"}


GIT_SYNC = """\
template-file-path: ./infra/notebook.yaml
parameters:
  Kind: ml.t3.medium
tags:
  Team: ml
"""


def test_the_deployment_file_of_git_sync(read: Read) -> None:
    found = read(GIT_SYNC, "deploy/prod.yaml", templates=("infra/notebook.yaml",))
    assert (found.template, values(found), lines(found)) == (
        "infra/notebook.yaml",
        {"Kind": "ml.t3.medium"},
        {"Kind": 3},
    )
    with pytest.raises(ParseError, match=r'no template "\./infra/gone.yaml" in the repository') as caught:
        read(GIT_SYNC.replace("notebook", "gone"), "deploy/dev.yaml")
    assert (caught.value.path, caught.value.line) == ("deploy/dev.yaml", 1)


SAMCONFIG = """\
version = 0.1

[default.global.parameters]
stack_name = "ml-dev"
region = "eu-west-1"

[default.deploy.parameters]
template_file = "app.yaml"
parameter_overrides = "Kind=ml.t3.medium Name=\\"two words\\" Empty= Zones=a,b"
tags = "Team=ml Stage=dev"

[prod.deploy.parameters]
stack_name = "ml-prod"
parameter_overrides = [
  "Kind=ml.p4d.24xlarge",
  "Count=2",
]

[prod.deploy.parameters.tags]
Team = "ml"
"""


def test_samconfig_has_a_table_for_each_environment(read: Read) -> None:
    found = read(SAMCONFIG, "sub/samconfig.toml", templates=("sub/app.yaml",))
    assert values(found) == {"Kind": "ml.t3.medium", "Name": "two words", "Empty": "", "Zones": "a,b"}
    assert set(lines(found).values()) == {9}
    assert (found.region, found.stack, found.template) == ("eu-west-1", "ml-dev", "sub/app.yaml")
    assert found.tags is not None
    assert plain(found.tags) == {"Team": "ml", "Stage": "dev"}
    prod = read(SAMCONFIG, "sub/samconfig.toml", "prod")
    assert (values(prod), prod.region, prod.stack) == ({"Kind": "ml.p4d.24xlarge", "Count": "2"}, "", "ml-prod")
    assert set(lines(prod).values()) == {14}
    assert prod.tags is not None
    assert plain(prod.tags) == {"Team": "ml"}
    with pytest.raises(ParseError, match='no environment "test" in this samconfig; there are default, prod'):
        read(SAMCONFIG, "sub/samconfig.toml", "test")


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("A=b C=d", {"A": "b", "C": "d"}),
        ("  A=b\n C=d  ", {"A": "b", "C": "d"}),
        ("A=\"b c\" D='e f'", {"A": "b c", "D": "e f"}),
        (r"A=b\ c D=\"x\"", {"A": "b c", "D": '"x"'}),
        ("A=b=c", {"A": "b=c"}),
        ("A= C=d", {"A": "", "C": "d"}),
        ("ParameterKey=A,ParameterValue=b ParameterKey=C,ParameterValue='d e'", {"A": "b", "C": "d e"}),
        ('ParameterKey=A ParameterValue="x,y"', {"A": "x,y"}),
        ("nothing", {}),
        ("", {}),
    ],
)
def test_assignments(written: str, wanted: dict[str, str]) -> None:
    span = Span("s", 1, 1, 1, 1)
    assert assignments(written, span) == {name: Node(value, span) for name, value in wanted.items()}


@pytest.mark.parametrize(
    ("name", "text", "message", "line"),
    [
        ("p.json", "[1]", 'every item needs "ParameterKey"', 1),
        ("p.json", '[\n{"ParameterKey": "A"}]', 'A has neither "ParameterValue" nor', 2),
        ("p.json", '[\n{"ParameterKey": "A", "ParameterValue": {"x": 1}}]', "value of parameter A must be a text", 2),
        ("p.json", '["A=1",\n"A=2"]', r"the parameter A is given twice \(first at line 1\)", 2),
        ("p.json", '{"Parameters": 1}', '"Parameters" must be a mapping', 1),
        ("p.json", '{"Parameters": {},\n"Tags": [1]}', 'every tag needs "Key" and "Value"', 2),
        ("p.json", '{"Parameters": {},\n"Tags": 1}', "tags must be a mapping", 2),
        ("p.json", '{"Parameters": {"A": null}}', "value of parameter A must be a text", 1),
        ("p.json", '{"Resources": {}, "Parameters": {}}', "a template, not a file with parameters", 1),
        ("p.json", '{"other": 1}', "not a parameter file", 1),
        ("p.json", '"text"', "not a parameter file", 1),
        ("p.json", '{"Parameters": ', "not valid JSON", 1),
        ("p.yaml", "", "not a parameter file.*found 0 documents", 1),
        ("p.yaml", "a: 1\n---\nb: 2\n", "found 2 documents", 3),
        ("p.yaml", "parameters:\n  A: {b: c}\n", "value of parameter A must be a text", 2),
        ("p.toml", "a = \n", "not valid TOML", 1),
        ("p.toml", "a = 1\n", 'no environment "default".*there are none', 1),
        ("p.toml", "[default.deploy.parameters]\nparameter_overrides = [[1]]\n", 'wanted "Name=value"', 2),
    ],
)  # fmt: skip
def test_what_is_none_of_the_forms_is_refused_with_its_line(
    read: Read, name: str, text: str, message: str, line: int
) -> None:
    with pytest.raises(ParseError, match=message) as caught:
        read(text, name)
    assert (caught.value.path, caught.value.line) == (name, line)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no such file"):
        read_parameter_file(Root(tmp_path), "gone.json")
    with pytest.raises(SourceError, match="leaves the scanned folder"):
        read_parameter_file(Root(tmp_path), "../gone.json")


def test_later_files_win_and_single_values_win_over_files(read: Read) -> None:
    first = read('{"Parameters": {"A": "1", "B": "1", "C": "1"}, "Tags": {"T": "1", "U": "1"}}', "first.json")
    second = read('{"Parameters": {"B": "2", "C": "2"}, "Tags": {"T": "2"}}', "second.json")
    other = read("template-file-path: o.yaml\nparameters: {A: '9'}\n", "other.yaml", templates=("o.yaml",))
    together = Given((first, second, other), {"C": "3"})
    assert {name: plain(node) for name, node in together.parameters("t.yaml").items()} == {"A": "1", "B": "2", "C": "3"}
    assert plain(together.parameters("o.yaml")["A"]) == "9"
    tags = together.tags("t.yaml")
    assert tags is not None
    assert plain(tags) == {"T": "2", "U": "1"}
    together.declared.update(("A", "B"))
    assert together.unknown_names() == [
        "first.json:1: no template has a parameter C",
        "second.json:1: no template has a parameter C",
        "no template has a parameter C",
    ]


@settings(deadline=None, max_examples=200)
@given(st.text(alphabet="ab=[]{}\"\n' .#,:_-1\\", max_size=80), st.sampled_from(["p.toml", "p.yaml", "p.json"]))
def test_any_text_is_read_or_refused_in_words(tmp_path_factory: pytest.TempPathFactory, text: str, name: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    (folder / name).write_text(text, encoding="utf-8", newline="")
    refusal: ParseError | SourceError | None = None
    try:
        read_parameter_file(Root(folder), name)
    except (ParseError, SourceError) as error:
        refusal = error
    assert refusal is None or (refusal.message and refusal.path == name)


@pytest.mark.parametrize("text", ["a = " + "[" * 5000, "[" + "a." * 5000 + "a]\n", "a." * 5000 + "a = 1\n"])
def test_deep_toml_is_refused(read: Read, text: str) -> None:
    with pytest.raises(ParseError, match="not valid TOML"):
        read(text, "p.toml")
