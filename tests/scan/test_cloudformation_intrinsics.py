"""Intrinsic functions, conditions and loops at full depth: real templates in, verdicts, scenarios and places out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlguard.finding import Report
from mlguard.parse.cloudformation import load
from mlguard.policy.model import Policy
from mlguard.scenario import Scenario, explore
from mlguard.source import Document, Root
from mlguard.value import Entries, Items, Node, settle

Scan = Callable[..., Report]
Make = Callable[..., Policy]
DEAR, CHEAP = "ml.p4d.24xlarge", "ml.t3.medium"


def notebook(value: str, head: str = "", more: str = "", name: str = "Nb") -> str:
    """Give a template with one notebook whose instance type is `value`."""
    return (
        f"{head}Resources:\n  {name}:\n    Type: AWS::SageMaker::NotebookInstance\n{more}"
        f"    Properties:\n      InstanceType: {value}\n"
    )


def verdict(report: Report) -> str:
    """Say how the one check ended: `fail` with the scenarios, `unknown` with the reason, `pass` or `silent`."""
    assert not report.problems, [str(one) for one in report.problems]
    if report.findings:
        return f"fail {'; '.join(sorted(one.when for one in report.findings))}".strip()
    if report.undecided:
        return f"unknown {report.undecided[0].because}"
    return "pass" if report.counts.checks else "silent"


HEAD = f"""\
Transform: AWS::LanguageExtensions
Parameters:
  Open: {{Type: String}}
  Names: {{Type: CommaDelimitedList, Default: 'a,b'}}
  Unheard: {{Type: CommaDelimitedList}}
  Env: {{Type: String, Default: dev, AllowedValues: [dev, prod]}}
Mappings:
  ByRegion:
    eu-west-1: {{kind: {DEAR}, other: x}}
    us-east-1: {{kind: {CHEAP}, other: {DEAR}}}
  ByEnv:
    dev: {{kind: {CHEAP}, eu-west-1: {CHEAP}, list: [a, b]}}
    prod: {{kind: {DEAR}, eu-west-1: {DEAR}, list: [a, b, c]}}
Conditions:
  InIreland: !Equals [!Ref 'AWS::Region', eu-west-1]
  InTokyo: !Equals [!Ref 'AWS::Region', ap-northeast-1]
  IsProd: !Equals [!Ref Env, prod]
