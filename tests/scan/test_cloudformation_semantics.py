"""What a template means: real text in, verdicts with their places and scenarios out."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
Make = Callable[..., Policy]
DEAR, CHEAP = "ml.p4d.24xlarge", "ml.t3.medium"


def notebook(value: str, head: str = "", more: str = "") -> str:
    """Give a template with one notebook whose instance type is `value`."""
    return (
        f"{head}Resources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n{more}"
        f"    Properties:\n      InstanceType: {value}\n"
    )


def verdict(report: Report) -> str:
    """Say how the one check ended."""
    assert not report.problems, [str(one) for one in report.problems]
    if report.findings:
        return "fail"
    return "unknown" if report.undecided else "pass" if report.counts.checks else "silent"


PARAMETERS = """\
Parameters:
  Open: {Type: String}
  Dear: {Type: String, Default: ml.p4d.24xlarge}
  Cheap: {Type: String, Default: ml.t3.medium}
  Closed: {Type: String, Default: ml.t3.medium, AllowedValues: [ml.t3.medium, ml.t3.large]}
  Mixed: {Type: String, Default: ml.t3.medium, AllowedValues: [ml.t3.medium, ml.p4d.24xlarge]}
  Ssm: {Type: 'AWS::SSM::Parameter::Value<String>', Default: /some/name}
  Types: {Type: CommaDelimitedList, Default: 'ml.t3.medium, ml.p4d.24xlarge'}
  Size: {Type: String, Default: p4d.24xlarge}
  Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}
Mappings:
  ByEnv:
    dev: {type: ml.t3.medium}
    prod: {type: ml.p4d.24xlarge}
Conditions:
  IsProd: !Equals [!Ref Env, prod]
  IsDev: !Not [!Condition IsProd]
  Never: !Equals [a, b]
"""


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (DEAR, "fail"),
        (CHEAP, "pass"),
        ("!Ref Dear", "fail"),
        ("!Ref Cheap", "pass"),
        ("!Ref Closed", "pass"),
        ("!Ref Mixed", "fail"),
        ("!Ref Open", "unknown"),
        ("!Ref Ssm", "unknown"),
        ("!Ref Nowhere", "unknown"),
        ("!Select [0, !Ref Types]", "pass"),
        ("!Select [1, !Ref Types]", "fail"),
        ("!Select [7, !Ref Types]", "unknown"),
        ("!Sub 'ml.${Size}'", "fail"),
        ("!Sub ['ml.${S}', {S: t3.medium}]", "pass"),
        ("!Sub 'ml.t3.${Open}'", "unknown"),
        ("!Sub 'ml.${!Size}'", "fail"),
        ("!Join ['.', [ml, t3, medium]]", "pass"),
        ("!Join ['', [ml., !Ref Size]]", "fail"),
        ("!Join ['.', !Split [':', 'ml:t3:medium']]", "pass"),
        ("!Select [1, !Split ['/', 'x/ml.t3.medium']]", "pass"),
        ("!FindInMap [ByEnv, dev, type]", "pass"),
        ("!FindInMap [ByEnv, prod, type]", "fail"),
        ("!FindInMap [ByEnv, !Ref Env, type]", "fail"),
        ("!FindInMap [ByEnv, staging, type]", "unknown"),
        ("!FindInMap [ByEnv, !Ref Open, type]", "fail"),  # it is one of the keys, or the deployment fails
        ("!FindInMap [ByEnv, staging, type, {DefaultValue: ml.t3.large}]", "pass"),
        ("!If [IsProd, ml.t3.large, ml.t3.medium]", "pass"),
        ("!If [IsProd, ml.p4d.24xlarge, ml.t3.medium]", "fail"),
        ("!If [Never, ml.p4d.24xlarge, ml.t3.medium]", "pass"),
        ("!If [IsProd, !If [IsDev, ml.p4d.24xlarge, ml.t3.large], ml.t3.medium]", "pass"),
        ("!If [Nowhere, ml.p4d.24xlarge, ml.t3.medium]", "fail"),
        ("!If [IsProd]", "unknown"),
        ("!ImportValue x", "unknown"),
        ("!GetAtt Nb.Arn", "unknown"),
        ("{Ref: Dear}", "fail"),
        ("{'Fn::Sub': 'ml.${Size}'}", "fail"),
        ("!Transform {Name: M}", "unknown"),
    ],
)
def test_the_value_of_an_expression(scanned: Scan, value: str, wanted: str) -> None:
    assert verdict(scanned({"t.yaml": notebook(value, PARAMETERS)})) == wanted


def test_a_finding_stands_at_key_and_value_and_names_the_default(scanned: Scan) -> None:
    (finding,) = scanned({"t.yaml": notebook("!Ref Dear", PARAMETERS)}).findings
    lines = notebook("!Ref Dear", PARAMETERS).split("\n")
    assert lines[finding.at.line - 1][finding.at.column - 1 : finding.at.end_column - 1] == "InstanceType: !Ref Dear"
    (related,) = finding.related
    assert (related.what, related.span.line) == ('default of parameter "Dear"', 3)


def test_an_allowed_value_is_a_scenario_with_a_witness(scanned: Scan) -> None:
    (finding,) = scanned({"t.yaml": notebook("!Ref Mixed", PARAMETERS)}).findings
    assert finding.when == "Mixed = ml.p4d.24xlarge"
    assert [one.what for one in finding.related] == ['allowed value of parameter "Mixed"']
    assert "ml.p4d.24xlarge" in finding.message


def test_a_condition_is_a_scenario_with_a_witness(scanned: Scan) -> None:
    value = "!If [IsProd, ml.p4d.24xlarge, ml.t3.medium]"
    (finding,) = scanned({"t.yaml": notebook(value, PARAMETERS)}).findings
    assert finding.when == "Env = prod"


def test_conditions_of_one_parameter_are_correlated(scanned: Scan) -> None:
    """The dear value stands in a branch that the resource's own condition rules out."""
    more = "    Condition: IsDev\n"
    value = "!If [IsProd, ml.p4d.24xlarge, ml.t3.medium]"
    assert verdict(scanned({"t.yaml": notebook(value, PARAMETERS, more)})) == "pass"


