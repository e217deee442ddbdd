"""Jobs inside of state machines, pipelines and schedules: found wherever they are written, at their own lines."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from mlguard.finding import Report
from mlguard.policy.model import Policy

Scan = Callable[..., Report]
Make = Callable[..., Policy]
CREATE = "arn:aws:states:::sagemaker:createTrainingJob.sync"
DEAR, CHEAP = "ml.p4d.24xlarge", "ml.m5.large"
STATE = {
    "Type": "Task",
    "Resource": CREATE,
    "Parameters": {"ResourceConfig": {"InstanceType": DEAR, "InstanceCount": 2, "VolumeSizeInGB": 50}},
    "End": True,
}
MACHINE = {"StartAt": "Train", "States": {"Train": STATE}}


@pytest.fixture
def types(make_policy: Make) -> Policy:
    """Give a policy that wants every machine of every job to be cheap."""
    return make_policy(
        'applies_to: "*"\nwhen: {machines: {exists: true}}\nrequire: {machines: {every: {type: {in: [ml.m5.*]}}}}\n',
        message="{resource} runs on {found}",
    )


def machine(definition: str, more: str = "") -> str:
    """Give a template with one state machine whose definition is written like this."""
    head = "Resources:\n  M:\n    Type: AWS::StepFunctions::StateMachine\n    Properties:\n      RoleArn: x\n"
    return f"{head}      {definition}\n{more}"


def indented(text: str, blanks: int) -> str:
    return "\n".join(" " * blanks + line if line else line for line in text.split("\n"))


def place_of(report: Report, files: dict[str, str]) -> tuple[str, int, str]:
    """Give the resource of the one finding, its line, and what stands there."""
    assert not report.problems, [str(one) for one in report.problems]
    (finding,) = report.findings
    text = files[finding.at.path].split("\n")[finding.at.line - 1]
    return finding.resource, finding.at.line, text[finding.at.column - 1 : finding.at.end_column - 1]


BLOCK = json.dumps(MACHINE, indent=2)
LINE = json.dumps(MACHINE)
WRITTEN = {
    "a block": (f"DefinitionString: |\n{indented(BLOCK, 8)}", 15, f'"InstanceType": "{DEAR}"'),
    "a block with its indent": (f"DefinitionString: |2-\n{indented(BLOCK, 8)}", 15, f'"InstanceType": "{DEAR}"'),
    "a folded block": (f"DefinitionString: >-\n{indented(BLOCK, 8)}", 15, f'"InstanceType": "{DEAR}"'),
    "a block of Fn::Sub": (f"DefinitionString: !Sub |\n{indented(BLOCK, 8)}", 15, f'"InstanceType": "{DEAR}"'),
    "the long Fn::Sub": (
        f"DefinitionString:\n        Fn::Sub: |\n{indented(BLOCK, 10)}",
        16,
        f'"InstanceType": "{DEAR}"',
    ),
    "Fn::Sub of a list": (
        f"DefinitionString: !Sub\n        - |\n{indented(BLOCK, 10)}\n        - {{}}",
        16,
        f'"InstanceType": "{DEAR}"',
    ),
    "single quotes": (f"DefinitionString: '{LINE}'", 6, f'"InstanceType": "{DEAR}"'),
    "double quotes": (f"DefinitionString: {json.dumps(LINE)}", 6, f'\\"InstanceType\\": \\"{DEAR}\\"'),
    "a mapping": (f"Definition:\n{indented(BLOCK, 8)}", 15, f'"InstanceType": "{DEAR}"'),
    "Fn::Join": (f"DefinitionString: !Join ['', ['{LINE[:40]}', '{LINE[40:]}']]", 6, "DefinitionString: !Join"),
}


@pytest.mark.parametrize("how", WRITTEN)
def test_a_job_is_found_at_its_own_line(scanned: Scan, types: Policy, how: str) -> None:
    definition, line, shown = WRITTEN[how]
    files = {"t.yaml": machine(definition)}
    resource, found, text = place_of(scanned(files, types), files)
    assert (resource, found) == ("M/Train", line)
    assert text.startswith(shown)


def test_a_text_that_the_end_of_the_file_ends_has_places_too(scanned: Scan, types: Policy) -> None:
    files = {"t.yaml": machine(WRITTEN["a block"][0]).rstrip()}
    assert place_of(scanned(files, types), files)[1] == WRITTEN["a block"][1]


def test_what_is_absent_is_reported_at_the_key_of_the_state(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: sagemaker.training_job\nrequire: {jobs: {every: {max_runtime_seconds: {exists: true}}}}\n"
    )
    for definition in (WRITTEN["a block"][0], WRITTEN["a mapping"][0]):
        files = {"t.yaml": machine(definition)}
        assert place_of(scanned(files, policy), files) == ("M/Train", 10, '"Train"')


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        (CREATE, "sagemaker.training_job"),
        ("arn:aws-us-gov:states:::sagemaker:createTrainingJob", "sagemaker.training_job"),
        ("arn:aws:states:::aws-sdk:sagemaker:createTrainingJob", "sagemaker.training_job"),
        ("arn:aws:states:::sagemaker:createProcessingJob.sync", "sagemaker.processing_job"),
        ("arn:aws:states:::sagemaker:createTransformJob.sync", "sagemaker.transform_job"),
        ("arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync", "sagemaker.tuning_job"),
        ("arn:aws:states:::sagemaker:createEndpointConfig", "sagemaker.endpoint_config"),
        ("arn:aws:states:::elasticmapreduce:createCluster.sync", "emr.cluster"),
        ("arn:aws:states:::aws-sdk:emr:runJobFlow", "emr.cluster"),
        ("arn:aws:states:::batch:submitJob.sync", "batch.job"),
        ("arn:aws:states:::lambda:invoke", ""),
        ("arn:aws:states:::sagemaker:createModel", ""),
    ],
)
def test_which_calls_start_a_job(scanned: Scan, make_policy: Make, resource: str, kind: str) -> None:
    every = ["sagemaker.training_job", "sagemaker.processing_job", "sagemaker.transform_job", "sagemaker.tuning_job"]
    every += ["sagemaker.endpoint_config", "emr.cluster", "batch.job"]
    policy = make_policy(f"applies_to: {json.dumps(every)}\nrequire: {{region: {{equals: nowhere}}}}\n")
    text = machine(f"DefinitionString: '{LINE.replace(CREATE, resource)}'")
    report = scanned({"t.yaml": text}, policy, region="us-east-1")
    assert [finding.resource_type for finding in report.findings] == ([kind] if kind else [])


def test_the_partition_of_a_call_may_be_open(scanned: Scan, types: Policy) -> None:
    text = LINE.replace("arn:aws:", "arn:${AWS::Partition}:")
    assert [
        one.resource for one in scanned({"t.yaml": machine(f"DefinitionString: !Sub '{text}'")}, types).findings
    ] == ["M/Train"]


NESTED = {
    "StartAt": "All",
    "States": {
        "All": {"Type": "Map", "ItemProcessor": {"StartAt": "Each", "States": {"Each": STATE}}},
        "Old": {"Type": "Map", "Iterator": {"StartAt": "Older", "States": {"Older": STATE}}},
        "Both": {"Type": "Parallel", "Branches": [MACHINE, {"StartAt": "Other", "States": {"Other": STATE}}]},
    },
}


def test_maps_and_parallel_branches_are_looked_into(scanned: Scan, types: Policy) -> None:
    report = scanned({"t.yaml": machine(f"DefinitionString: '{json.dumps(NESTED)}'")}, types)
    assert sorted(one.resource for one in report.findings) == ["M/Each", "M/Older", "M/Other", "M/Train"]


@pytest.mark.parametrize(
    ("key", "value", "because"),
    [
        ("InstanceType.$", "$.kind", "fills it in when it runs"),
        ("InstanceType", "{% $states.input.kind %}", "computes it when it runs"),
        ("InstanceType", "${Kind}", "has no default"),
    ],
)
def test_what_only_a_run_decides_is_open(scanned: Scan, types: Policy, key: str, value: str, because: str) -> None:
    state = {**STATE, "Parameters": {"ResourceConfig": {key: value}}}
    definition = json.dumps({"StartAt": "T", "States": {"T": state}})
    more = "      DefinitionSubstitutions: {Kind: !Ref Kind}\nParameters: {Kind: {Type: String}}"
    report = scanned({"t.yaml": machine(f"DefinitionString: '{definition}'", more)}, types)
    assert not report.findings
    assert [because in one.because for one in report.undecided] == [True]


def test_a_request_that_is_the_input_is_open(scanned: Scan, types: Policy) -> None:
    state = {key: value for key, value in STATE.items() if key != "Parameters"}
    definition = json.dumps({"StartAt": "T", "States": {"T": state}})
    report = scanned({"t.yaml": machine(f"DefinitionString: '{definition}'")}, types)
    assert [one.because for one in report.undecided] == ["the input of the state machine is the job's request"]


def test_substitutions_are_put_in_and_keep_their_parameter(scanned: Scan, types: Policy) -> None:
    definition = LINE.replace(DEAR, "${Kind}").replace(": 2,", ": ${Count},").replace(CREATE, "${Call}")
    more = (
        f"      DefinitionSubstitutions: {{Kind: !Ref Kind, Count: 2, Call: '{CREATE}'}}\n"
        f"Parameters: {{Kind: {{Type: String, Default: {DEAR}}}}}"
    )
    (finding,) = scanned({"t.yaml": machine(f"DefinitionString: '{definition}'", more)}, types).findings
    assert finding.message == f"M/Train runs on {DEAR}"
    assert [one.what for one in finding.related] == ['default of parameter "Kind"']


def test_a_job_of_one_scenario_only_is_judged_there(scanned: Scan, types: Policy) -> None:
    other = LINE.replace("Train", "Other").replace("createOther", "createTrain")
    head = (
        "Parameters: {Env: {Type: String, Default: dev, AllowedValues: [dev, prod]}}\n"
        "Conditions: {Dev: !Equals [!Ref Env, dev]}\n"
    )
    text = head + machine(f"DefinitionString: !If [Dev, '{{}}', '{other}']")
    (finding,) = scanned({"t.yaml": text}, types).findings
    assert (finding.resource, finding.when) == ("M/Other", "")  # as for every resource of a condition


@pytest.mark.parametrize(
    ("definition", "because", "line"),
    [
        ("DefinitionS3Location: {Bucket: b, Key: k}", "its definition is an object in S3", 6),
        ("DefinitionString: !ImportValue x", 'the export "x" is made by another stack', 6),
        (f"DefinitionString: |\n        {{\n          x: {CREATE}\n        }}", "its definition is not valid JSON", 8),
        (f'DefinitionString: \'{{"a": "{CREATE}",}}\'', "its definition is not valid JSON", 6),
        ("DefinitionString: '" + '{"sagemaker":' * 300 + "1" + "}" * 300 + "'", "nested deeper than", 6),
        ("Definition: !Transform {Name: M}", "a macro (Fn::Transform) gives it at deployment", 6),
    ],
)
def test_a_definition_that_cannot_be_read_is_undecided_at_its_place(
    scanned: Scan, make_policy: Make, definition: str, because: str, line: int
) -> None:
    """Once for each policy on jobs, but not for each on instance types."""
    policy = make_policy("applies_to: sagemaker.training_job\nrequire: {jobs: {every: {spot: {equals: true}}}}\n")
    report = scanned({"t.yaml": machine(definition)}, policy)
    assert not report.findings
    assert not report.problems
    (undecided,) = report.undecided
    assert because in undecided.because
    assert undecided.at.line == line


@pytest.mark.parametrize(
    "definition", ["DefinitionString: ''", "DefinitionString: '{'", "DefinitionString: 7", "Definition: [1]", "X: y"]
)
def test_a_definition_that_speaks_of_no_job_is_silent(scanned: Scan, types: Policy, definition: str) -> None:
    report = scanned({"t.yaml": machine(definition)}, types)
    assert (report.findings, report.problems) == ((), ())


def test_many_jobs_are_bounded(scanned: Scan, types: Policy) -> None:
    states = {f"S{number}": STATE for number in range(700)}
    report = scanned({"t.yaml": machine(f"DefinitionString: '{json.dumps({'States': states})}'")}, types)
    assert len(report.findings) == 500


PIPELINE = """\
Resources:
  P:
    Type: AWS::SageMaker::Pipeline
    Properties:
      PipelineName: p
      RoleArn: x
      PipelineDefinition:
        PipelineDefinitionBody: |
          {
            "Version": "2020-12-01",
            "Parameters": [
              {"Name": "Kind", "Type": "String"%s}
            ],
            "Steps": [
              {"Name": "Check", "Type": "Condition", "Arguments": {
                "IfSteps": [
                  {"Name": "Train", "Type": "Training", "Arguments": {
                    "ResourceConfig": {"InstanceType": %s, "InstanceCount": 1}
                  }}
                ],
                "ElseSteps": [{"Name": "Stop", "Type": "Fail", "Arguments": {}}]
              }}
            ]
          }