"""
REGION = "the region is chosen at deployment: give --region or set it in the configuration"
SECRETS = "unknown a part of it is read from Secrets Manager at deployment"
IMPORTED = 'unknown the name of the imported value is not known: parameter "Open" has no default'


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        # the region: the keys of a map are the regions that a deployment may be in
        ("!FindInMap [ByRegion, !Ref 'AWS::Region', kind]", "fail AWS::Region = eu-west-1"),
        ("!FindInMap [ByRegion, !Sub '${AWS::Region}', kind]", "fail AWS::Region = eu-west-1"),
        (f"!FindInMap [ByRegion, !Ref 'AWS::Region', kind, {{DefaultValue: {CHEAP}}}]", "fail AWS::Region = eu-west-1"),
        (f"!FindInMap [ByRegion, !Ref 'AWS::Region', none, {{DefaultValue: {DEAR}}}]", "fail"),
        (f"!If [InIreland, {CHEAP}, !FindInMap [ByRegion, !Ref 'AWS::Region', kind]]", "pass"),
        (f"!If [InIreland, !FindInMap [ByRegion, !Ref 'AWS::Region', other], {CHEAP}]", "fail AWS::Region = eu-west-1"),
        (f"!If [InTokyo, {CHEAP}, !FindInMap [ByRegion, !Ref 'AWS::Region', kind]]", "fail AWS::Region = eu-west-1"),
        ("!If [InTokyo, !FindInMap [ByRegion, !Ref 'AWS::Region', kind], ml.t3.large]", "pass"),
        ("!FindInMap [ByEnv, !Ref Env, !Ref 'AWS::Region']", "fail Env = prod"),
        ("!FindInMap [ByRegion, !Ref 'AWS::Region', !If [IsProd, other, kind]]", "fail either"),
        ("!Ref 'AWS::Region'", f"unknown {REGION}"),
        # other open keys
        ("!FindInMap [ByEnv, !Ref Open, kind]", "fail Open = prod"),
        ("!FindInMap [ByEnv, !ImportValue stage, kind]", "fail !ImportValue stage = prod"),
        ("!FindInMap [ByEnv, !Select [0, !Ref Unheard], kind]", "fail !Select [0, !Ref Unheard] = prod"),
        ("!FindInMap [ByEnv, !Sub 'p${Open}', kind]", "fail"),
        ("!FindInMap [!Ref Open, prod, kind]", 'unknown Fn::FindInMap: parameter "Open" has no default'),
        ("!FindInMap [ByEnv, stage, kind]", 'unknown Fn::FindInMap: there is no key "stage"'),
        ("!FindInMap [ByEnv]", "unknown Fn::FindInMap without a map of this template"),
        # texts
        ("!Sub ['${A}.${B}', {A: ml, B: !Select [1, !Split ['x.', 'x.p4d.24xlarge']]}]", "fail"),
        ("!Join ['', ['{{resolve:ssm:/kind}}', x]]", "unknown a part of it is read from SSM at deployment"),
        ("'{{resolve:secretsmanager:s:SecretString:k}}'", SECRETS),
        ("!Sub '{{resolve:ssm:/${Env}/kind}}'", "unknown a part of it is read from SSM at deployment"),
        ("!Sub 'ml.p4d.24${Open}'", 'unknown parameter "Open" has no default'),
        (f"!Select [1, !Split ['/', !Sub 'a/{DEAR}/${{Open}}']]", "fail"),
        (f"!Select [2, !Split ['/', !Sub 'a/{DEAR}/${{Open}}']]", 'unknown parameter "Open" has no default'),
        (f"!Select [!Ref Env, [{DEAR}]]", "unknown Fn::Select: the list has 1 items and no number dev"),
        ("!Select [!Ref Open, [a]]", 'unknown parameter "Open" has no default'),
        ("!Select [0, !GetAZs '']", "unknown Fn::GetAZs lists the zones of the account at deployment"),
        ("!Select [0, !Cidr ['10.0.0.0/16', 1, 8]]", "unknown Fn::Cidr computes address blocks at deployment"),
        ("!Select ['0', !Split [',', !Join [',', !Ref Names]]]", "fail"),
        ("!Select [0, {Ref: Names}]", "fail"),
        ("!GetStackOutput {StackName: a}", "unknown Fn::GetStackOutput reads another stack at deployment"),
        ("{'Fn::Novelty': [1]}", "unknown Fn::Novelty is evaluated at deployment"),
        ("{'Fn::Transform': {Name: M}}", "unknown a macro (Fn::Transform) gives it at deployment"),
        ("!ImportValue stage", 'unknown the export "stage" is made by another stack'),
        ("!ImportValue {'Fn::Sub': '${Open}-kind'}", IMPORTED),
        # lengths select among types
        (f"!Select [{{'Fn::Length': !Ref Names}}, [a, b, {DEAR}]]", "fail"),
        (f"!Select [{{'Fn::Length': !FindInMap [ByEnv, !Ref Env, list]}}, [a, b, {CHEAP}, {DEAR}]]", "fail Env = prod"),
        ("{'Fn::Length': !Ref Unheard}", 'unknown parameter "Unheard" has no default'),
        # pseudo parameters
        ("!Ref 'AWS::StackName'", "unknown AWS::StackName: the stack's name is chosen at deployment"),
    ],
)  # fmt: skip
def test_the_value_of_an_expression(scanned: Scan, value: str, wanted: str) -> None:
    found = verdict(scanned({"t.yaml": notebook(value, HEAD)}))
    if wanted == "fail either":
        assert "AWS::Region = eu-west-1 and Env = dev" in found
        assert "AWS::Region = us-east-1 and Env = prod" in found
    else:
        assert found == wanted


def test_a_value_of_a_map_names_its_cell(scanned: Scan) -> None:
    (finding,) = scanned({"t.yaml": notebook("!FindInMap [ByEnv, !Ref Env, kind]", HEAD)}).findings
    (related,) = finding.related
    lines = HEAD.splitlines()
    assert related.what == 'value in the map "ByEnv"'
    assert lines[related.span.line - 1][related.span.column - 1 : related.span.end_column - 1] == DEAR
    assert lines[related.span.line - 1].strip().startswith("prod:")


def test_a_list_of_a_map_is_a_list(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {machines: {every: {type: {in: [a, b]}}}}\n"
    )
    text = notebook("!Select [2, !FindInMap [ByEnv, prod, list]]", HEAD)
    assert verdict(scanned({"t.yaml": text}, policy)) == "fail"


TEXT_POLICY = """\
applies_to: sagemaker.notebook_instance
require: {machines: {every: {type: {in: ['%s']}}}}
"""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("{a: 1, b: [x, true, 2.5], c: {d: !Ref Env}}", '{"a":1,"b":["x",true,2.5],"c":{"d":"dev"}}'),
        ("{a: !Ref 'AWS::NoValue', b: x}", '{"b":"x"}'),
        ("{a: !Ref 'AWS::NoValue'}", "{}"),
        ("[!Ref 'AWS::NoValue', é]", '["é"]'),
        ("[]", "[]"),
        ("{}", "{}"),
        ("{a: 'say \"x\"'}", r'{"a":"say \"x\""}'),
    ],
)
def test_to_json_string(scanned: Scan, make_policy: Make, value: str, wanted: str) -> None:
    head = "Parameters: {Env: {Type: String, Default: dev}}\n"
    report = scanned({"t.yaml": notebook(f"{{'Fn::ToJsonString': {value}}}", head)}, make_policy(TEXT_POLICY % "-"))
    (finding,) = report.findings
    assert finding.message == f"Nb has {wanted}"


def test_a_json_text_is_known_in_parts(scanned: Scan, make_policy: Make) -> None:
    head = "Parameters: {Open: {Type: String}}\n"
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {machines: {every: {type: {in: [x]}}}}\n",
        "small",
        "{resource} has {found}",
    )
    text = notebook("{'Fn::ToJsonString': {a: !Ref Open, b: !Sub 'x-${Open}', c: 1}}", head)
    assert verdict(scanned({"t.yaml": text}, policy)) == 'unknown parameter "Open" has no default'


CONDITIONS = """\
Parameters:
  A: {Type: String}
  B: {Type: String}
