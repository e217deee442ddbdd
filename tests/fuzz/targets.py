"""What is fuzzed: one target for each front end, with what must hold for every input, and the inputs to begin with.

A target writes an input to where its front end looks for it, beside files that stay as they are, and lets mlguard
read, judge and report it, as its command line would. Nothing but MlguardError may be raised, where a file that steers
mlguard is refused; everything else ends in a report without control characters.
"""

from __future__ import annotations

import itertools
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import MappingProxyType

import yaml

from mlguard.configuration import Configurations
from mlguard.errors import MlguardError
from mlguard.finding import Report
from mlguard.guardrail.difference import compare
from mlguard.inspection import inspect
from mlguard.parse.cloudformation import Given, read_parameter_file
from mlguard.parse.terraform import Variables
from mlguard.policy.load import bundled_policies, load_folder
from mlguard.policy.model import Policy
from mlguard.render import renderer
from mlguard.render.faults import faults_as_text
from mlguard.scan import Options, scan
from mlguard.scan.selection import chosen_policies, known_policies, rates_of
from mlguard.source import Root

REPOSITORY = Path(__file__).resolve().parents[2]
FIXTURES = REPOSITORY / "fixtures"
LONGEST = 6_000
"""How long an input may be that is to begin with: a long one is slow, and hardly says more."""
CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")
TEMPLATE = """\
Parameters:
  Machine: {Type: String, Default: ml.t3.medium}
Resources:
  Work:
    Type: AWS::SageMaker::NotebookInstance
    Properties: {InstanceType: !Ref Machine, RoleArn: arn}
"""
CONFIGURATION = """\
variable "machine" {
  type    = string
  default = "ml.t3.medium"
}
variable "tags" {
  type    = map(object({ name = string, size = optional(number, 3) }))
  default = {}
}
resource "aws_sagemaker_notebook_instance" "work" {
  instance_type = var.machine
  tags          = { for key, one in var.tags : key => "${one.name}-${one.size}" }
}
"""
PLAN = """\
{"format_version": "1.2", "terraform_version": "1.11.4",
 "variables": {"machine": {"value": "ml.p4d.24xlarge"}, "env": {"value": "prod"}},
 "planned_values": {"root_module": {
  "resources": [
   {"address": "aws_sagemaker_notebook_instance.work[0]", "mode": "managed", "index": 0,
    "type": "aws_sagemaker_notebook_instance", "name": "work", "provider_name": "registry.terraform.io/hashicorp/aws",
    "values": {"instance_type": "ml.p4d.24xlarge", "tags": {"a": "b"}}, "sensitive_values": {"tags": {}}}],
  "child_modules": [{"address": "module.data[\\"x\\"]", "resources": [
   {"address": "module.data[\\"x\\"].aws_s3_bucket.data", "mode": "managed", "type": "aws_s3_bucket", "name": "data",
    "values": {"bucket": "training-data", "lifecycle_rule": []}, "sensitive_values": {"bucket": true}}]}]}},
 "resource_changes": [
  {"address": "aws_sagemaker_notebook_instance.work[0]", "mode": "managed", "type": "aws_sagemaker_notebook_instance",
   "name": "work", "index": 0, "change": {"actions": ["create"], "before": null,
    "after": {"instance_type": "ml.p4d.24xlarge"}, "after_unknown": {"id": true, "role_arn": true},
    "before_sensitive": false, "after_sensitive": {"tags": true}}}],
 "configuration": {
  "provider_config": {"aws": {"name": "aws", "expressions": {"region": {"constant_value": "eu-west-1"}}}},
  "root_module": {
   "resources": [{"address": "aws_sagemaker_notebook_instance.work", "mode": "managed", "name": "work",
    "type": "aws_sagemaker_notebook_instance", "provider_config_key": "aws", "count_expression": {"constant_value": 1},
    "expressions": {"instance_type": {"references": ["var.machine"]},
     "role_arn": {"references": ["module.data[\\"x\\"].arn", "module.data"]}}}],
   "module_calls": {"data": {"source": "./data", "for_each_expression": {"references": ["local.names"]},
    "expressions": {"name": {"references": ["each.key"]}},
    "module": {"outputs": {"arn": {"expression": {"references": ["aws_s3_bucket.data.arn", "aws_s3_bucket.data"]}}},
     "resources": [{"address": "aws_s3_bucket.data", "mode": "managed", "type": "aws_s3_bucket", "name": "data",
      "provider_config_key": "aws", "expressions": {"bucket": {"references": ["var.name"]}}}],
     "variables": {"name": {}}}}},
   "variables": {"machine": {"default": "ml.t3.medium"}}}}}
"""
SETTINGS = """\
select: [recommended, s3]
ignore: [notebook-without-idle-stop]
exclude: ["legacy/**"]
fail_on: high
region: eu-west-1
environment: production
budgets: repository
policies: [policies]
prices: rates.yaml
var_files: [prod.tfvars]
break_glass: ["arn:aws:iam::123456789012:role/admin"]
parameters: {approved_regions: [eu-west-1]}
environments:
  qa: {title: QA, words: [qa], paths: ["qa/**"], parameter_files: [qa.json], region: us-east-1, workspace: qa}
"""