"""
GET = '{"Get": "Parameters.Kind"}'


@pytest.mark.parametrize(
    ("more", "value", "verdict", "when"),
    [
        (f', "DefaultValue": "{DEAR}"', GET, "fail", ""),
        (f', "DefaultValue": "{CHEAP}"', GET, "pass", ""),
        ("", GET, 'pipeline parameter "Kind" has no default', ""),
        (f', "DefaultValue": "{CHEAP}", "EnumValues": ["{DEAR}", "{CHEAP}"]', GET, "fail", f"P.Kind = {DEAR}"),
        ("", f'"{DEAR}"', "fail", ""),
        ("", '{"Std:Join": {"On": ".", "Values": ["ml", "p4d", "24xlarge"]}}', "fail", ""),
        ("", f'{{"Std:Join": {{"On": "", "Values": ["x", {GET}]}}}}', 'pipeline parameter "Kind" has no default', ""),
        ("", '{"Get": "Steps.Other.Kind"}', "the pipeline reads Steps.Other.Kind when it runs", ""),
        ("", '{"Std:JsonGet": {}}', "the pipeline computes it when it runs", ""),
    ],
)
def test_a_step_of_a_pipeline(scanned: Scan, types: Policy, more: str, value: str, verdict: str, when: str) -> None:
    files = {"t.yaml": PIPELINE % (more, value)}
    report = scanned(files, types)
    if verdict == "fail":
        assert place_of(report, files) == ("P/Train", 18, f'"InstanceType": {value}')
        assert report.findings[0].when == when
    else:
        assert not report.findings
        assert [one.because for one in report.undecided] == ([] if verdict == "pass" else [verdict])


@pytest.mark.parametrize(
    "body",
    [
        "PipelineDefinition: {Version: '2020-12-01', Steps: %s}",
        "PipelineDefinition: {PipelineDefinitionBody: {Version: '2020-12-01', Steps: %s}}",
    ],
)
def test_a_pipeline_written_as_a_mapping(scanned: Scan, types: Policy, body: str) -> None:
    steps = f"[{{Name: Train, Type: Training, Arguments: {{ResourceConfig: {{InstanceType: {DEAR}}}}}}}]"
    text = f"Resources:\n  P:\n    Type: AWS::SageMaker::Pipeline\n    Properties:\n      {body % steps}\n"
    files = {"t.yaml": text}
    assert place_of(scanned(files, types), files) == ("P/Train", 5, f"InstanceType: {DEAR}")


def test_a_pipeline_in_s3_is_undecided(scanned: Scan, types: Policy) -> None:
    text = (
        "Resources:\n  P:\n    Type: AWS::SageMaker::Pipeline\n    Properties:\n"
        "      PipelineDefinition: {PipelineDefinitionS3Location: {Bucket: b, Key: k}}\n"
    )
    report = scanned({"t.yaml": text}, types)
    assert [(one.because, one.at.line) for one in report.undecided] == [("its definition is an object in S3", 5)]


SCHEDULE = """\
Resources:
  Nightly:
    Type: AWS::Scheduler::Schedule
    Properties:
      ScheduleExpression: rate(1 day)
      FlexibleTimeWindow: {Mode: "OFF"}
      Target:
        Arn: arn:aws:scheduler:::aws-sdk:sagemaker:createTrainingJob
        RoleArn: x
        RetryPolicy: {MaximumRetryAttempts: 185}
        Input: |
          {
            "ResourceConfig": {"InstanceType": "ml.p4d.24xlarge"}
          }