Conditions:
  Both: !And [!Equals [!ImportValue a, '1'], !Not [!Equals [!ImportValue b, '1']]]
  Alike: !Equals [!ImportValue a, '1']
  Different: !Equals [!ImportValue c, !ImportValue d]
  Twice: !And [!Condition Different, !Not [!Equals [!GetAtt X.Y, !GetAtt X.Z]]]
  Same: !Equals [!Ref A, !Ref A]
  Params: !Equals [!Ref A, !Ref B]
  Prefixed: !Equals [!Sub 'dev-${A}', prod-x]
  One: !Equals [!Ref A, one]
  Two: !Equals [!Ref A, two]
  Neither: !Not [!Or [!Condition One, !Condition Two]]
  Loop: !Condition Pool
  Pool: !Not [!Condition Loop]
  Itself: !Condition Itself
  Odd: nonsense
  Empty: {}
"""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (f"!If [Both, {DEAR}, {CHEAP}]", "fail !ImportValue a = 1 and !ImportValue b = any other value"),
        (f"!If [Both, !If [Alike, {CHEAP}, {DEAR}], {CHEAP}]", "pass"),
        (f"!If [Different, {DEAR}, {CHEAP}]", "fail condition Different = true"),
        (f"!If [Twice, {DEAR}, {CHEAP}]", "fail condition Different = true and condition Twice, comparison 2 = false"),
        (f"!If [Same, {CHEAP}, {DEAR}]", "pass"),
        (f"!If [Params, {DEAR}, {CHEAP}]", "fail condition Params = true"),
        (f"!If [Prefixed, {DEAR}, {CHEAP}]", "pass"),
        (f"!If [One, !If [Two, {DEAR}, {CHEAP}], {CHEAP}]", "pass"),
        (f"!If [Neither, {DEAR}, {CHEAP}]", "fail A = any other value"),
        (f"!If [Neither, !If [One, {DEAR}, {CHEAP}], {CHEAP}]", "pass"),
        (f"!If [Loop, {DEAR}, {CHEAP}]", "fail condition Loop = false"),
        (f"!If [Itself, {DEAR}, {CHEAP}]", "fail condition Itself = true"),
        (f"!If [Odd, {DEAR}, {CHEAP}]", "fail condition Odd = true"),
        (f"!If [Empty, {DEAR}, {CHEAP}]", "fail condition Empty = true"),
    ],
)
def test_conditions(scanned: Scan, value: str, wanted: str) -> None:
    assert verdict(scanned({"t.yaml": notebook(value, CONDITIONS)})) == wanted


LOOP = """\
Resources:
  Fn::ForEach::Notebooks:
    - Size
    - %s
    - Nb${Size}:
        Type: AWS::SageMaker::NotebookInstance
        Properties:
          InstanceType: !Sub ml.${Size}
