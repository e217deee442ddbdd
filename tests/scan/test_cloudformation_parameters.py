"""What a deployment chooses: parameters, their domains, the rules between them, and files that give their values."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from mlguard.finding import Report
from mlguard.parse.cloudformation import Given, load, read_parameter_file
from mlguard.parse.markup import plain
from mlguard.render import renderer
from mlguard.source import Document, Root

Scan = Callable[..., Report]
DEAR, CHEAP = "ml.p4d.24xlarge", "ml.t3.medium"
NO_DEFAULT = 'unknown parameter "P" has no default'
FROM_SSM = 'unknown parameter "P" is read from SSM at deployment'
RESOLVED = "unknown a part of it is read from SSM at deployment"


def template(parameters: str, value: str = "!Ref P", more: str = "", notebook: str = "") -> str:
    """Give a template with one notebook whose instance type is `value`."""
    return (
        f"Parameters:\n  P: {parameters}\n{more}Resources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n"
        f"{notebook}    Properties:\n      InstanceType: {value}\n"
    )


def verdict(report: Report) -> str:
    """Say how the one check ended: `fail` with the scenarios, `unknown` with the reason, `pass` or `silent`."""
    assert not report.problems, [str(one) for one in report.problems]
    if report.findings:
        return f"fail {'; '.join(sorted(one.when for one in report.findings))}".strip()
    if report.undecided:
        return f"unknown {report.undecided[0].because}"
    return "pass" if report.counts.checks else "silent"


@pytest.mark.parametrize(
    ("declared", "value", "wanted"),
    [
        (f"{{Type: String, Default: {DEAR}}}", "!Ref P", "fail"),
        (f"{{Type: String, Default: {CHEAP}, AllowedValues: [{CHEAP}, {DEAR}]}}", "!Ref P", f"fail P = {DEAR}"),
        ("{Type: String}", "!Ref P", NO_DEFAULT),
        # a pattern that is a plain choice closes the domain; any other pattern does not
        (r"{Type: String, AllowedPattern: '^(ml\.t3\.medium|ml\.p4d\.24xlarge)$'}", "!Ref P", f"fail P = {DEAR}"),
        (r"{Type: String, AllowedPattern: 'ml[.]t3[.]medium|ml\.t3\.large'}", "!Ref P", "pass"),
        (r"{Type: String, AllowedPattern: '^ml\.t3\.medium$'}", "!Ref P", "pass"),
        (r"{Type: String, AllowedPattern: '^ml\.t3\..*$'}", "!Ref P", NO_DEFAULT),
        (r"{Type: String, AllowedPattern: '^(ml.t3.medium|ml.t3.large)$'}", "!Ref P", NO_DEFAULT),
        # a number is a text where it is used
        ("{Type: Number, Default: 2}", "!Select [!Ref P, [a, b, ml.p4d.24xlarge]]", "fail"),
        ("{Type: Number, Default: '2'}", "!Select [!Ref P, [a, b, ml.p4d.24xlarge]]", "fail"),
        ("{Type: Number, AllowedValues: [0, 1]}", f"!Select [!Ref P, [{CHEAP}, {DEAR}]]", "fail P = 1"),
        ("{Type: Number, Default: 4}", "!Sub 'ml.p${P}d.24xlarge'", "fail"),
        # lists
        (f"{{Type: CommaDelimitedList, Default: '{CHEAP} , {DEAR}'}}", "!Select [1, !Ref P]", "fail"),
        (f"{{Type: 'List<String>', Default: '{CHEAP},{DEAR}'}}", "!Select [1, !Ref P]", "fail"),
        (f"{{Type: CommaDelimitedList, AllowedValues: [{CHEAP}, {DEAR}]}}", "!Select [0, !Ref P]", f"fail P = {DEAR}"),
        (
            f"{{Type: CommaDelimitedList, AllowedValues: [{CHEAP}, ml.t3.large], Default: '{CHEAP},ml.t3.large'}}",
            "!Select [0, !Ref P]",
            "pass",
        ),
        ("{Type: CommaDelimitedList}", "!Select [0, !Ref P]", NO_DEFAULT),
        # SSM: the default is the name of the parameter there, except for the type that is about names
        (f"{{Type: 'AWS::SSM::Parameter::Value<String>', Default: {DEAR}}}", "!Ref P", FROM_SSM),
        (f"{{Type: 'AWS::SSM::Parameter::Name', Default: {DEAR}}}", "!Ref P", "fail"),
        ("{Type: String, Default: '{{resolve:ssm:/kind}}'}", "!Ref P", RESOLVED),
    ],
)  # fmt: skip
def test_the_value_of_a_parameter(scanned: Scan, declared: str, value: str, wanted: str) -> None:
    assert verdict(scanned({"t.yaml": template(declared, value)})) == wanted


def test_a_parameter_that_ssm_decides_is_explored_where_a_condition_compares_it(scanned: Scan) -> None:
    more = "Conditions: {Big: !Equals [!Ref P, big]}\n"
    text = template("{Type: 'AWS::SSM::Parameter::Value<String>'}", f"!If [Big, {DEAR}, {CHEAP}]", more)
    assert verdict(scanned({"t.yaml": text})) == "fail P = big"


def test_a_comparison_with_what_the_pattern_forbids_is_false(scanned: Scan) -> None:
    more = "Conditions: {Big: !Equals [!Ref P, BIG]}\n"
    text = template("{Type: String, AllowedPattern: '^[a-z]+$'}", f"!If [Big, {DEAR}, {CHEAP}]", more)
    assert verdict(scanned({"t.yaml": text})) == "pass"


RULES = """\
Parameters:
  Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}
  P: %s