"""


def test_a_schedule_that_starts_a_job(scanned: Scan, types: Policy, make_policy: Make) -> None:
    files = {"t.yaml": SCHEDULE}
    assert place_of(scanned(files, types), files) == ("Nightly/target", 13, f'"InstanceType": "{DEAR}"')
    retries = make_policy(
        "applies_to: sagemaker.training_job\nrequire: {retries: {every: {max_attempts: {at_most: 3}}}}\n"
    )
    assert place_of(scanned(files, retries), files) == ("Nightly/target", 10, "MaximumRetryAttempts: 185")


RETRIED = {**STATE, "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": 999}], "TimeoutSeconds": 60}


def test_what_stands_around_the_request_is_seen(scanned: Scan, make_policy: Make) -> None:
    text = machine(f"DefinitionString: |\n{indented(json.dumps({'States': {'Train': RETRIED}}, indent=1), 8)}")
    files = {"t.yaml": text}
    retries = make_policy(
        "applies_to: sagemaker.training_job\nrequire: {retries: {every: {max_attempts: {at_most: 3}}}}\n"
    )
    _, _, shown = place_of(scanned(files, retries), files)
    assert shown == '"MaxAttempts": 999'
    timeout = make_policy("applies_to: sagemaker.training_job\nrequire: {task_timeout_seconds: {at_least: 3600}}\n")
    _, _, shown = place_of(scanned(files, timeout), files)
    assert shown == '"TimeoutSeconds": 60'


TUNING = {
    "HyperParameterTuningJobConfig": {
        "Strategy": "Bayesian",
        "ResourceLimits": {"MaxNumberOfTrainingJobs": 500, "MaxParallelTrainingJobs": 50},
    },
    "TrainingJobDefinition": {
        "EnableManagedSpotTraining": True,
        "CheckpointConfig": {"S3Uri": "s3://b/c"},
        "StoppingCondition": {"MaxRuntimeInSeconds": 10, "MaxWaitTimeInSeconds": 20},
        "RetryStrategy": {"MaximumRetryAttempts": 30},
        "ResourceConfig": {"InstanceType": CHEAP, "InstanceCount": 1, "KeepAlivePeriodInSeconds": 900},
    },
}


@pytest.mark.parametrize(
    "require",
    [
        "{max_jobs: {equals: 500}}",
        "{max_parallel_jobs: {equals: 50}}",
        "{early_stopping: {exists: false}}",
        "{completion_criteria: {exists: false}}",
        "{strategy: {equals: Bayesian}}",
        "{max_runtime_seconds: {exists: false}}",
        "{jobs: {every: {spot: {equals: true}, checkpoint_uri: {equals: 's3://b/c'}, max_retries: {equals: 30}}}}",
        "{jobs: {every: {max_runtime_seconds: {equals: 10}, max_wait_seconds: {equals: 20}}}}",
        "{jobs: {every: {keep_alive_seconds: {equals: 900}, excludes_spot: {equals: true}}}}",
        "{machines: {every: {type: {equals: ml.m5.large}, count: {equals: 1}}}}",
    ],
)
@pytest.mark.parametrize("form", ["cloudformation", "terraform"])
def test_the_properties_of_a_tuning(scanned: Scan, make_policy: Make, require: str, form: str) -> None:
    policy = make_policy(f"applies_to: sagemaker.tuning_job\nrequire: {require}\n")
    call = "arn:aws:states:::sagemaker:createHyperParameterTuningJob.sync"
    definition = json.dumps({"States": {"Tune": {"Type": "Task", "Resource": call, "Parameters": TUNING}}})
    files = {"t.yaml": machine(f"DefinitionString: '{definition}'")}
    if form == "terraform":
        files = {"main.tf": f'resource "aws_sfn_state_machine" "m" {{\n  definition = <<EOF\n{definition}\nEOF\n}}\n'}
    report = scanned(files, policy)
    assert not report.findings
    assert not report.undecided
    assert report.counts.checks == 1


def test_the_jobs_and_the_gpus_of_batch(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: [batch.job_definition, batch.job]\n"
        "require: {gpus: {equals: 2}, jobs: {every: {max_runtime_seconds: {equals: 60}, attempts: {equals: 9}}}}\n"
    )
    requirements = [{"Type": "VCPU", "Value": "4"}, {"Type": "GPU", "Value": "2"}]
    request = {
        "ContainerOverrides": {"ResourceRequirements": requirements},
        "Timeout": {"AttemptDurationSeconds": 60},
        "RetryStrategy": {"Attempts": 9},
    }
    state = {"Type": "Task", "Resource": "arn:aws:states:::batch:submitJob.sync", "Parameters": request}
    template = machine(f"DefinitionString: '{json.dumps({'States': {'Job': state}})}'")
    template += (
        "  J:\n    Type: AWS::Batch::JobDefinition\n    Properties:\n      Type: container\n"
        f"      ContainerProperties: {{ResourceRequirements: {json.dumps(requirements)}}}\n"
        "      Timeout: {AttemptDurationSeconds: 60}\n      RetryStrategy: {Attempts: 9}\n"
    )
    terraform = """