"""


@pytest.mark.parametrize(
    ("collection", "wanted"),
    [
        ("[t3.medium, p4d.24xlarge]", {"Nbp4d.24xlarge": ""}),
        ("!Ref Sizes", {"Nbp4d.24xlarge": ""}),
        ("[t3.medium, !Ref Sizes]", {"Nbp4d.24xlarge": ""}),
        ("!FindInMap [Sets, !Ref Env, list]", {"Nbp4d.24xlarge": ""}),  # whenever it is there at all
        ("!If [IsProd, [p4d.24xlarge], [t3.medium]]", {"Nbp4d.24xlarge": ""}),
        ("!Split [',', 't3.medium,p4d.24xlarge']", {"Nbp4d.24xlarge": ""}),
        ("[]", {}),
    ],
)
def test_a_loop_writes_resources(scanned: Scan, collection: str, wanted: dict[str, str]) -> None:
    head = (
        "Transform: 'AWS::LanguageExtensions'\nParameters:\n"
        "  Sizes: {Type: CommaDelimitedList, Default: 't3.medium,p4d.24xlarge'}\n"
        "  Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}\n"
        "Mappings: {Sets: {dev: {list: [t3.medium]}, prod: {list: [p4d.24xlarge, t3.medium]}}}\n"
        "Conditions: {IsProd: !Equals [!Ref Env, prod]}\n"
    )
    text = head + LOOP % collection
    report = scanned({"t.yaml": text})
    assert not report.problems
    assert not report.undecided
    assert {one.resource: one.when for one in report.findings} == wanted
    for finding in report.findings:
        line = text.splitlines()[finding.at.line - 1]
        assert line[finding.at.column - 1 : finding.at.end_column - 1] == "InstanceType: !Sub ml.${Size}"


MORE = """\
  Fn::ForEach::Budgets: [N, !Ref Sizes, {"${N}": {Type: AWS::Budgets::Budget}}]
"""


def test_a_loop_over_what_nobody_knows_is_a_gap(scanned: Scan, make_policy: Make) -> None:
    project = make_policy("applies_to: project\nrequire: {resources: {some: {kind: {equals: budgets.budget}}}}\n")
    head = "Parameters: {Sizes: {Type: CommaDelimitedList}}\n"
    text = head + LOOP % "[t3.medium, !Ref Sizes]"
    assert verdict(scanned({"t.yaml": text}, project)) == "fail"  # a loop over notebooks makes no budget
    report = scanned({"t.yaml": text + MORE}, project)
    why = 'Fn::ForEach::Budgets goes over a list that is known at deployment: parameter "Sizes" has no default'
    assert verdict(report) == f"unknown {why}"


NESTED = """\
Parameters: {Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}}
Conditions:
  Fn::ForEach::Stages:
    - Stage
    - [dev, prod]
    - Is${Stage}: !Equals [!Ref Env, !Ref Stage]