Rules:
  Sizes: %s
Resources:
  Nb:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: %s
"""
CLOSED = f"{{Type: String, AllowedValues: [{CHEAP}, ml.t3.large, {DEAR}]}}"
OPEN = "{Type: String}"
DEFAULT = f"{{Type: String, Default: {CHEAP}}}"
IN_PROD = "RuleCondition: {'Fn::Equals': [!Ref Env, prod]}"
ONLY_CHEAP = f"{{'Fn::Contains': [[{CHEAP}, ml.t3.large], !Ref P]}}"
ONLY_DEAR = f"{{'Fn::Contains': [[{DEAR}], !Ref P]}}"
EITHER = f"{{'Fn::Contains': [[{CHEAP}, {DEAR}], !Ref P]}}"


@pytest.mark.parametrize(
    ("declared", "rule", "wanted"),
    [
        # without a condition, a list closes the domain
        (OPEN, f"{{Assertions: [{{Assert: {ONLY_CHEAP}}}]}}", "pass"),
        (OPEN, f"{{Assertions: [{{Assert: {ONLY_DEAR}}}]}}", "fail"),
        (CLOSED, f"{{Assertions: [{{Assert: {ONLY_CHEAP}}}]}}", "pass"),
        (CLOSED, f"{{Assertions: [{{Assert: {{'Fn::Not': [{ONLY_DEAR}]}}}}]}}", "pass"),
        (OPEN, f"{{Assertions: [{{Assert: {{'Fn::Equals': [!Ref P, {CHEAP}]}}}}]}}", "pass"),
        (OPEN, f"{{Assertions: [{{Assert: {{'Fn::Equals': [{DEAR}, !Ref P]}}}}]}}", "fail"),
        (OPEN, f"{{Assertions: [{{Assert: {{'Fn::Or': [{ONLY_CHEAP}, {ONLY_DEAR}]}}}}]}}", f"fail P = {DEAR}"),
        (OPEN, f"{{Assertions: [{{Assert: {{'Fn::And': [{ONLY_CHEAP}, {EITHER}]}}}}]}}", "pass"),
        (OPEN, f"{{Assertions: [{{Assert: {{'Fn::Not': [{ONLY_DEAR}]}}}}]}}", NO_DEFAULT),
        # with one, the domain is closed where the condition holds
        (OPEN, f"{{{IN_PROD}, Assertions: [{{Assert: {ONLY_DEAR}}}]}}", "fail Env = prod"),
        (OPEN, f"{{{IN_PROD}, Assertions: [{{Assert: {ONLY_CHEAP}}}]}}", NO_DEFAULT),
        (DEFAULT, f"{{{IN_PROD}, Assertions: [{{Assert: {ONLY_DEAR}}}]}}", "fail Env = prod"),
        # what cannot be told forbids nothing
        (CLOSED, "{Assertions: [{Assert: {'Fn::Contains': [!Ref Unheard, !Ref P]}}]}", f"fail P = {DEAR}"),
        (CLOSED, "{Assertions: [{Assert: {'Fn::Equals': [{'Fn::ValueOf': [P, x]}, y]}}]}", f"fail P = {DEAR}"),
        (CLOSED, "{Assertions: [{Assert: nonsense}, 5, {}]}", f"fail P = {DEAR}"),
        (CLOSED, "nonsense", f"fail P = {DEAR}"),
    ],
)  # fmt: skip
def test_rules_close_domains_and_forbid_scenarios(scanned: Scan, declared: str, rule: str, wanted: str) -> None:
    assert verdict(scanned({"t.yaml": RULES % (declared, rule, "!Ref P")})) == wanted


def test_a_rule_between_two_parameters_leaves_the_other_combinations(scanned: Scan) -> None:
    """In production only cheap types: the dear one is possible in development, and said to be."""
    text = RULES % (CLOSED, f"{{{IN_PROD}, Assertions: [{{Assert: {ONLY_CHEAP}}}]}}", "!Ref P")
    assert verdict(scanned({"t.yaml": text})) == f"fail P = {DEAR}"
    conditions = "Conditions: {IsProd: !Equals [!Ref Env, prod]}\nResources:"
    for value in (f"!If [IsProd, !Ref P, {CHEAP}]", f"!Select [0, [!If [IsProd, !Ref P, {CHEAP}]]]"):
        guarded = RULES % (CLOSED, f"{{{IN_PROD}, Assertions: [{{Assert: {ONLY_CHEAP}}}]}}", value)
        assert verdict(scanned({"t.yaml": guarded.replace("Resources:", conditions)})) == "pass"


def test_a_combination_that_no_value_of_a_third_parameter_allows_is_impossible(scanned: Scan) -> None:
    rules = (
        "{Assertions: [{Assert: {'Fn::Or': [{'Fn::Not': [{'Fn::Equals': [!Ref P, %s]}]}, "
        "{'Fn::And': [{'Fn::Equals': [!Ref Env, prod]}, {'Fn::Equals': [!Ref Env, dev]}]}]}}]}"
    )
    assert verdict(scanned({"t.yaml": RULES % (CLOSED, rules % DEAR, "!Ref P")})) == "pass"


def test_each_member_of_a_list(scanned: Scan) -> None:
    lists = f"{{Type: CommaDelimitedList, AllowedValues: [{CHEAP}, {DEAR}]}}"
    for function, right in (("Fn::EachMemberIn", f"[{CHEAP}]"), ("Fn::EachMemberEquals", CHEAP)):
        rule = f"{{Assertions: [{{Assert: {{'{function}': [!Ref P, {right}]}}}}]}}"
        assert verdict(scanned({"t.yaml": RULES % (lists, rule, "!Select [0, !Ref P]")})) == "pass"
    of_all = f"{{Assertions: [{{Assert: {{'Fn::EachMemberIn': [{{'Fn::RefAll': String}}, [dev, prod, {CHEAP}]]}}}}]}}"
    assert verdict(scanned({"t.yaml": RULES % (CLOSED, of_all, "!Ref P")})) == "pass"


@pytest.mark.parametrize("rule", ["{'Fn::Equals': [a, b]}", f"{{'Fn::And': [{ONLY_CHEAP}, {ONLY_DEAR}]}}"])
def test_rules_that_nothing_satisfies_hide_no_finding(scanned: Scan, rule: str) -> None:
    report = scanned({"t.yaml": RULES % (CLOSED, f"{{Assertions: [{{Assert: {rule}}}]}}", "!Ref P")})
    assert verdict(report) == f"fail P = {DEAR}"
    assert report.notes == (
        "t.yaml:4: no values of the parameters satisfy the Rules of this template: it is judged without them",
    )


HIDDEN = """\
Parameters:
  P: {Type: String, NoEcho: true, Default: hunter2}
  Kind: {Type: String, NoEcho: 'true', AllowedValues: [ml.p4d.24xlarge, ml.t3.medium]}