resource "aws_batch_job_definition" "j" {
  name = "j"
  type = "container"
  timeout { attempt_duration_seconds = 60 }
  retry_strategy { attempts = 9 }
  container_properties = jsonencode({ image = "i", resourceRequirements = [{ type = "GPU", value = "2" }] })
}
"""
    report = scanned({"t.yaml": template, "main.tf": terraform}, policy)
    assert [(one.message, one.at) for one in report.findings] == []
    assert [one.because for one in report.undecided] == []
    assert report.counts.checks == 3


CLUSTER = {
    "Instances": {"InstanceGroups": [{"InstanceRole": "MASTER", "InstanceType": "m5.xlarge", "InstanceCount": 1}]}
}


def test_a_cluster_that_a_state_stepsstarts_ends_with_its_steps(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: emr.cluster\nrequire: {keeps_alive: {equals: false}, machines: {every: {type: {in: [m5.*]}}}}\n"
    )
    for more, failing in (({}, []), ({"KeepJobFlowAliveWhenNoSteps": True}, ["M/Cluster"])):
        request = {"Instances": {**CLUSTER["Instances"], **more}}
        state = {
            "Type": "Task",
            "Resource": "arn:aws:states:::elasticmapreduce:createCluster.sync",
            "Parameters": request,
        }
        text = machine(f"DefinitionString: '{json.dumps({'States': {'Cluster': state}})}'")
        report = scanned({"t.yaml": text}, policy)
        assert [one.resource for one in report.findings] == failing
        assert not report.undecided


HEREDOC = """\
variable "count_" { default = 2 }
resource "aws_sfn_state_machine" "m" {
  definition = <<-EOF
    {
      "States": {
        "Train": {
          "Type": "Task",
          "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
          "Parameters": {
            "ResourceConfig": {"InstanceType": "ml.p4d.24xlarge", "InstanceCount": ${var.count_}}
          }
        }
      }
    }
  EOF
}
"""
ENCODED = """\
resource "aws_sfn_state_machine" "m" {
  definition = jsonencode({ States = { Train = {
    Type = "Task", Resource = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    Parameters = { ResourceConfig = { InstanceType = "ml.p4d.24xlarge" } }
  } } })
}
"""
FILE = 'resource "aws_sfn_state_machine" "m" {\n  definition = templatefile("${path.module}/m.json", { t = "%s" })\n}\n'


@pytest.mark.parametrize(
    ("text", "line", "shown"),
    [
        (HEREDOC, 10, f'"InstanceType": "{DEAR}"'),
        (HEREDOC.replace("{ default = 2 }", "{}"), 10, f'"InstanceType": "{DEAR}"'),
        (ENCODED, 4, f'InstanceType = "{DEAR}"'),
        (FILE % DEAR, 2, "definition = templatefile"),
        (FILE.replace("templatefile", "file").replace(', { t = "%s" }', ""), 2, None),
    ],
)
def test_state_machines_of_terraform(scanned: Scan, types: Policy, text: str, line: int, shown: str | None) -> None:
    files = {"main.tf": text, "m.json": LINE.replace(DEAR, "${t}")}
    report = scanned(files, types)
    if shown is None:  # file() leaves ${t} as it is
        reasons = [(one.because, one.at.line) for one in report.undecided]
        assert reasons == [("nothing is substituted for ${t} in the definition", line)]
        return
    resource, found, written = place_of(report, files)
    assert (resource, found) == ("aws_sfn_state_machine.m/Train", line)
    assert written.startswith(shown)


def test_a_pipeline_and_a_schedule_of_terraform(scanned: Scan, types: Policy) -> None:
    text = """\
