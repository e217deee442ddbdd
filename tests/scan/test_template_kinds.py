"""Kinds of templates: SAM, nested stacks, stack sets, macros, modules, and what has an odd shape."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
Make = Callable[..., Policy]
DEAR, CHEAP = "ml.p4d.24xlarge", "ml.t3.medium"
NOTEBOOK = "  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n    Properties:\n      InstanceType: %s\n"
PROJECT = "applies_to: project\nrequire: {resources: {some: {kind: {equals: budgets.budget}}}}\n"
MACHINE = {
    "StartAt": "Train",
    "States": {
        "Train": {
            "Type": "Task",
            "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
            "Parameters": {"ResourceConfig": {"InstanceType": "${Kind}"}},
            "End": True,
        }
    },
}


@pytest.fixture
def types(make_policy: Make) -> Policy:
    """Give a policy that wants every machine to be cheap."""
    return make_policy(
        'applies_to: "*"\nwhen: {machines: {exists: true}}\nrequire: {machines: {every: {type: {in: [ml.t3.*]}}}}\n',
        message="{resource} runs on {found}",
    )


def places(report: Report) -> list[tuple[str, str, int]]:
    assert not report.problems, [str(one) for one in report.problems]
    return [(one.resource, one.at.path, one.at.line) for one in report.findings]


SAM = """\
Transform: AWS::Serverless-2016-10-31
Globals:
  StateMachine:
    DefinitionSubstitutions: {Kind: ml.p4d.24xlarge, Other: x}
    Tags: {team: ml}
Resources:
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: machines/train.asl.json
%s"""


def test_globals_are_merged_into_the_properties(scanned: Scan, types: Policy) -> None:
    machine = json.dumps(MACHINE, indent=1)
    line = machine.split("\n").index('     "InstanceType": "${Kind}"') + 1
    files = {"t.yaml": SAM % "", "machines/train.asl.json": machine}
    report = scanned(files, types)
    assert places(report) == [("Machine/Train", "machines/train.asl.json", line)]
    assert report.findings[0].message == f"Machine/Train runs on {DEAR}"
    assert not scanned(
        {**files, "t.yaml": SAM % "      DefinitionSubstitutions: {Kind: ml.t3.large}\n"}, types
    ).findings


@pytest.mark.parametrize(
    ("shared", "own", "wanted"),
    [
        (
            "{Environment: {Variables: {A: shared, B: b}}}",
            "{Environment: {Variables: {A: own}}}",
            {"A": "own", "B": "b"},
        ),
        ("{Environment: {Variables: {A: shared}}}", "{Environment: {Variables: !Ref X}}", None),
        ("{Environment: {Variables: {A: shared}}}", "{}", {"A": "shared"}),
    ],
)
def test_how_globals_are_merged(
    scanned: Scan, make_policy: Make, shared: str, own: str, wanted: dict[str, str]
) -> None:
    text = (
        f"Transform: [AWS::LanguageExtensions, AWS::Serverless-2016-10-31]\nGlobals:\n  Function: {shared}\n"
        f"Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {own}\n"
    )
    for name in ("A", "B"):
        value = (wanted or {}).get(name)
        test = f"{{equals: {value}}}" if value else "{exists: false}"
        within = f"{{Environment: {{every: {{Variables: {{every: {{{name}: {test}}}}}}}}}}}"
        head = "applies_to: cloudformation:AWS::Serverless::Function\n"
        body = f"{head}when: {within}\nrequire: {{Nothing: {{exists: true}}}}\n"
        report = scanned({"t.yaml": text}, make_policy(body))
        assert len(report.findings) == (1 if wanted else 0)


def test_lists_of_globals_come_first(scanned: Scan, make_policy: Make) -> None:
    text = (
        "Transform: AWS::Serverless-2016-10-31\nGlobals:\n  Function: {Layers: [a, b]}\n"
        "Resources:\n  F:\n    Type: AWS::Serverless::Function\n    Properties: {Layers: [c]}\n"
    )
    policy = make_policy(
        "applies_to: cloudformation:AWS::Serverless::Function\nrequire: {Layers: {every: {value: {in: [none]}}}}\n",
        message="{found}",
    )
    assert [one.message for one in scanned({"t.yaml": text}, policy).findings] == ["a", "b", "c"]


def test_globals_without_the_transform_are_no_globals(scanned: Scan, types: Policy) -> None:
    files = {"t.yaml": (SAM % "").partition("\n")[2], "machines/train.asl.json": json.dumps(MACHINE)}
    report = scanned(files, types)
    assert not report.findings
    assert [one.because for one in report.undecided] == ["nothing is substituted for ${Kind} in the definition"]


@pytest.mark.parametrize(
    ("uri", "because"),
    [
        ("machines/none.asl.json", 'its definition "machines/none.asl.json" is no file of this folder'),
        ("../../etc/passwd", 'its definition "../../etc/passwd" is no file of this folder'),
        ("s3://bucket/key", "its definition is an object in S3"),
        ("machines/broken.json", "its definition cannot be read: not valid"),
    ],
)
def test_a_definition_that_is_no_file_here_is_undecided(
    scanned: Scan, make_policy: Make, uri: str, because: str
) -> None:
    files = {"t.yaml": (SAM % "").replace("machines/train.asl.json", uri), "machines/broken.json": '{"a": ['}
    policy = make_policy("applies_to: sagemaker.training_job\nrequire: {jobs: {every: {spot: {equals: true}}}}\n")
    report = scanned(files, policy)
    assert not report.problems
    assert [one.because.startswith(because) for one in report.undecided] == [True]


def test_a_definition_in_yaml_beside_the_template(scanned: Scan, types: Policy) -> None:
    text = (
        "StartAt: Train\nStates:\n  Train:\n    Type: Task\n"
        "    Resource: !Sub 'arn:${AWS::Partition}:states:::sagemaker:createTrainingJob'\n"
        "    Parameters:\n      ResourceConfig:\n        InstanceType: ml.p3.2xlarge\n"
    )
    files = {"t.yaml": (SAM % "").replace("train.asl.json", "train.asl.yaml"), "machines/train.asl.yaml": text}
    assert places(scanned(files, types)) == [("Machine/Train", "machines/train.asl.yaml", 8)]


CHILD = """\
Parameters: {Kind: {Type: String, Default: ml.t3.large}}
Resources:
  Inner:
    Type: AWS::SageMaker::NotebookInstance
    Properties:
      InstanceType: !Ref Kind