def test_a_resource_that_no_scenario_deploys_is_not_judged(scanned: Scan) -> None:
    report = scanned({"t.yaml": notebook(DEAR, PARAMETERS, "    Condition: Never\n")})
    assert verdict(report) == "silent"


@pytest.mark.parametrize(
    ("equals", "wanted"),
    [("!Equals [!Ref P, prod]", "P = prod"), ("!Not [!Equals [prod, !Ref P]]", "P = any other value")],
)
def test_an_open_parameter_is_explored_over_what_it_is_compared_with(scanned: Scan, equals: str, wanted: str) -> None:
    head = f"Parameters: {{P: {{Type: String}}}}\nConditions:\n  C: {equals}\n"
    (finding,) = scanned({"t.yaml": notebook("!If [C, ml.p4d.24xlarge, ml.t3.medium]", head)}).findings
    assert finding.when == wanted


def test_the_parameter_that_a_condition_decided_has_that_value_elsewhere(scanned: Scan, make_policy: Make) -> None:
    """Which policy looks first makes no difference."""
    head = "Parameters: {P: {Type: String}}\nConditions:\n  C: !Equals [!Ref P, ml.p4d.24xlarge]\n"
    text = notebook("!Ref P", head) + "      LifecycleConfigName: !If [C, x, !Ref 'AWS::NoValue']\n"
    first = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {machines: {every: {type: {exists: true}}}}\n", "a-first"
    )
    second = make_policy(
        "applies_to: sagemaker.notebook_instance\nwhen: {lifecycle_config: {exists: true}}\n"
        "require: {machines: {every: {type: {in: [ml.t3.*]}}}}\n",
        "b-second",
    )
    alone = scanned({"t.yaml": text}, second)
    together = scanned({"t.yaml": text}, first, second)
    assert [one.policy.id for one in alone.findings] == ["b-second"]
    assert [one.policy.id for one in together.findings] == ["b-second"]


def test_whole_properties_behind_a_condition(scanned: Scan) -> None:
    text = (
        PARAMETERS
        + "Resources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n    Properties: !If\n      - IsProd\n"
        "      - InstanceType: ml.p4d.24xlarge\n      - InstanceType: ml.t3.medium\n"
    )
    (finding,) = scanned({"t.yaml": text}).findings
    assert finding.when == "Env = prod"
    assert text.split("\n")[finding.at.line - 1].strip() == "- InstanceType: ml.p4d.24xlarge"


ENDPOINT = """\
Resources:
  Config:
    Type: AWS::SageMaker::EndpointConfig
    Properties:
      ProductionVariants:
        - {VariantName: a, InstanceType: ml.t3.medium}
        - !If [IsProd, {VariantName: b, InstanceType: ml.p4d.24xlarge}, !Ref 'AWS::NoValue']
        - {VariantName: c, InstanceType: !If [IsProd, !Ref 'AWS::NoValue', ml.g5.48xlarge]}
"""