Conditions:
  Same: !Equals [!Ref P, hunter2]
  Picked: !Equals [!Ref Kind, ml.p4d.24xlarge]
Resources:
  A:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !Ref P}
  B:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !If [Same, ml.p5.48xlarge, ml.t3.medium]}
  C:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !Sub 'ml.${P}'}
  D:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !If [Picked, ml.g5.48xlarge, !Ref Kind]}
"""


def test_a_secret_is_compared_and_never_shown(scanned: Scan) -> None:
    given = Given((), {"Kind": "ml.p4d.24xlarge"})
    for options in ({}, {"given": given}):
        report = scanned({"t.yaml": HIDDEN}, **options)
        assert {one.resource for one in report.findings} == {"B", "D"}
        assert {one.resource for one in report.undecided} == {"A", "C"}
        for name in ("text", "json", "sarif", "markdown", "github"):
            text = renderer(name)(report)
            assert "hunter2" not in text
            assert "p4d" not in text


@pytest.mark.parametrize("indent", [None, 1])
def test_a_secret_beside_a_finding_is_masked(scanned: Scan, indent: int | None) -> None:
    """A template on one line shows its parameters with every finding."""
    hidden = {"Type": "String", "NoEcho": True, "Default": "hunter2", "AllowedValues": ["hunter2", "swordfish"]}
    notebook = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": DEAR}}
    text = json.dumps({"Parameters": {"Pin": hidden}, "Resources": {"Nb": notebook}}, indent=indent)
    report = scanned({"t.json": text})
    assert len(report.findings) == 1
    for name in ("text", "json", "sarif", "markdown", "github"):
        shown = renderer(name)(report)
        assert "hunter2" not in shown
        assert "swordfish" not in shown
    wide = renderer("text")(report, width=1000)
    assert "hunter2" not in wide
    assert ('"Default": *********' in wide) is (indent is None)


FILES: Mapping[str, str] = {
    "prod.json": f'[\n  {{"ParameterKey": "P", "ParameterValue": "{DEAR}"}}\n]\n',
    "stage.json": f'{{"Parameters": {{\n  "P": "{CHEAP}", "Unheard": "x"}},\n "Tags": {{"Team": "ml"}}}}\n',
    "samconfig.toml": f'[prod.deploy.parameters]\nregion = "eu-west-1"\nparameter_overrides = "P={DEAR}"\n',
}


@pytest.fixture
def given(tmp_path: Path) -> Callable[..., Given]:
    """Give a function that writes parameter files and reads them."""

    def run(*names: str, environment: str = "", **values: str) -> Given:
        for name in names:
            (tmp_path / name).write_text(FILES[name], encoding="utf-8")
        return Given(tuple(read_parameter_file(Root(tmp_path), name, environment) for name in names), values)

    return run


def test_a_value_from_a_file_is_judged_and_its_line_is_shown(scanned: Scan, given: Callable[..., Given]) -> None:
    text = template(f"{{Type: String, AllowedValues: [{CHEAP}, {DEAR}]}}")
    report = scanned({"t.yaml": text}, given=given("prod.json"))
    (finding,) = report.findings
    assert (finding.when, finding.at.path, finding.at.line) == ("", "t.yaml", 7)
    (related,) = finding.related
    assert (related.what, related.span.path, related.span.line) == ('value given for parameter "P"', "prod.json", 2)
    assert re.search(r'value given for parameter "P": \S*prod\.json:2:', renderer("text")(report))


def test_a_value_from_the_command_line_points_at_the_parameter(scanned: Scan, given: Callable[..., Given]) -> None:
    report = scanned({"t.yaml": template("{Type: String}")}, given=given("stage.json", P=DEAR))
    (related,) = report.findings[0].related
    assert (related.what, related.span.path, related.span.line) == ('value given for parameter "P"', "t.yaml", 2)


def test_names_that_no_template_has_and_values_that_none_allows_are_told(
    scanned: Scan, given: Callable[..., Given]
) -> None:
    text = template("{Type: String, AllowedValues: [ml.t3.large]}")
    report = scanned({"t.yaml": text}, given=given("stage.json", Other="1"))
    assert verdict(report) == "pass"
    assert report.notes == (
        "stage.json:2: no template has a parameter Unheard",
        "no template has a parameter Other",
        f'stage.json:2: "{CHEAP}" is none of the allowed values of parameter P: a deployment with it fails',
    )


def test_the_region_and_the_tags_of_the_stack(scanned: Scan, given: Callable[..., Given], tmp_path: Path) -> None:
    more = f"Mappings:\n  ByRegion:\n    eu-west-1: {{kind: {CHEAP}}}\n    us-east-1: {{kind: {DEAR}}}\n"
    text = template("{Type: String}", "!FindInMap [ByRegion, !Ref 'AWS::Region', kind]", more)
    sam = given("samconfig.toml", environment="prod")
    assert verdict(scanned({"t.yaml": text}, given=sam)) == "pass"
    assert verdict(scanned({"t.yaml": text}, given=sam, region="us-east-1")) == "fail"
    (project,) = load(Root(tmp_path), Document("t.yaml", text), lambda _type: True, given("stage.json"))
    (resource,) = project.resources
    assert resource.tags_below is not None
    assert plain(resource.tags_below) == {"Team": "ml"}


def test_a_parameter_file_belongs_to_the_project(scanned: Scan, given: Callable[..., Given]) -> None:
    """A hook that is run for a changed parameter file checks the template that it is for."""
    files = {"t.yaml": template("{Type: String}"), "u.yaml": template("{Type: String}").replace("P:", "Q:")}
    report = scanned(files, given=given("prod.json"), only=frozenset(("prod.json",)))
    assert [one.at.path for one in report.findings] == ["t.yaml"]
