"""The law that joins lint and guardrail: what a policy reports is denied, what it does not report is allowed.

It holds for each resource of every preventive policy's examples, and of code that is made up around what the policy is
about. A resource becomes the calls that create it; an evaluator that shares no code with mlguard decides them, under
the SCP of that policy alone. Where the law cannot hold, the reason is listed, and each reason must be needed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from random import Random
from typing import Any, Literal

import pytest

from mlguard.configuration import Configuration
from mlguard.explain import with_examples
from mlguard.guardrail.document import generate
from mlguard.policy.load import bundled_policies
from mlguard.policy.model import Policy
from mlguard.policy.parameters import bundled_parameters
from mlguard.rehearsal import requests_of
from mlguard.resource import Resource
from mlguard.scan import Options, projects_of, scan
from mlguard.scenario import Scenario, explore
from mlguard.scp.actions import is_multivalued
from mlguard.scp.decide import Request, Values, decide
from mlguard.scp.matching import HOLE
from mlguard.scp.reading import read
from mlguard.source import Root
from mlguard.value import Reference, Unknown, child, items, settle, text_of

Evaluate = Callable[[list[Any], list[dict[str, Any]]], Mapping[str, str]]
Verdict = Literal["fail", "pass", "unknown"]
ACCOUNT = "123456789012"
BREAK_GLASS = f"arn:aws:iam::{ACCOUNT}:role/mlguard-break-glass"
BEHIND_A_PROFILE = "amazon.nova-micro-v1:0"  # whatever the profile of an example copies, it is allowed
MADE_UP = 40  # resources of each policy and environment
ENVIRONMENTS = list(bundled_parameters().environments)
OTHERS = ("image", "network-interface", "security-group", "subnet")  # of a launch; they carry no key of a guardrail
ONE_TYPE = ('"ForAnyValue:StringLike":{"autoscaling:', '"StringLike":{"autoscaling:')
"""The evaluator takes `autoscaling:InstanceTypes` for one value, as AWS's data say; for one value both are the same."""
PREVENTIVE = [policy for policy in bundled_policies() if policy.guardrail.enforce == "preventive"]


@dataclass(frozen=True)
class Law:
    """What is particular to a policy: code to be made up, and where the law does not hold.

    `kinds` are resources whose calls no statement can be about, with the reason; `titles` examples where the lint sees
    what no request shows, by (the begin of) their titles. `apart` gives the reason for a made-up resource, from the
    values that it was made of, whether the lint fails it; empty where the law holds.
    """

    made_of: str
    values: Mapping[str, Sequence[str]]
    kinds: Mapping[str, str] = field(default_factory=dict)
    titles: Mapping[str, str] = field(default_factory=dict)
    apart: Callable[[Mapping[str, str], Verdict], str] | None = None


SERVICE_LINKED = "its instances are started by a service-linked role, which no SCP binds"
NO_LIMIT = "no condition key of its calls tells how long it may run"
NOT_THE_DEFAULT = "the lint looks at what runs by default, the guardrail at what is chosen then"
AT_LAUNCH = "it is refused when an instance is started from it"
MACHINES = ["t3.medium", "m5.xlarge", "m5.24xlarge", "c5.4xlarge", "r5.large", "p3.2xlarge", "p4d.24xlarge",
            "p5.48xlarge", "g4dn.xlarge", "g5.xlarge", "g5.12xlarge", "inf2.48xlarge", "trn1.32xlarge"]  # fmt: skip