Mappings: {Kinds: {dev: {types: [t3.medium]}, prod: {types: [t3.medium, p4d.24xlarge]}}}
Resources:
  Fn::ForEach::Stages:
    - Stage
    - [dev, prod]
    - Fn::ForEach::Kinds:
        - Kind
        - !FindInMap [Kinds, !Ref Stage, types]
        - Nb&{Kind}${Stage}:
            Type: AWS::SageMaker::NotebookInstance
            Condition: !Sub Is${Stage}
            Properties:
              Fn::ForEach::Props:
                - Prop
                - [InstanceType]
                - ${Prop}: !Join [., [ml, !Ref Kind]]
  Kept:
    Type: AWS::SageMaker::NotebookInstance
    Condition: Isprod
    Properties: {InstanceType: !If [Isdev, ml.p4d.24xlarge, ml.t3.medium]}
"""


def test_loops_in_loops_in_conditions_and_in_properties(scanned: Scan) -> None:
    report = scanned({"t.yaml": NESTED.replace("!Sub Is${Stage}", "Is${Stage}")})
    assert not report.problems
    assert {(one.resource, one.when) for one in report.findings} == {("Nbp4d24xlargeprod", "")}
    assert NESTED.splitlines()[report.findings[0].at.line - 1].strip() == "- ${Prop}: !Join [., [ml, !Ref Kind]]"


def test_loops_in_outputs_and_exports(scanned: Scan) -> None:
    child = (
        "Resources: {T: {Type: 'AWS::SNS::Topic'}}\nOutputs:\n  Fn::ForEach::O:\n    - Name\n    - [cheap, dear]\n"
        "    - Kind${Name}:\n        Value: !Select [0, !Split [':', !Join [':', [!FindInMap [M, !Ref Name, k], x]]]]\n"
        "        Export: {Name: !Sub 'shared-${Name}'}\n"
        f"Mappings: {{M: {{cheap: {{k: {CHEAP}}}, dear: {{k: {DEAR}}}}}}}\n"
    )
    nested = "  Child:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: child.yaml}\n"
    for value, wanted in (
        ("!GetAtt Child.Outputs.Kinddear", "fail"),
        ("!GetAtt Child.Outputs.Kindcheap", "pass"),
        ("!ImportValue shared-dear", "fail"),
        ("!ImportValue shared-cheap", "pass"),
    ):
        assert verdict(scanned({"t.yaml": notebook(value) + nested, "child.yaml": child})) == wanted


BODY = """\
Parameters: {Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}}
Conditions: {IsProd: !Equals [!Ref Env, prod]}
Resources:
  B:
    Type: AWS::S3::Bucket
    Properties:
      Tags:
        - !If [IsProd, {Key: stage, Value: prod}, !Ref AWS::NoValue]
        - Key: !Sub "k-${Env}"
          Value: !If [IsProd, !Ref AWS::NoValue, v]
      Deep: {a: {b: !If [IsProd, {c: [!If [IsProd, 1, 2]]}, !Ref AWS::NoValue]}}
      Whole: !If
        - IsProd
        - !If [IsProd, [x], [y]]
        - !Ref AWS::NoValue