resource "aws_sagemaker_pipeline" "p" {
  pipeline_definition = jsonencode({
    Version = "2020-12-01"
    Steps = [{ Name = "Train", Type = "Training", Arguments = { ResourceConfig = { InstanceType = "ml.p3.2xlarge" } } }]
  })
}
resource "aws_scheduler_schedule" "s" {
  target {
    arn   = "arn:aws:scheduler:::aws-sdk:sagemaker:createTrainingJob"
    input = jsonencode({ ResourceConfig = { InstanceType = "ml.p3.2xlarge" } })
  }
}
"""
    report = scanned({"main.tf": text}, types)
    assert [(one.resource, one.at.line) for one in report.findings] == [
        ("aws_sagemaker_pipeline.p/Train", 4),
        ("aws_scheduler_schedule.s/target", 10),
    ]


_REQUEST = """
jsonencode({ States = { Train = {
    Type       = "Task"
    Resource   = "arn:aws:states:::sagemaker:createTrainingJob.sync"
    Parameters = { OutputDataConfig = { S3OutputPath = "s3://${aws_s3_bucket.models.id}/models" },
                   CheckpointConfig = { S3Uri = "s3://${aws_s3_bucket.runs.id}/checkpoints" } }
  } } })
"""
_WRITTEN = """
<<-JSON
  {"States": {"Train": {
    "Type": "Task",
    "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync",
    "Parameters": {"OutputDataConfig": {"S3OutputPath": "s3://${aws_s3_bucket.models.id}/models"},
                   "CheckpointConfig": {"S3Uri": "s3://${aws_s3_bucket.runs.id}/checkpoints"}}
  }}}
  JSON