Outputs: {Kind: {Value: !Ref Kind}}
"""


def parent(kind: str, location: str, more: str = "") -> str:
    """Give a template that deploys another one."""
    return (
        f"Transform: AWS::Serverless-2016-10-31\nResources:\n  Child:\n    Type: {kind}\n    Properties:\n"
        f"      {location}\n      Parameters: {{Kind: {DEAR}}}\n{more}"
    )


@pytest.mark.parametrize(
    ("kind", "location"),
    [
        ("AWS::CloudFormation::Stack", "TemplateURL: nested/child.yaml"),
        ("AWS::CloudFormation::Stack", "TemplateURL: ./nested/../nested/child.yaml"),
        ("AWS::CloudFormation::Stack", "TemplateURL: !Rain::S3Http nested/child.yaml"),
        ("AWS::Serverless::Application", "Location: ./nested/child.yaml"),
    ],
)
def test_a_nested_template_is_judged_once_through_its_parent(
    scanned: Scan, types: Policy, kind: str, location: str
) -> None:
    files = {"parent.yaml": parent(kind, location), "nested/child.yaml": CHILD}
    report = scanned(files, types)
    assert places(report) == [("Child/Inner", "nested/child.yaml", 6)]
    assert report.counts.checks == 1
    assert report.counts.projects == 1
    assert report.counts.scanned == 2
    assert [(one.what, one.span.path, one.span.line) for one in report.findings[0].related] == [
        ('value given for parameter "Kind"', "parent.yaml", 7)
    ]
    alone = scanned(files, types, paths=("nested/child.yaml",))
    assert (alone.counts.checks, alone.findings) == (1, ())
    staged = scanned(files, types, only=frozenset(("nested/child.yaml",)))
    assert [one.resource for one in staged.findings] == ["Child/Inner"]


def test_templates_that_nest_each_other_are_still_judged(scanned: Scan, types: Policy) -> None:
    text = (
        "Resources:\n  C:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: %s}\n" + NOTEBOOK % DEAR
    )
    report = scanned({"a.yaml": text % "b.yaml", "b.yaml": text % "a.yaml"}, types)
    assert places(report) == [("Nb", "a.yaml", 8), ("C/Nb", "b.yaml", 8)]


@pytest.mark.parametrize(
    ("kind", "location", "what"),
    [
        (
            "AWS::CloudFormation::Stack",
            "TemplateURL: https://x.s3.amazonaws.com/t.yaml",
            "at https://x.s3.amazonaws.com/t",
        ),
        ("AWS::CloudFormation::Stack", "TemplateURL: file://nested/child.yaml", "at file://nested/child.yaml"),
        ("AWS::CloudFormation::Stack", "TemplateURL: none.yaml", "at none.yaml"),
        ("AWS::CloudFormation::Stack", "TemplateURL: !Ref Url", "at a place that is chosen at deployment"),
        ("AWS::CloudFormation::Stack", "TimeoutInMinutes: 5", "elsewhere"),
        (
            "AWS::CloudFormation::Stack",
            "TemplateURL: other.yaml",
            'the nested stack "Child" deploys what is no template',
        ),
        (
            "AWS::Serverless::Application",
            "Location: {ApplicationId: 'arn:aws:serverlessrepo:x', SemanticVersion: 1.0.0}",
            "in the Serverless Application Repository: arn:aws:serverlessrepo:x",
        ),
        ("AWS::CloudFormation::StackSet", "TemplateURL: https://x/t.yaml", 'the stack set "Child" has its template at'),
    ],
)
def test_a_template_elsewhere_is_a_gap_that_says_where(
    scanned: Scan, make_policy: Make, kind: str, location: str, what: str
) -> None:
    files = {"p.yaml": parent(kind, location, NOTEBOOK % CHEAP), "other.yaml": "just: text\n"}
    report = scanned(files, make_policy(PROJECT))
    assert not report.problems
    assert [what in one.because for one in report.undecided] == [True]


def test_outputs_of_a_nested_stack_join_with_its_resources(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {on_start: {some: {value: {equals: 'aGk='}}}}\n"
    )
    child = (
        "Resources:\n  Stop:\n    Type: AWS::SageMaker::NotebookInstanceLifecycleConfig\n"
        "    Properties: {OnStart: [{Content: aGk=}]}\n"
        "Outputs: {Name: {Value: !GetAtt Stop.NotebookInstanceLifecycleConfigName}}\n"
    )
    text = parent("AWS::CloudFormation::Stack", "TemplateURL: child.yaml", NOTEBOOK % CHEAP)
    text += "      LifecycleConfigName: !GetAtt Child.Outputs.Name\n"
    report = scanned({"p.yaml": text, "child.yaml": child}, policy)
    assert (report.findings, report.undecided, report.counts.checks) == ((), (), 1)


def test_the_condition_and_the_tags_of_a_nested_stack_are_those_of_its_resources(
    scanned: Scan, make_policy: Make
) -> None:
    policy = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region_is_required: {equals: true}}\n")
    tags = "      Tags: [{Key: 'mlguard:residency', Value: eu}]\n"
    never = "    Condition: Never\nConditions: {Never: !Equals [a, b]}\n"
    location = "TemplateURL: nested/child.yaml"
    for more, failing in (("", ["Child/Inner"]), (tags, []), (never, [])):
        files = {"p.yaml": parent("AWS::CloudFormation::Stack", location, more), "nested/child.yaml": CHILD}
        assert [one.resource for one in scanned(files, policy).findings] == failing


def test_tags_go_down_through_several_stacks(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {environment: {equals: production}}\n")
    stack = (
        "Resources:\n  C:\n    Type: AWS::CloudFormation::Stack\n"
        "    Properties: {TemplateURL: %s, Tags: [{Key: environment, Value: %s}]}\n"
    )
    files = {
        "a.yaml": stack % ("b.yaml", "dev"),
        "b.yaml": stack % ("c.yaml", "prod"),
        "c.yaml": "Resources:\n" + NOTEBOOK % CHEAP,
    }
    report = scanned(files, policy)
    assert (report.findings, report.counts.checks) == ((), 1)


BODY = """\
Resources:
  Nb:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !Ref Kind}