"""


def test_conditions_in_tags_and_in_nested_maps(tmp_path: Path) -> None:
    (project,) = load(Root(tmp_path), Document("t.yaml", BODY), lambda _type: True)

    def look(scenario: Scenario) -> object:
        return settled(project.resources[0].body, scenario)

    assert {outcome.decisions["Env"]: outcome.result for outcome in explore(look)} == {
        "dev": {"Tags": [{"Key": "k-dev", "Value": "v"}], "Deep": {"a": {}}},
        "prod": {
            "Tags": [{"Key": "stage", "Value": "prod"}, {"Key": "k-prod"}],
            "Deep": {"a": {"b": {"c": [1]}}},
            "Whole": ["x"],
        },
    }


def settled(node: Node, scenario: Scenario) -> object:
    content = settle(node, scenario).content
    if isinstance(content, Entries):
        below = {key: settled(value, scenario) for key, value in content.nodes.items()}
        return {key: value for key, value in below.items() if value is not None}
    if isinstance(content, Items):
        return [settled(item, scenario) for item in content.nodes]
    return content


def test_a_loop_in_properties_over_what_nobody_knows_may_write_anything(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: s3.bucket\nrequire: {lifecycle_rules: {exists: true}}\n")
    text = (
        "Parameters: {Keys: {Type: CommaDelimitedList}}\nResources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n"
        "      BucketName: b\n      Fn::ForEach::K: [K, !Ref Keys, {'${K}': {Rules: [{Status: Enabled}]}}]\n"
    )
    why = 'Fn::ForEach::K goes over a list that is known at deployment: parameter "Keys" has no default'
    assert verdict(scanned({"t.yaml": text}, policy)) == f"unknown {why}"
    known = text.replace("List}", "List, Default: 'LifecycleConfiguration'}")
    assert verdict(scanned({"t.yaml": known}, policy)) == "pass"


@pytest.mark.parametrize(
    "loop",
    ["[]", "[N, [a]]", "[N, [a], x]", "[1, [a], {}]", "x", "[N, {a: b}, {'${N}': {Type: 'AWS::Budgets::Budget'}}]"],
)
def test_a_loop_of_another_shape_costs_only_itself(scanned: Scan, make_policy: Make, loop: str) -> None:
    project = make_policy("applies_to: project\nrequire: {resources: {some: {kind: {equals: budgets.budget}}}}\n")
    text = notebook(DEAR) + f"  Fn::ForEach::X: {loop}\n"
    assert verdict(scanned({"t.yaml": text})) == "fail"
    assert verdict(scanned({"t.yaml": text}, project)).startswith("unknown Fn::ForEach::X")


def test_loops_are_bounded(scanned: Scan) -> None:
    items = ", ".join(f"i{number}" for number in range(200))
    body = "{'X${A}${B}${C}': {Type: 'AWS::S3::Bucket', Properties: {BucketName: !Ref A}}}"
    for name in "CBA":
        body = f"{{'Fn::ForEach::L{name}': [{name}, [{items}], {body}]}}"
    text = notebook(DEAR) + "  " + body[1:-1] + "\n"
    report = scanned({"t.yaml": text})
    assert [one.resource for one in report.findings] == ["Nb"]


def test_whole_resources_parts_behind_conditions_agree(scanned: Scan, make_policy: Make) -> None:
    """The notebook and the configuration that it names are there in the same scenarios."""
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {on_start: {some: {value: {exists: true}}}}\n"
    )
    text = (
        "Parameters: {Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}}\n"
        "Conditions: {IsProd: !Equals [!Ref Env, prod]}\nResources:\n"
        "  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n    Condition: IsProd\n"
        "    Properties: {LifecycleConfigName: !GetAtt L.NotebookInstanceLifecycleConfigName}\n"
        "  L:\n    Type: AWS::SageMaker::NotebookInstanceLifecycleConfig\n    Condition: IsProd\n"
        "    Properties: {OnStart: [{Content: x}]}\n"
    )
    assert verdict(scanned({"t.yaml": text}, policy)) == "pass"


NETWORK = """\
Parameters: {Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}}
Conditions: {IsProd: !Equals [!Ref Env, prod]}
Resources: {Topic: {Type: 'AWS::SNS::Topic'}}
Outputs:
  Kind: {Value: !If [IsProd, ml.p4d.24xlarge, ml.t3.medium], Export: {Name: shared-kind}}
  Topic: {Value: !Ref Topic, Export: {Name: topic}}
  Own: {Value: x, Export: {Name: !Sub '${AWS::StackName}-x'}}
  Circle: {Value: !ImportValue back, Export: {Name: circle}}
  Sometimes: {Condition: IsProd, Value: ml.p4d.24xlarge, Export: {Name: sometimes}}