PROVIDER = 'provider "aws" {{ region = "{region}" }}\n'
RUNS = {
    "notebook": """resource "aws_sagemaker_notebook_instance" "r" {{
  name          = "r"
  instance_type = "ml.{type}"
}}
""",
    "endpoint": """resource "aws_sagemaker_endpoint_configuration" "r" {{
  production_variants {{
    model_name             = "m"
    initial_instance_count = 1
    instance_type          = "ml.{type}"
  }}
}}
""",
    "training": """resource "aws_sagemaker_training_job" "r" {{
  resource_config {{
    instance_count = 1
    instance_type  = "ml.{type}"
  }}
}}
""",
    "app": """resource "aws_sagemaker_app" "r" {{
  app_name = "r"
  app_type = "KernelGateway"
  resource_spec {{
    instance_type = "ml.{type}"
  }}
}}
""",
    "instance": """resource "aws_instance" "r" {{
  ami           = "ami-1"
  instance_type = "{type}"
}}
""",
}
TYPED = {"run": list(RUNS), "type": MACHINES, "region": ["us-east-1"]}
JOB = """resource "aws_sagemaker_training_job" "r" {{
  resource_config {{
    instance_count = 1
    instance_type  = "ml.m5.large"
    {warm}
  }}
  {stopping}
}}
"""
CAPACITY = (
    'resource "aws_ec2_capacity_reservation" "r" {{\n  instance_type = "{type}"\n  instance_count = 1\n  {end}\n}}\n'
)
GROUP = """resource "aws_autoscaling_group" "r" {{
  min_size = {least}
  max_size = 4
  mixed_instances_policy {{
    launch_template {{
      launch_template_specification {{
        launch_template_id = "lt-1"
      }}
      override {{
        instance_type = "{type}"
      }}
    }}
  }}
}}
"""
AGENT = 'resource "aws_bedrockagent_agent" "r" {{\n  agent_name = "r"\n  foundation_model = "{model}"\n}}\n'
MODELS = ["amazon.nova-micro-v1:0", "amazon.nova-premier-v1:0", "us.amazon.nova-pro-v1:0",
          "meta.llama3-8b-instruct-v1:0", "anthropic.claude-3-haiku-20240307-v1:0",
          "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
          "anthropic.claude-3-opus-20240229-v1:0"]  # fmt: skip
THROUGHPUT = """resource "aws_bedrock_provisioned_model_throughput" "r" {{
  provisioned_model_name = "r"
  model_arn              = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-canvas-v1:0"
  model_units            = {units}
  {commitment}
  {tags}
}}
"""


def machine_apart(values: Mapping[str, str], verdict: Verdict) -> str:
    dear = any(one in values["type"] for one in ("p4d", "p5.", "trn1.32", "inf2.48"))
    return "premium-accelerator-in-nonproduction speaks of it" if dear and verdict == "pass" else ""


def region_apart(values: Mapping[str, str], verdict: Verdict) -> str:
    outside = values["region"] not in bundled_parameters().value("allowed_regions", {})
    if verdict == "pass":
        return (
            "the guardrail knows regions, not prices: it refuses what the region happens not to make dearer"
            if outside
            else ""
        )
    return (
        ""
        if values["type"].startswith(("p", "g", "inf", "trn")) and outside
        else "a large processor type carries no name"
    )


def iops_apart(values: Mapping[str, str], verdict: Verdict) -> str:
    return "provisioned IOPS are not refused" if values["type"] == "io1" and verdict == "fail" else ""