class BrokenError(AssertionError):
    """Something that must hold for every input does not hold for this one."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where an input is written, what stands beside it, how it is run, and what to begin with."""

    path: str
    run: Callable[[Path], None]
    seeds: Callable[[], Iterator[bytes]]
    beside: dict[str, str] = field(default_factory=dict)

    def prepare(self, folder: Path) -> None:
        """Write what stands beside the inputs."""
        for name, text in {**self.beside, self.path: ""}.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")

    def __call__(self, folder: Path, content: bytes) -> None:
        """Run one input in a folder that is prepared; an error is a fault of mlguard."""
        (folder / self.path).write_bytes(content)
        self.run(folder)


def options(folder: Path, **more: object) -> Options:
    """Give the options of a scan with every policy."""
    chosen: dict[str, object] = {"policies": bundled_policies(), "known": bundled_policies(), **more}
    return Options(root=Root(folder), **chosen)  # type: ignore[arg-type]


def scanned(wanted: Options) -> Report:
    """Scan, write the report in the formats that are shown as they are, and look for what must not be in them."""
    report = scan(wanted)
    counts = report.counts
    if not (report.problems or counts.scanned or counts.partly or counts.skipped):
        raise BrokenError("a file was read and nothing is said of it")
    text = renderer("text")(report, color=False, width=100, verbose=True)
    clean(text)
    if any(line.startswith(("::", "##[")) for line in text.split("\n")):
        raise BrokenError("a line of the text report begins like a command")
    _written(report, text)
    return report


def _written(report: Report, text: str) -> None:
    """Write the report in one more format, chosen by what the report is."""
    name = ("github", "markdown", "json", "sarif", "junit", "gitlab", "csv", "html")[zlib.crc32(text.encode()) % 8]
    written = renderer(name)(report)
    if name in ("json", "sarif", "gitlab"):
        json.loads(written)
    else:
        clean(written.replace("\r\n", "\n").replace("\t", " "))


def clean(text: str) -> None:
    """Refuse control characters, and what cannot be encoded."""
    found = CONTROL.search(text)
    if found is not None:
        raise BrokenError(f"U+{ord(found.group()):04X} stands in a report, after {text[: found.start()][-80:]!r}")
    text.encode("utf-8")


def _scan(folder: Path) -> None:
    scanned(options(folder))


def _scan_plan(folder: Path) -> None:
    scanned(options(folder, plans=("plan.json",)))


def _scan_with_variables(folder: Path) -> None:
    scanned(options(folder, variables=Variables(("own.tfvars",))))


def _scan_with_parameters(folder: Path) -> None:
    try:
        given = read_parameter_file(Root(folder), "parameters.json", "prod")
    except MlguardError as error:
        return clean(str(error).replace("\n", " "))
    scanned(options(folder, given=Given((given,))))
    return None


def _scan_with_policy(folder: Path) -> None:
    try:
        own = load_folder(Root(folder / "policies"), "", "policies")
    except MlguardError:
        return
    scanned(options(folder, policies=own, known=(*bundled_policies(), *own)))


def _scan_with_configuration(folder: Path) -> None:
    root = Root(folder)
    try:
        configuration = Configurations(root).of("")
        known = known_policies(root, configuration)
        chosen = chosen_policies(known, configuration)
        rates = rates_of(configuration, root)
    except MlguardError:
        return
    scan(Options(root, policies=chosen, known=known, configuration=configuration, rates=rates))


def _inspect(folder: Path) -> None:
    found = inspect(Root(folder), ["scp.json"])
    if not found.scps and not found.problems:
        raise BrokenError("an SCP was read and nothing is said of it")
    clean(faults_as_text(found.faults, found.scps, found.problems, found.undecided))
    try:
        text = Root(folder).read("scp.json").text
        difference = compare([("scp.json", text)], [("scp.json", text)])
    except MlguardError:
        return
    if difference.changes:
        raise BrokenError("an SCP differs from itself")


def _fixtures(*patterns: str) -> Iterator[bytes]:
    for path in (path for pattern in patterns for path in sorted(FIXTURES.glob(pattern))):
        yield path.read_bytes()


@cache
def _with_examples() -> tuple[Policy, ...]:
    from mlguard.explain import with_examples  # noqa: PLC0415  (reads every policy file again)

    return tuple(with_examples(policy) for policy in bundled_policies())


def _examples(language: str) -> Iterator[bytes]:
    for policy in _with_examples():
        yield from (one.code.encode() for one in policy.examples if one.language == language)


def _as_json(texts: Iterator[bytes]) -> Iterator[bytes]:
    """Give templates in JSON, as far as they do without short forms."""
    for text in texts:
        try:
            yield json.dumps(yaml.safe_load(text), indent=1).encode()
        except (yaml.YAMLError, TypeError):
            continue