"""
BACK = """\
Resources: {T: {Type: 'AWS::SNS::Topic'}}
Outputs: {Back: {Value: !ImportValue circle, Export: {Name: back}}}
"""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ("!ImportValue shared-kind", "fail network.yaml/Env = prod"),
        ("!ImportValue {'Fn::Join': ['-', [shared, kind]]}", "fail network.yaml/Env = prod"),
        ("!ImportValue topic", 'unknown the export "topic" is network.yaml/Topic of another stack'),
        ("!ImportValue stack-x", 'unknown the export "stack-x" is made by another stack'),
        ("!ImportValue circle", 'unknown the export "circle" refers to itself'),
        ("!ImportValue sometimes", "fail network.yaml/Env = prod"),
        ("!ImportValue own", 'unknown the export "own" is made by another stack'),
    ],
)
def test_an_import_is_followed_to_the_template_that_exports_it(scanned: Scan, value: str, wanted: str) -> None:
    own = "Outputs: {Own: {Value: ml.p4d.24xlarge, Export: {Name: own}}}\n"
    report = scanned({"t.yaml": notebook(value) + own, "network.yaml": NETWORK, "back.yaml": BACK})
    assert verdict(report) == wanted


def test_an_import_points_at_the_export(scanned: Scan) -> None:
    report = scanned({"t.yaml": notebook("!ImportValue shared-kind"), "network.yaml": NETWORK})
    assert [(one.what, one.span.path, one.span.line) for one in report.findings[0].related] == [
        ('exported here as "shared-kind"', "network.yaml", 5)
    ]


def test_a_name_that_two_templates_export_is_not_followed(scanned: Scan) -> None:
    report = scanned({"t.yaml": notebook("!ImportValue shared-kind"), "a.yaml": NETWORK, "b.yaml": NETWORK})
    assert verdict(report) == 'unknown the export "shared-kind" is made by another stack'


def test_an_output_that_is_not_always_there(scanned: Scan) -> None:
    child = (
        "Parameters: {Env: {Type: String}}\nConditions: {IsProd: !Equals [!Ref Env, prod]}\n"
        "Resources: {T: {Type: 'AWS::SNS::Topic'}}\n"
        f"Outputs: {{Kind: {{Condition: IsProd, Value: {DEAR}}}}}\n"
    )
    nested = (
        "  Child:\n    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: child.yaml, Parameters: {Env: %s}}\n"
    )
    for environment, wanted in (
        ("prod", "fail"),
        ("dev", 'unknown the output "Kind" is not there where "IsProd" is false'),
    ):
        text = notebook("!GetAtt Child.Outputs.Kind") + nested % environment
        assert verdict(scanned({"t.yaml": text, "child.yaml": child}, paths=("t.yaml",))) == wanted


@pytest.mark.parametrize(
    "stacks",
    [{"C": "C"}, {"C": "D", "D": "C"}, {f"C{n}" if n else "C": f"C{n + 1}" for n in range(40)} | {"C40": "C"}],
    ids=["itself", "one another", "a long circle"],
)
def test_values_that_refer_to_themselves_end(scanned: Scan, stacks: dict[str, str]) -> None:
    text = "".join(
        f"  {name}:\n    Type: AWS::CloudFormation::Stack\n"
        f"    Properties: {{TemplateURL: c.yaml, Parameters: {{P: !GetAtt {other}.Outputs.O}}}}\n"
        for name, other in stacks.items()
    )
    child = (
        "Parameters: {P: {Type: String}}\nResources: {T: {Type: 'AWS::SNS::Topic'}}\nOutputs: {O: {Value: !Ref P}}\n"
    )
    report = scanned({"t.yaml": notebook("!GetAtt C.Outputs.O") + text, "c.yaml": child}, paths=("t.yaml",))
    assert verdict(report).startswith("unknown")


def test_deep_nesting_of_functions_ends(scanned: Scan) -> None:
    value = CHEAP
    for _ in range(60):
        value = f"!If [C, {value}, !Ref 'AWS::NoValue']"
    head = "Conditions: {C: !Equals [a, a]}\n"
    assert verdict(scanned({"t.yaml": notebook(value, head)})) == "pass"
    chain = "".join(f"  C{n}: !Not [!Condition C{n + 1}]\n" for n in range(500))
    head = f"Conditions:\n{chain}  C500: !Equals [a, a]\n"
    assert verdict(scanned({"t.yaml": notebook(f"!If [C0, {CHEAP}, {DEAR}]", head)})).startswith("fail")


def test_more_scenarios_than_are_worth_looking_at_are_said(scanned: Scan) -> None:
    names = [f"P{number}" for number in range(20)]
    parameters = "".join(f"  {name}: {{Type: String, AllowedValues: ['1', '2']}}\n" for name in names)
    value = "!Join ['', [" + ", ".join(f"!Ref {name}" for name in names) + "]]"
    report = scanned({"t.yaml": notebook(value, f"Parameters:\n{parameters}")})
    assert [one.resource for one in report.findings] == ["Nb"]
    value = f"!If [C, {CHEAP}, {CHEAP}]"
    head = f"Parameters:\n{parameters}Conditions:\n  C: !Equals [!Join ['', [" + ", ".join(
        f"!Ref {name}" for name in names
    )
    report = scanned({"t.yaml": notebook(value, head + "]], x]\n")})
    assert "combinations of parameters matter here" in report.undecided[0].because


def many(number: int, line: str) -> str:
    return "".join(f"{line}\n".replace("#", str(index)) for index in range(number))


MANY_KEYS = (
    f"Parameters:\n{many(2000, '  P#: {Type: String}')}Mappings:\n  M:\n{many(20_000, '    k#: {v: x}')}"
    f"Conditions:\n{many(2000, '  C#: !Equals [!FindInMap [M, !Ref P#, v], x]')}"
)
ITEMS = ", ".join(str(number) for number in range(1000))
LOOP_LINE = "  Fn::ForEach::L#: [I, [" + ITEMS + "], {'C${I}x#': x}]"
MANY_LOOPS = f"Conditions:\n{many(300, LOOP_LINE)}"
ANY = "".join(f"{{'Fn::Equals': [!Ref P{number}, a]}}, " for number in range(50))
MANY_RULES = (
    f"Parameters:\n{many(60, '  P#: {Type: String, AllowedValues: [a, b, c]}')}"
    f"Rules:\n{many(300, f'  R#: {{Assertions: [{{Assert: {{Fn::Or: [{ANY}x]}}}}]}}')}"
)
LONG = f"Conditions:\n  C: !Equals [!Join ['', [{'!Ref P, ' * 50_000}x]], !Join ['', []]]\n"


@pytest.mark.parametrize(
    "text", [MANY_KEYS, MANY_LOOPS, MANY_RULES, LONG], ids=["keys", "loops", "rules", "a long expression"]
)
def test_what_explodes_is_bounded(scanned: Scan, text: str) -> None:
    head = text if "Parameters:" in text else f"Parameters: {{P0: {{Type: String, Default: a}}}}\n{text}"
    report = scanned({"t.yaml": notebook(f"!If [C, !Ref P0, {DEAR}]", head)})
    assert not report.problems
    assert report.counts.checks == 1


def test_a_chain_of_imports_ends(scanned: Scan) -> None:
    files = {
        f"s{n}.yaml": "Resources: {T: {Type: 'AWS::SNS::Topic'}}\n"
        f"Outputs: {{O: {{Value: !ImportValue e{n + 1}, Export: {{Name: e{n}}}}}}}\n"
        for n in range(60)
    }
    report = scanned({**files, "t.yaml": notebook("!ImportValue e0")})
    assert verdict(report) == "unknown values are imported through more than 10 stacks"