LAWS: Mapping[str, Law] = {
    "accelerated-group-never-empty": Law(
        GROUP,
        {"type": MACHINES, "least": ["0", "1", "2", "3"]},
        kinds={"eks.node_group": SERVICE_LINKED, "sagemaker.cluster": "no condition key counts its instances"},
        titles={
            "the type stands in the launch template": "the call shows only types that the group lists itself",
            "a warm pool that runs": "the pool is made by another call, without a key for its size",
        },
    ),
    "bedrock-model-not-allowed": Law(AGENT, {"model": MODELS}),
    "bedrock-without-inference-profile": Law(
        AGENT,
        {"model": [*MODELS, f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/abcdefghijkl"]},
    ),
    "capacity-reservation-without-end": Law(
        CAPACITY,
        {"type": MACHINES, "end": ["", 'end_date_type = "unlimited"', 'end_date_type = "limited"']},
        titles={"many instances without accelerators": "the guardrail knows accelerators by name, no money"},
    ),
    "cost-tags-missing": Law(
        'resource "{kind}" "r" {{\n  name = "r"\n  {cost}\n}}\n',
        {
            "kind": ["aws_sagemaker_endpoint", "aws_sagemaker_training_job", "aws_bedrockagent_agent"],
            "cost": [
                "",
                'tags = { CostCenter = "1", Team = "a", Environment = "dev" }',
                'tags = { CostCenter = "1", Environment = "dev" }',
                'tags = { CostCenter = "1", Team = "a", Environment = "productive" }',
                'tags = { CostCenter = "1", Team = "a" }',
            ],
        },
        kinds={
            "batch.compute_environment": "left to a tag policy: most environments are no machine learning",
            "autoscaling.group": "left to a tag policy: most groups are no machine learning",
        },
        titles={
            "a value that says nothing": "Null sees that a tag is there, not that its value is empty",
            "the applications of a domain do not carry its tags": "no request shows where tags go afterwards",
            "an accelerator in the sandbox that nobody knows how long to keep": "any of five tags will do",
        },
    ),
    "instance-type-not-allowed": Law("", TYPED, apart=machine_apart),
    "interactive-service-without-idle-stop": Law(
        'resource "aws_glue_dev_endpoint" "r" {{\n  name = "{name}"\n  role_arn = "arn:aws:iam::1:role/r"\n}}\n',
        {"name": [f"r{number}" for number in range(5)]},
        kinds={
            "emr.serverless_application": "no condition key sees its idle time",
            "glue.session": "no condition key sees its idle time",
            "sagemaker.mlflow_tracking_server": "one that a schedule stops looks like one that nothing stops",
        },
    ),
    "job-without-runtime-limit": Law(
        JOB,
        {
            "warm": ["", "keep_alive_period_in_seconds = 600", "keep_alive_period_in_seconds = 601"],
            "stopping": [
                "",
                *(f"stopping_condition {{\n    max_runtime_in_seconds = {limit}\n  }}"
                  for limit in ("600", "86400", "86401", "432000", "432001")),
            ],
        },
        kinds={"batch.job_definition": NO_LIMIT, "glue.job": NO_LIMIT},
    ),
    "notebook-without-lifecycle-config": Law(
        RUNS["notebook"].replace("}}\n", "  {config}\n}}\n"),
        {"type": MACHINES, "config": ["", 'lifecycle_config_name = "stop"']},
        titles={
            "Ref gives the ARN": "the name is wrong, and AWS refuses the call itself",
            "a schedule stops it": "no request shows a schedule; the guardrail asks for a lifecycle configuration",
        },
    ),
    "outdated-accelerator": Law(
        "",
        TYPED,
        kinds={"batch.compute_environment": SERVICE_LINKED, "ec2.launch_template": AT_LAUNCH},
        titles={"a list of types that the template does not start by default": NOT_THE_DEFAULT},
    ),
    "premium-accelerator-in-nonproduction": Law("", TYPED),
    "premium-region": Law(
        "",
        {**TYPED, "region": ["us-east-1", "eu-west-1", "eu-central-1", "ap-northeast-1", "sa-east-1", "ca-central-1"]},
        titles={"it must stay where it is": "no request shows that the law keeps it where it is"},
        apart=region_apart,
    ),
    "provisioned-throughput-without-approval": Law(
        THROUGHPUT,
        {
            "units": ["1"],
            "commitment": ["", 'commitment_duration = "OneMonth"'],
            "tags": ["", 'tags = { "mlguard:approved-commitment" = "FIN-1" }', 'tags = { Team = "a" }'],
        },
        titles={"more than one approval covers": "no condition key tells the number of model units"},
    ),
    "region-not-allowed": Law(
        "",
        {"run": ["notebook", "endpoint", "training", "app"], "type": MACHINES,
         "region": ["us-east-1", "eu-west-1", "eu-north-1", "eu-central-1", "sa-east-1", "ap-southeast-2"]},
        kinds={"cloudformation.stack_set": "its calls are those of the stacks, in their own regions"},
        titles={
            "a second region in a sandbox": "no request shows what runs elsewhere",
            "the law says that it must stay": "no request shows that the law keeps it where it is",
        },
    ),
    "volume-type-overpriced": Law(
        'resource "aws_ebs_volume" "r" {{\n  size = {size}\n  type = "{type}"\n  {iops}\n}}\n',
        {"type": ["gp2", "gp3", "st1", "io1"], "size": ["10", "500"], "iops": ["", "iops = 3000", "iops = 20000"]},
        apart=iops_apart,
        kinds={"ec2.launch_template": AT_LAUNCH},
        titles={
            "provisioned IOPS that gp3 has": "a volume that several instances share needs them, and no key tells",
            "gp2 may be chosen, gp3 is the default": NOT_THE_DEFAULT,
        },
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Judged:
    """A resource as the lint judges it, with the requests that a guardrail of the policy may be about."""

    project: str
    address: str
    kind: str
    environment: str
    verdict: Verdict
    requests: tuple[Request, ...]


def judged(folder: Path, policy: Policy, environment: str = "", region: str = "") -> list[Judged]:
    """Scan a folder for one policy, and give all resources with their verdicts and requests."""
    options = Options(
        Root(folder), policies=(policy,), configuration=Configuration(), environment=environment, region=region
    )
    report = scan(options)
    failing = {(one.project, address) for one in report.findings for address in (one.resource, *one.also)}
    unknown = {(one.project, one.resource) for one in report.undecided}
    found = []
    for project in projects_of(options)[0]:
        for resource in project.resources:
            key = project.raw.path, resource.address
            verdict: Verdict = "fail" if key in failing else "unknown" if key in unknown else "pass"
            requests, certain = _requests(resource, policy)
            found.append(
                Judged(*key, resource.kind, _environment(resource), verdict if certain else "unknown", requests)
            )
    return found


def _environment(resource: Resource) -> str:
    content = next(explore(lambda scenario: settle(resource.properties["environment"], scenario).content)).result
    return str(content)


def _requests(resource: Resource, policy: Policy) -> tuple[tuple[Request, ...], bool]:
    """Give the requests that create a resource, or that it will make, of the actions that the policy denies."""
    actions = {action for statement in policy.guardrail.statements for action in statement.actions}

    def look(scenario: Scenario) -> list[Request]:
        if resource.raw.exists(scenario) is False:
            return []
        asking = resource.kind in policy.applies_to
        return [*requests_of(resource, scenario), *(_questions(resource, scenario) if asking else ())]

    found: dict[str, Request] = {}
    certain = True
    for outcome in explore(look):
        for request in outcome.result:
            kind = request.resource.split(":", 5)[-1].partition("/")[0]
            if request.action in actions and not (request.action == "ec2:RunInstances" and kind in OTHERS):
                known = _known(request)
                certain = certain and known is not None
                if known is not None:
                    found[repr(known)] = known
    return tuple(found.values()), certain


def _questions(resource: Resource, scenario: Scenario) -> Iterator[Request]:
    """Give the calls of models that the code names: they are made later, by whom the guardrail binds as well."""
    listed = (
        items(settle(resource.properties["models"], scenario), scenario) if "models" in resource.properties else None
    )
    for item in getattr(listed, "nodes", ()):
        node = child(item, "model", scenario)
        content = node.content if node is not None else None
        written = content.pattern if isinstance(content, Unknown) else text_of(content)
        if isinstance(content, Reference):
            written = f"arn:aws:bedrock:us-east-1:{ACCOUNT}:application-inference-profile/x"
        if not written or written == "*" or "prompt-router" in written:
            continue
        kind, slash, name = written.split(":", 5)[-1].partition("/")
        model = name if slash else written
        geography, _, rest = model.partition(".")
        context: dict[str, Values | None] = {"aws:RequestedRegion": Values(("us-east-1",))}
        if kind == "application-inference-profile" or geography in ("us", "eu", "apac", "global"):
            profile = f"{kind if slash else 'inference-profile'}/{model}"
            context["bedrock:InferenceProfileArn"] = Values((f"arn:aws:bedrock:us-east-1:{ACCOUNT}:{profile}",))
            model = rest or BEHIND_A_PROFILE
        yield Request("bedrock:InvokeModel", f"arn:aws:bedrock:us-east-1::foundation-model/{model}", context=context)


def _known(request: Request) -> Request | None:
    """Fill in what does not matter; None where what matters is not known."""
    context: dict[str, Values | None] = {}
    for key, values in request.context.items():
        if values is None or "*" in key or not (values.known or values.open):
            continue
        if key.endswith(("InstanceTypes", "InstanceType")) and (values.open or HOLE in "".join(values.known)):
            return None
        if not values.known:
            continue
        filled = tuple(value.replace(HOLE, "example") for value in values.known)
        context[key] = Values(("us-east-1",) if key == "aws:RequestedRegion" and HOLE in values.known else filled)
    region = context["aws:RequestedRegion"]
    parts = request.resource.split(":", 5)
    if len(parts) > 1 and region is not None:
        parts[3] = parts[3].replace(HOLE, region.known[0])
        parts[4] = parts[4].replace(HOLE, ACCOUNT)
    return Request(request.action, ":".join(parts).replace(HOLE, "example"), context=context)


def decisions(policy: Policy, found: Sequence[Judged], evaluate: Evaluate) -> dict[int, set[str]]:
    """Give what becomes of the requests of each resource, by its number, as both evaluators decide them."""
    decided: dict[int, set[str]] = {}
    for environment in {one.environment for one in found}:
        texts = [document.text for document in generate([policy], bundled_parameters(), environment).documents]
        statements = [one for text in texts for one in read(text).statements]
        asked: dict[str, dict[str, Any]] = {}
        for number, one in enumerate(found):
            for index, request in enumerate(one.requests if one.environment == environment else ()):
                ours = decide(request, statements).outcome
                decided.setdefault(number, set()).add(ours)
                asked[f"{number}.{index}.{ours}"] = _as_asked(request)
        requests = [{**request, "id": name} for name, request in asked.items()]
        requests += [{**request, "id": f"{name}.exempt", "principal": BREAK_GLASS} for name, request in asked.items()]
        theirs = evaluate([json.loads(text.replace(*ONE_TYPE)) for text in texts], requests) if requests else {}
        wanted = {name: "allowed" if name.endswith("exempt") else name.rpartition(".")[2] for name in theirs}
        assert theirs == wanted
    return decided


def _as_asked(request: Request) -> dict[str, Any]:
    context = {
        key: list(values.known) if is_multivalued(key) and not key.startswith("autoscaling:") else values.known[0]
        for key, values in request.context.items()
        if values is not None
    }
    return {"action": request.action, "resource": request.resource, "context": context}


def test_every_preventive_policy_is_under_the_law() -> None:
    assert [policy.id for policy in PREVENTIVE] == sorted(LAWS)


@pytest.mark.parametrize("policy", PREVENTIVE, ids=lambda policy: policy.id)
def test_what_an_example_shows_is_denied_or_allowed(policy: Policy, scp_evaluator: Evaluate, tmp_path: Path) -> None:
    law = LAWS[policy.id]
    found: list[Judged] = []
    titles: list[str] = []
    for index, example in enumerate(with_examples(policy).examples):
        folder = tmp_path / str(index)
        folder.mkdir()
        name = "main.tf" if example.language == "terraform" else "template.yaml"
        (folder / name).write_text(example.code, encoding="utf-8")
        own = judged(folder, policy, example.environment, example.region)
        assert example.expect != "fail" or any(one.verdict == "fail" for one in own), example.code
        found += own
        titles += [example.title or f"example {index}"] * len(own)
    decided = decisions(policy, found, scp_evaluator)
    needed: set[str] = set()
    broken: list[str] = []
    for number, (one, title) in enumerate(zip(found, titles, strict=True)):
        outcome = decided.get(number, set())
        if _holds(one, outcome):
            continue
        excuse = next((begin for begin in law.titles if title.startswith(begin)), "")
        excuse = excuse or (one.kind if one.kind in law.kinds and "denied" not in outcome else "")
        needed.add(excuse)
        broken += (
            [] if excuse else [f"{title}: {one.address} ({one.kind}): {one.verdict}, its calls {outcome or 'none'}"]
        )
    assert broken == []
    assert needed == law.titles.keys() | law.kinds.keys(), "a reason that is not needed"
    assert all((*law.titles.values(), *law.kinds.values()))


def _holds(one: Judged, outcome: set[str]) -> bool:
    return one.verdict == "unknown" or ("denied" in outcome) == (one.verdict == "fail")


@pytest.mark.parametrize("policy", PREVENTIVE, ids=lambda policy: policy.id)
def test_made_up_code_is_denied_where_it_is_reported(policy: Policy, scp_evaluator: Evaluate, tmp_path: Path) -> None:
    law = LAWS[policy.id]
    combinations = [dict(zip(law.values, row, strict=True)) for row in product(*law.values.values())]
    chosen = Random(policy.id).sample(combinations, min(len(combinations), MADE_UP))  # noqa: S311  (no secret)
    for index, values in enumerate(chosen):
        folder = tmp_path / str(index)
        folder.mkdir()
        code = (law.made_of or PROVIDER + RUNS[values["run"]]).format(**values)
        (folder / "main.tf").write_text(code, encoding="utf-8")
    seen: set[Verdict] = set()
    broken: list[object] = []
    excused: list[object] = []
    for environment in ENVIRONMENTS:
        found = judged(tmp_path, policy, environment)
        assert len(found) == len(chosen)
        decided = decisions(policy, found, scp_evaluator)
        for number, one in enumerate(found):
            values = chosen[int(one.project.partition("/")[0])]
            seen.add(one.verdict)
            if not _holds(one, decided[number]):
                excuse = law.apart(values, one.verdict) if law.apart is not None else ""
                (excused if excuse else broken).append((environment, values, one.verdict, decided[number]))
    assert broken == []
    assert bool(excused) is (law.apart is not None), "a reason that is not needed"
    outright = any(not statement.condition for statement in policy.guardrail.statements if not statement.not_resources)
    assert seen == ({"fail"} if outright else {"fail", "pass"})