def _policies() -> Iterator[bytes]:
    for path in sorted((REPOSITORY / "policies").glob("*/*.yaml")):
        text = path.read_text(encoding="utf-8")
        if text.startswith("id:") or "\nid:" in text:
            head = text.partition("\nexamples:")[0]
            yield re.sub(r"(?m)^(id: \S+)", r"\1-of-mine", re.sub(r"(?m)^aliases:.*\n", "", head)).encode()


def _scps() -> Iterator[bytes]:
    decisions = json.loads((REPOSITORY / "tests/guardrail/decisions.json").read_text(encoding="utf-8"))
    for one in decisions.values():
        statement = {"Effect": "Deny", **one["statement"]}
        yield json.dumps({"Version": "2012-10-17", "Statement": [statement]}, indent=1).encode()


def _manifests() -> Iterator[bytes]:
    """Give the manifests of assemblies, about the one template that stands beside them."""
    for text in _fixtures("**/manifest.json"):
        yield re.sub(rb'"[^"]+\.template\.json"', b'"S.template.json"', text).replace(b"MlDev.metadata", b"S.metadata")


def _texts(*texts: str) -> Callable[[], Iterator[bytes]]:
    return lambda: (text.encode() for text in texts)


TARGETS = MappingProxyType(
    {
        "yaml": Target(
            "t.yaml",
            _scan,
            lambda: itertools.chain(_fixtures("cloudformation/**/*.yaml"), _examples("cloudformation")),
        ),
        "json": Target(
            "t.json",
            _scan,
            lambda: itertools.chain(_fixtures("cloudformation/**/*.json"), _as_json(_examples("cloudformation"))),
        ),
        "hcl": Target(
            "main.tf", _scan, lambda: itertools.chain(_fixtures("terraform/**/*.tf"), _examples("terraform"))
        ),
        "hcl-json": Target(
            "main.tf.json",
            _scan,
            lambda: itertools.chain(
                _fixtures("terraform/**/*.tf.json", "cdktf/**/*.tf.json"),
                _texts('{"resource": {"aws_s3_bucket": {"a": [{"bucket": "${var.x}", "tags": {"b": 1}}]}}}')(),
            ),
        ),
        "tfvars": Target(
            "own.tfvars",
            _scan_with_variables,
            lambda: itertools.chain(
                _fixtures("terraform/**/*.tfvars"),
                _texts(
                    'machine = "ml.p4d.24xlarge"\ntags = { a = { name = "x" }, "b" = { name = "y", size = 2 } }\n'
                )(),
            ),
            {"main.tf": CONFIGURATION},
        ),
        "tfvars-json": Target(
            "terraform.tfvars.json",
            _scan,
            _texts('{"machine": "ml.p4d.24xlarge", "tags": {"a": {"name": "x", "size": 1}}}', '{"tags": []}'),
            {"main.tf": CONFIGURATION},
        ),
        "plan": Target("plan.json", _scan_plan, _texts(PLAN), {"main.tf": CONFIGURATION}),
        "assembly": Target(
            "cdk.out/manifest.json",
            _scan,
            _manifests,
            {
                "cdk.out/cdk.out": '{"version": "48.0.0"}',
                "cdk.out/S.template.json": json.dumps(
                    yaml.safe_load(TEMPLATE.replace("!Ref Machine", "ml.p3.2xlarge"))
                ),
                "cdk.out/S.metadata.json": '{"/S/Work": [{"type": "aws:cdk:logicalId", "data": "Work"}]}',
            },
        ),
        "parameters": Target(
            "parameters.json",
            _scan_with_parameters,
            _texts(
                '[{"ParameterKey": "Machine", "ParameterValue": "ml.p4d.24xlarge"}]',
                '{"Parameters": {"Machine": "ml.p4d.24xlarge"}, "Tags": {"a": "b"}, "StackPolicy": {}}',
                '["Machine=ml.p4d.24xlarge"]',
                "template-file-path: t.yaml\nparameters: {Machine: ml.p4d.24xlarge}\ntags: {a: b}\n",
            ),
            {"t.yaml": TEMPLATE},
        ),
        "policy": Target(
            "policies/own.yaml", _scan_with_policy, _policies, {"t.yaml": TEMPLATE, "main.tf": CONFIGURATION}
        ),
        "configuration": Target(
            ".mlguard.yaml",
            _scan_with_configuration,
            _texts(SETTINGS, *(f"{line}\n" for line in SETTINGS.splitlines() if ": " in line and line[0] != " ")),
            {
                "t.yaml": TEMPLATE,
                "main.tf": CONFIGURATION,
                "prod.tfvars": 'machine = "ml.m5.large"\n',
                "policies/none.txt": "",
                "rates.yaml": "",
            },
        ),
        "scp": Target("scp.json", _inspect, _scps),
    }
)