def test_list_items_behind_conditions_come_and_go(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: sagemaker.endpoint_config\n"
        "require: {machines: {every: {any: [{type: {exists: false}}, {type: {in: [ml.t3.*]}}]}}}\n"
    )
    report = scanned({"t.yaml": PARAMETERS + ENDPOINT}, policy)
    assert {(one.when, one.message.rsplit(" ", 1)[-1]) for one in report.findings} == {
        ("Env = prod", "ml.p4d.24xlarge"),
        ("Env = dev", "ml.g5.48xlarge"),
    }


def test_no_value_is_absent_and_an_empty_list_is_no_list(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: s3.bucket\nrequire: {lifecycle_rules: {exists: true}}\n")
    head = "Resources:\n  B:\n    Type: AWS::S3::Bucket\n    Properties:\n"
    text = head + "      LifecycleConfiguration:\n        Rules: %s\n"
    for value, wanted in (
        ("[!Ref 'AWS::NoValue']", "fail"),
        ("!Ref 'AWS::NoValue'", "fail"),
        ("[]", "fail"),
        ("[{Status: Enabled}]", "pass"),
        ("!ImportValue x", "unknown"),
    ):
        assert verdict(scanned({"t.yaml": text % value}, policy)) == wanted, value


def test_a_script_is_read_through_base64_and_sub(scanned: Scan, make_policy: Make) -> None:
    encoded = base64.b64encode(b"cron aws").decode()
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\n"
        f"require: {{on_start: {{some: {{value: {{equals: '{encoded}'}}}}}}}}\n"
    )
    text = (
        "Resources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n    Properties:\n"
        "      LifecycleConfigName: !GetAtt L.NotebookInstanceLifecycleConfigName\n  L:\n"
        "    Type: AWS::SageMaker::NotebookInstanceLifecycleConfig\n    Properties:\n      OnStart:\n"
        "        - Content: {'Fn::Base64': !Sub 'cron ${AWS::Partition}'}\n"
    )
    assert verdict(scanned({"t.yaml": text}, policy, region="eu-west-1")) == "pass"


PARENT = """\
Parameters: {Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}}
Conditions: {IsProd: !Equals [!Ref Env, prod]}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties:
      TemplateURL: ./nested/child.yaml
      Parameters: {Kind: !If [IsProd, ml.p4d.24xlarge, ml.t3.medium]}
  Nb:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !GetAtt Child.Outputs.Kind}
"""
CHILD = """\
Parameters: {Kind: {Type: String, Default: ml.t3.large}}
Resources:
  Inner:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: !Ref Kind
Outputs: {Kind: {Value: !Ref Kind}}
"""


def test_a_nested_stack_gets_its_parameters_and_gives_its_outputs(scanned: Scan) -> None:
    report = scanned({"parent.yaml": PARENT, "nested/child.yaml": CHILD}, paths=("parent.yaml",))
    assert {(one.resource, one.when) for one in report.findings} == {
        ("Child/Inner", "Env = prod"),
        ("Nb", "Env = prod"),
    }
    inner = next(one for one in report.findings if one.resource == "Child/Inner")
    assert (inner.at.path, inner.at.line) == ("nested/child.yaml", 6)
    assert any(one.span.path == "parent.yaml" for one in inner.related)


@pytest.mark.parametrize("url", ["https://example.com/t.yaml", "../out.yaml", "/etc/passwd", "./none.yaml", "!Ref X"])
def test_a_nested_stack_elsewhere_is_not_read(scanned: Scan, url: str) -> None:
    text = f"Resources:\n  C:\n    Type: AWS::CloudFormation::Stack\n    Properties:\n      TemplateURL: {url}\n"
    report = scanned({"in/t.yaml": text + notebook(DEAR).removeprefix("Resources:\n"), "x/y.txt": ""})
    assert [one.resource for one in report.findings] == ["Nb"]
    assert not report.problems


def test_a_template_that_nests_itself_ends(scanned: Scan) -> None:
    text = "Resources:\n  C:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: t.yaml}\n"
    report = scanned({"t.yaml": text + notebook(DEAR).removeprefix("Resources:\n")})
    assert report.findings
    assert not report.problems