Parameters: {Kind: {Type: String, Default: ml.t3.medium}}
"""


def stack_set(body: str, groups: str = "") -> str:
    """Give a template with a stack set whose template is written like this."""
    return (
        "Resources:\n  Set:\n    Type: AWS::CloudFormation::StackSet\n    Properties:\n"
        f"      StackSetName: s\n      PermissionModel: SELF_MANAGED\n{groups}{body}"
    )


def block(text: str, head: str) -> str:
    return f"      TemplateBody: {head}\n" + "".join(f"        {line}\n" for line in text.splitlines())


NB = {"Type": "AWS::SageMaker::NotebookInstance", "Properties": {"InstanceType": DEAR}}
TO_JSON = f"""\
      TemplateBody:
        Fn::ToJsonString:
          Resources:
            Nb:
              Type: AWS::SageMaker::NotebookInstance
              Properties:
                InstanceType: {DEAR}
"""


@pytest.mark.parametrize(
    ("body", "line"),
    [
        (block(BODY.replace("!Ref Kind", DEAR), "|"), 11),
        (block(BODY.replace("!Ref Kind", DEAR), "!Sub |"), 11),
        (block(BODY.replace("!Ref Kind", DEAR), "|-").rstrip(), 11),
        (f"      TemplateBody: '{json.dumps({'Resources': {'Nb': NB}})}'\n", 7),
        (TO_JSON, 13),
    ],
)
def test_the_template_inside_of_a_stack_set_is_read_at_its_lines(
    scanned: Scan, types: Policy, body: str, line: int
) -> None:
    assert places(scanned({"t.yaml": stack_set(body)}, types)) == [("Set/Nb", "t.yaml", line)]


def test_what_is_put_into_the_template_of_a_stack_set(scanned: Scan, types: Policy) -> None:
    body = block(BODY.replace("!Ref Kind", "ml.${Size}").replace("Parameters:", "#"), "!Sub |")
    text = stack_set(body) + "Parameters: {Size: {Type: String%s}}\n"
    assert places(scanned({"t.yaml": text % ", Default: p4d.24xlarge"}, types)) == [("Set/Nb", "t.yaml", 11)]
    report = scanned({"t.yaml": text % ""}, types)
    assert [(one.resource, one.because) for one in report.undecided] == [("Set/Nb", 'parameter "Size" has no default')]


def test_the_parameters_and_the_regions_of_a_stack_set(scanned: Scan, types: Policy, make_policy: Make) -> None:
    groups = (
        f"      Parameters: [{{ParameterKey: Kind, ParameterValue: {DEAR}}}]\n"
        "      StackInstancesGroup:\n        - {Regions: [us-east-1, eu-west-1], DeploymentTargets: {Accounts: []}}\n"
    )
    text = stack_set(block(BODY, "|"), groups)
    (finding,) = scanned({"t.yaml": text}, types).findings
    assert finding.when == ""
    assert [one.what for one in finding.related] == ['value given for parameter "Kind"']
    region = make_policy("applies_to: sagemaker.notebook_instance\nrequire: {region: {in: [us-*]}}\n")
    (finding,) = scanned({"t.yaml": text}, region, region="ap-south-1").findings
    assert finding.when == "AWS::Region = eu-west-1"
    one = text.replace("us-east-1, ", "")
    assert [one.when for one in scanned({"t.yaml": one}, region, region="us-east-1").findings] == [""]
    unknown = scanned({"t.yaml": stack_set(block(BODY, "|"))}, region, region="us-east-1")
    assert (unknown.findings, len(unknown.undecided)) == ((), 1)


@pytest.mark.parametrize("body", ["!Rain::Embed nested/child.yaml", "{'Rain::Embed': nested/child.yaml}"])
def test_a_template_that_rain_embeds_is_the_file_that_it_names(scanned: Scan, types: Policy, body: str) -> None:
    groups = f"      Parameters: [{{ParameterKey: Kind, ParameterValue: {DEAR}}}]\n"
    text = stack_set(f"      TemplateBody: {body}\n", groups)
    assert places(scanned({"t.yaml": text, "nested/child.yaml": CHILD}, types)) == [
        ("Set/Inner", "nested/child.yaml", 6)
    ]


def test_stack_instances_that_override_a_parameter_leave_it_open(scanned: Scan, types: Policy) -> None:
    groups = (
        f"      Parameters: [{{ParameterKey: Kind, ParameterValue: {DEAR}}}]\n      StackInstancesGroup:\n"
        "        - Regions: [us-east-1]\n          ParameterOverrides: [{ParameterKey: Kind, ParameterValue: x}]\n"
    )
    report = scanned({"t.yaml": stack_set(block(BODY, "|"), groups)}, types)
    assert [one.because for one in report.undecided] == ['stack instances override the parameter "Kind"']


def test_a_broken_template_in_a_stack_set_costs_only_itself(scanned: Scan, types: Policy) -> None:
    report = scanned({"t.yaml": stack_set(block("Resources: [\n", "|")) + NOTEBOOK % DEAR}, types)
    assert [one.resource for one in report.findings] == ["Nb"]
    assert [one.path for one in report.problems] == ["t.yaml"]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("  M: {Type: My::Org::Thing::MODULE, Properties: {A: b}}\n", "the module My::Org::Thing::MODULE"),
        ("  M:\n    Type: !Rain::Module ./module.yaml\n", 'the type of "M" is chosen at deployment'),
        ("  M: {'Fn::Transform': {Name: X}}\n", 'a macro makes the resource "M" at deployment'),
        (
            "  Fn::Transform: {Name: 'AWS::Include', Parameters: {Location: 's3://b/k'}}\n",
            "Fn::Transform adds resources",
        ),
        ("Fn::Transform: {Name: 'AWS::Include'}\n", "the macro AWS::Include may add resources at deployment"),
        ("Transform: [AWS::Serverless-2016-10-31, {Name: Mine}]\n", "the macro Mine may add resources at deployment"),
        ("Transform: [!Ref X]\n", "the macro of an unknown name"),
    ],
)
def test_what_a_macro_or_a_module_may_add_is_a_gap(scanned: Scan, make_policy: Make, text: str, what: str) -> None:
    report = scanned({"t.yaml": "Resources:\n" + NOTEBOOK % CHEAP + text}, make_policy(PROJECT))
    assert not report.problems
    assert [one.because.startswith(what) for one in report.undecided] == [True]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("    Fn::Transform: {Name: M}\n    Properties: {InstanceType: ml.t3.medium}\n", ()),
        ("    Fn::Transform: {Name: M}\n", ("a macro (Fn::Transform) adds to this at deployment",)),
        ("    Properties: {'Fn::Transform': {Name: M}}\n", ("Fn::Transform is evaluated at deployment",)),
        (
            "    Properties: {'Fn::Transform': {Name: M}, RoleArn: x}\n",
            ("a macro (Fn::Transform) adds to this at deployment",),
        ),
    ],
)
def test_what_a_macro_hides_of_a_resource_is_open(
    scanned: Scan, make_policy: Make, text: str, wanted: tuple[str, ...]
) -> None:
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {machines: {every: {type: {in: [ml.t3.*]}}}}\n"
    )
    report = scanned({"t.yaml": f"Resources:\n  Nb:\n    Type: AWS::SageMaker::NotebookInstance\n{text}"}, policy)
    assert not report.findings
    assert not report.problems
    assert tuple(one.because for one in report.undecided) == wanted


@pytest.mark.parametrize(
    ("name", "reference", "wanted"),
    [
        ("stop-idle", "stop-idle", "pass"),
        ("stop-idle", "other", "unknown"),
        ('!Sub "${AWS::StackName}-stop"', '!Sub "${AWS::StackName}-stop"', "pass"),
        ('!Sub "${Team}-stop"', '!Sub "${Team}-stop"', "pass"),
        ('!Sub "${Team}-stop"', '!Sub "${Other}-stop"', "unknown"),
        ('!Sub "${Team}-stop"', '!Sub "${Team}-start"', "unknown"),
        ('!Sub "${Team}-${Other}"', '!Sub "${Team}-${AWS::StackName}"', "unknown"),
    ],
)
def test_a_resource_is_found_by_its_literal_name(
    scanned: Scan, make_policy: Make, name: str, reference: str, wanted: str
) -> None:
    policy = make_policy(
        "applies_to: sagemaker.notebook_instance\nrequire: {on_start: {some: {value: {equals: 'aGk='}}}}\n"
    )
    text = (
        "Parameters: {Team: {Type: String}, Other: {Type: String}}\nResources:\n  Stop:\n"
        "    Type: AWS::SageMaker::NotebookInstanceLifecycleConfig\n"
        f"    Properties: {{NotebookInstanceLifecycleConfigName: {name}, OnStart: [{{Content: aGk=}}]}}\n"
        + NOTEBOOK % CHEAP
        + f"      LifecycleConfigName: {reference}\n"
    )
    report = scanned({"t.yaml": text}, policy)
    assert not report.findings
    assert ("unknown" if report.undecided else "pass") == wanted