"""
_EITHER = ["it may lead to aws_s3_bucket.models or aws_s3_bucket.runs"]


@pytest.mark.parametrize(
    ("definition", "undecided"),
    [
        (_REQUEST, []),
        (_WRITTEN, []),
        (_WRITTEN.replace("aws_s3_bucket.runs.id", "local.runs"), _EITHER),
    ],
)
def test_each_address_in_a_definition_leads_to_its_own_bucket(
    scanned: Scan, make_policy: Make, definition: str, undecided: list[str]
) -> None:
    """A text that is made of several buckets is not guessed about."""
    expires = make_policy(
        "applies_to: sagemaker.training_job\nrequire: {run_outputs: {every: {expiry: {equals: deleted}}}}\n"
    )
    text = f"""
locals {{ runs = aws_s3_bucket.runs.id }}
resource "aws_s3_bucket" "models" {{}}
resource "aws_s3_bucket" "runs" {{}}
resource "aws_s3_bucket_lifecycle_configuration" "runs" {{
  bucket = aws_s3_bucket.runs.id
  rule {{
    id     = "expire"
    status = "Enabled"
    expiration {{
      days = 30
    }}
  }}
}}
resource "aws_sfn_state_machine" "m" {{
  definition = {definition.strip()}
}}
"""
    report = scanned({"main.tf": text}, expires)
    assert not report.findings
    assert [one.because for one in report.undecided] == undecided


def test_the_tags_of_the_carrier_are_those_of_its_jobs(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy("applies_to: sagemaker.training_job\nrequire: {region_is_required: {equals: false}}\n")
    more = "      Tags: [{Key: 'mlguard:residency', Value: eu}]\n"
    assert scanned({"t.yaml": machine(f"DefinitionString: '{LINE}'", more)}, policy).findings
    assert not scanned({"t.yaml": machine(f"DefinitionString: '{LINE}'")}, policy).findings


def test_an_ignore_at_the_header_of_the_carrier_counts_for_its_jobs(scanned: Scan, types: Policy) -> None:
    text = machine(f"DefinitionString: '{LINE}'").replace(
        "  M:\n", "  M: # mlguard: ignore[small] agreed with finance\n"
    )
    (finding,) = scanned({"t.yaml": text}, types).findings
    assert finding.suppressed is not None


def test_a_parameter_that_holds_a_definition_chooses_no_instance_type(scanned: Scan, make_policy: Make) -> None:
    policy = make_policy(
        "applies_to: sagemaker.training_job\nrequire: {machines: {every: {constraint: {equals: none}}}}\n"
    )
    text = "Parameters: {Body: {Type: String}}\n" + PIPELINE.partition("        PipelineDefinitionBody")[0]
    report = scanned({"t.yaml": f"{text}        PipelineDefinitionBody: !Ref Body\n"}, policy)
    assert not report.findings
    assert [one.because for one in report.undecided] == ['parameter "Body" has no default']


MANY = "Parameters:\n" + "".join(
    f"  P{number}: {{Type: String, Default: ml.m5.large, AllowedValues: [ml.m5.large, ml.p3.2xlarge, ml.g5.xlarge]}}\n"
    for number in range(12)
)


@pytest.mark.parametrize("how", ["!Sub '%s'", "!Sub ['%s', {}]", "{'Fn::Sub': '%s'}"])
def test_a_value_depends_on_its_own_parameter_and_on_no_other(scanned: Scan, types: Policy, how: str) -> None:
    """Twelve parameters of three values each are half a million combinations of the whole text."""
    states = {f"S{number}": STATE for number in range(12)}
    definition = json.dumps({"States": states})
    for number in range(12):
        definition = definition.replace(DEAR, f"${{P{number}}}", 1)
    report = scanned({"t.yaml": MANY + machine(f"DefinitionString: {how % definition}")}, types)
    assert [(one.resource, one.when) for one in report.findings] == [
        (f"M/S{number}", f"P{number} = ml.p3.2xlarge or ml.g5.xlarge") for number in range(12)
    ]
    assert [one.what for one in report.findings[3].related] == ['allowed value of parameter "P3"']


def test_a_joined_definition_keeps_the_parameters_of_its_parts(scanned: Scan, types: Policy) -> None:
    before, after = LINE.split(DEAR)
    text = machine(f"DefinitionString: !Join ['', ['{before}', !Ref Kind, '{after}']]")
    text += f"Parameters: {{Kind: {{Type: String, Default: {DEAR}}}}}\n"
    (finding,) = scanned({"t.yaml": text}, types).findings
    assert finding.message == f"M/Train runs on {DEAR}"
    assert [one.what for one in finding.related] == ['default of parameter "Kind"']


def test_what_a_text_would_take_to_read_is_bounded(scanned: Scan, make_policy: Make) -> None:
    """The whole text stands behind conditions: it is another one in each of 4,096 scenarios."""
    policy = make_policy("applies_to: sagemaker.training_job\nrequire: {jobs: {every: {spot: {equals: true}}}}\n")
    padded = json.dumps({**MACHINE, "Comment": "x" * 400_000})
    names = [f"C{number}" for number in range(12)]
    head = "Parameters:\n" + "".join(f"  {name}: {{Type: String, AllowedValues: [a, b]}}\n" for name in names)
    head += "Conditions:\n" + "".join(f"  {name}: !Equals [!Ref {name}, a]\n" for name in names)
    value = "''"
    for name in names:
        value = f"!If [{name}, {value}, ' ']"
    text = head + machine(f"DefinitionString: !If [C0, !Join ['', ['{padded}', {value}]], '{padded}']")
    report = scanned({"t.yaml": text}, policy)
    assert not report.problems
    assert {one.resource for one in report.findings} == {"M/Train"}  # in either text


STEPS = [
    {
        "Name": "Cluster",
        "Type": "EMR",
        "ClusterConfig": {"Instances": {"InstanceGroups": [{"InstanceType": "p3.2xlarge"}]}},
    },
    {"Name": "Reuse", "Type": "EMR", "Arguments": {"ClusterId": "j-1", "StepConfig": {}}},
    {
        "Name": "Quality",
        "Type": "QualityCheck",
        "Arguments": {"ProcessingResources": {"ClusterConfig": {"InstanceType": DEAR}}},
    },
    {
        "Name": "Bias",
        "Type": "ClarifyCheck",
        "Arguments": {"ProcessingResources": {"ClusterConfig": {"InstanceType": DEAR}}},
    },
    {"Name": "Register", "Type": "RegisterModel", "Arguments": {"InferenceSpecification": {}}},
    {"Name": "Tune", "Type": "Tuning", "Arguments": TUNING, "RetryPolicies": [{"MaxAttempts": 50}]},
]


def test_which_steps_of_a_pipeline_are_jobs(scanned: Scan, types: Policy, make_policy: Make) -> None:
    body = json.dumps({"Version": "2020-12-01", "Steps": STEPS})
    head = PIPELINE.partition("        PipelineDefinitionBody")[0]
    files = {"t.yaml": f"{head}        PipelineDefinitionBody: '{body}'\n"}
    assert [one.resource for one in scanned(files, types).findings] == ["P/Cluster", "P/Quality", "P/Bias"]
    retries = make_policy(
        "applies_to: sagemaker.tuning_job\nrequire: {retries: {every: {max_attempts: {at_most: 3}}}}\n"
    )
    assert place_of(scanned(files, retries), files)[2] == '"MaxAttempts": 50'


def test_a_substitution_leads_to_its_own_bucket(scanned: Scan, make_policy: Make) -> None:
    expires = make_policy(
        "applies_to: sagemaker.training_job\nrequire: {run_outputs: {every: {expiry: {equals: deleted}}}}\n"
    )
    request = {"CheckpointConfig": {"S3Uri": "s3://${Runs}/checkpoints"}}
    task = {"Type": "Task", "Resource": "arn:aws:states:::sagemaker:createTrainingJob.sync", "Parameters": request}
    steps = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "Definition": {"StartAt": "Train", "States": {"Train": task}},
            "DefinitionSubstitutions": {"Runs": {"Ref": "RunBucket"}, "Models": {"Ref": "ModelBucket"}},
        },
    }
    rules = {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": 30}]}}
    resources = {
        "ModelBucket": {"Type": "AWS::S3::Bucket"},
        "RunBucket": {"Type": "AWS::S3::Bucket", "Properties": rules},
        "Machine": steps,
    }
    report = scanned({"t.json": json.dumps({"Resources": resources})}, expires)
    assert report.counts.checks == 1
    assert not report.findings
    assert not report.undecided


@pytest.mark.parametrize(
    ("definition", "verdict"),
    [
        ("DefinitionString: !Sub '{${Rest}'", ""),
        ("DefinitionS3Location: {Bucket: b, Key: k}", ""),
        ('DefinitionString: !Sub \'{"States": {"Train": {"Resource": "' + CREATE + "\", ${Rest}'", "undecided"),
        (f"DefinitionString: '{LINE}'", "finding"),
    ],
)
def test_a_machine_that_cannot_be_read_makes_no_project_one_of_machine_learning(
    scanned: Scan, make_policy: Make, definition: str, verdict: str
) -> None:
    policy = make_policy(
        "applies_to: project\nwhen: {resources: {some: {machine_learning: {equals: true}}}}\n"
        "require: {resources: {some: {kind: {equals: budgets.budget}}}}\n"
    )
    report = scanned({"t.yaml": machine(definition, "Parameters:\n  Rest: {Type: String}\n")}, policy)
    assert [len(report.findings), len(report.undecided)] == [verdict == "finding", verdict == "undecided"]


IN_JSON_STRING = f"""\
Transform: AWS::LanguageExtensions
Parameters:
  Hook: {{Type: String}}
Resources:
  P:
    Type: AWS::SageMaker::Pipeline
    Properties:
      PipelineName: p
      PipelineDefinition:
        PipelineDefinitionBody:
          Fn::ToJsonString:
            Version: "2020-12-01"
            Steps:
              - Name: Train
                Type: Training
                Arguments:
                  ResourceConfig:
                    InstanceType: {DEAR}
                  Environment: {{Name: !Sub "HOOK"}}
"""


@pytest.mark.parametrize("hook", ["known", "${Hook}"])
def test_a_definition_in_a_json_string_keeps_the_places_of_its_parts(scanned: Scan, types: Policy, hook: str) -> None:
    files = {"t.yaml": IN_JSON_STRING.replace("HOOK", hook)}
    resource, line, text = place_of(scanned(files, types), files)
    assert (resource, line, text) == ("P/Train", 18, f"InstanceType: {DEAR}")