PROJECT = "applies_to: project\nrequire: {resources: {some: {kind: {equals: budgets.budget}}}}\n"


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        ("", "fail"),
        ("Transform: AWS::Serverless-2016-10-31\n", "fail"),
        ("Transform: [MyMacro]\n", "unknown"),
        ("Transform: {Name: 'AWS::Include', Parameters: {Location: x}}\n", "unknown"),
    ],
)
def test_a_macro_may_add_what_is_missing(scanned: Scan, make_policy: Make, head: str, wanted: str) -> None:
    assert verdict(scanned({"t.yaml": notebook(CHEAP, head)}, make_policy(PROJECT))) == wanted


def test_a_loop_over_resources_may_add_what_is_missing(scanned: Scan, make_policy: Make) -> None:
    head = "Parameters: {Names: {Type: CommaDelimitedList}}\n"
    text = "  Fn::ForEach::X: [N, %s, {'${N}': {Type: 'AWS::%s'}}]\n"
    cases = (
        ("!Ref Names", "Budgets::Budget", "unknown"),
        ("!Ref Names", "S3::Bucket", "fail"),
        ("[a]", "S3::Bucket", "fail"),
    )
    for collection, made, wanted in cases:
        template = notebook(CHEAP, head) + text % (collection, made)
        assert verdict(scanned({"t.yaml": template}, make_policy(PROJECT))) == wanted


@pytest.mark.parametrize(
    "broken",
    ["  Bad: x\n", "  Bad: [1]\n", "  Bad: {}\n", "  Bad: {Type: AWS::S3::Bucket, Properties: [x]}\n", "  Bad:\n"],
)
def test_a_broken_resource_costs_only_itself(scanned: Scan, broken: str) -> None:
    report = scanned({"t.yaml": notebook(DEAR) + broken})
    assert [one.resource for one in report.findings] == ["Nb"]
    assert [(one.path, one.line) for one in report.problems] == [("t.yaml", 6)]
    assert '"Bad"' in report.problems[0].message


def test_every_document_of_a_file_is_a_template_of_its_own(scanned: Scan) -> None:
    text = f"{notebook(DEAR)}---\nnot: a template\n---\n{notebook(DEAR)}"
    report = scanned({"t.yaml": text})
    assert [one.at.line for one in report.findings] == [5, 13]
    assert len({one.project for one in report.findings}) == 2
    assert len({one.fingerprint for one in report.findings}) == 2


def test_the_region_of_the_stack(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region: {in: [us-*]}}\n")
    text = notebook(
        "!If [Us, ml.t3.medium, ml.t3.large]", "Conditions: {Us: !Equals [!Ref 'AWS::Region', us-east-1]}\n"
    )
    assert verdict(scanned({"t.yaml": notebook(CHEAP)}, policy)) == "unknown"
    assert verdict(scanned({"t.yaml": notebook(CHEAP)}, policy, region="us-east-1")) == "pass"
    assert verdict(scanned({"t.yaml": text}, policy, region="eu-west-1")) == "fail"


def test_a_template_of_json_has_places_too(scanned: Scan) -> None:
    text = (
        '{"Resources": {\n  "Nb": {"Type": "AWS::SageMaker::NotebookInstance",\n'
        '    "Properties": {"InstanceType": "ml.p4d.24xlarge"}}}}'
    )
    (finding,) = scanned({"t.json": text}).findings
    assert (finding.at.line, finding.at.column) == (3, 20)


def test_absence_is_reported_at_the_logical_id(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {lifecycle_config: {exists: true}}\n")
    (finding,) = scanned({"t.yaml": notebook(CHEAP)}, policy).findings
    assert (finding.at.line, finding.at.column, finding.at.end_column) == (2, 3, 5)


def test_secrets_beside_a_finding_are_not_in_it(scanned: Scan) -> None:
    text = notebook(DEAR) + "      NotebookInstanceName: hunter2-secret\n"
    (finding,) = scanned({"t.yaml": text}).findings
    assert "hunter2" not in finding.message + str(finding.related)


def test_the_same_input_gives_the_same_report(scanned: Scan) -> None:
    files = {"b.yaml": notebook("!Ref Mixed", PARAMETERS), "a.yaml": notebook(DEAR)}
    first, second = scanned(files), scanned(files)
    assert [(one.fingerprint, one.at, one.when) for one in first.findings] == [
        (one.fingerprint, one.at, one.when) for one in second.findings
    ]
    assert [one.at.path for one in first.findings] == ["a.yaml", "b.yaml"]
