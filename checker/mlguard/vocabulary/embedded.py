"""Jobs that are written inside of another resource: the steps of a pipeline, the tasks of a state machine.

CloudFormation has no training job; the jobs that cost money stand as JSON in a property of something else.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from mlguard.scenario import Memory, Scenario
from mlguard.value import Choice, Entries, Items, Node, Unknown, child, settle, text_of

Definition = Callable[[Scenario], Node | None]
_MAX_TEXT = 1_000_000
_MAX_DEPTH = 60
_MAX_JOBS = 500
_BARE = re.compile(r"([:\[,]\s*)\*(\s*[,}\]])")
_PIPELINE_STEPS = {
    "Training": "sagemaker.training_job",
    "Processing": "sagemaker.processing_job",
    "Transform": "sagemaker.transform_job",
    "Tuning": "sagemaker.tuning_job",
    "QualityCheck": "sagemaker.processing_job",
    "ClarifyCheck": "sagemaker.processing_job",
}
_SERVICE_CALLS = {
    "createtrainingjob": "sagemaker.training_job",
    "createhyperparametertuningjob": "sagemaker.tuning_job",
    "createprocessingjob": "sagemaker.processing_job",
    "createtransformjob": "sagemaker.transform_job",
    "createendpointconfig": "sagemaker.endpoint_config",
    "createcluster": "emr.cluster",
    "createprovisionedmodelthroughput": "bedrock.provisioned_throughput",
    "createmodelinvocationjob": "bedrock.invocation_job",
    "invokemodel": "bedrock.model_call",
    "converse": "bedrock.model_call",
}
_SERVICES = r"(?:sagemaker|elasticmapreduce|emr|bedrock|bedrockruntime)"
_CALL = re.compile(rf"arn:[\w-]*:(?:states|scheduler):::(?:aws-sdk:)?({_SERVICES}):(\w+)")
_SDK_SERVICE = re.compile(rf"(?:@aws-sdk/client-)?{_SERVICES}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class EmbeddedJob:
    """A job inside of a resource: its kind, its name there, and its API request as nodes."""

    kind: str
    name: str
    body: Node


def pipeline_jobs(definition: Definition) -> Iterator[EmbeddedJob]:
    """Give the jobs of a SageMaker pipeline definition."""
    memory = Memory()

    def parsed(scenario: Scenario) -> Node | None:
        return memory.recall("pipeline", scenario, lambda inner: json_value(definition(inner)))

    yield from _jobs(parsed, _pipeline_steps)


def state_machine_jobs(definition: Definition) -> Iterator[EmbeddedJob]:
    """Give the jobs that a Step Functions state machine starts."""
    memory = Memory()

    def parsed(scenario: Scenario) -> Node | None:
        return memory.recall("states", scenario, lambda inner: json_value(definition(inner)))

    yield from _jobs(parsed, _state_tasks)


def schedule_job(definition: Definition) -> Iterator[EmbeddedJob]:
    """Give the job that an EventBridge schedule starts; the definition holds its target."""

    def parsed(scenario: Scenario) -> Node | None:
        return definition(scenario)

    yield from _jobs(parsed, _schedule_target)


def sdk_call(definition: Definition) -> Iterator[EmbeddedJob]:
    """Give the job that a custom resource of the CDK starts by a call of the SDK."""
    memory = Memory()

    def parsed(scenario: Scenario) -> Node | None:
        return memory.recall("call", scenario, lambda inner: json_value(definition(inner)))

    yield from _jobs(parsed, _sdk_request)


def flow_nodes(definition: Definition) -> Iterator[EmbeddedJob]:
    """Give the nodes of a Bedrock flow that generate text."""
    memory = Memory()

    def parsed(scenario: Scenario) -> Node | None:
        return memory.recall("flow", scenario, lambda inner: json_value(definition(inner)))

    yield from _jobs(parsed, _generating_nodes)


CARRIERS: Mapping[str, Callable[[Definition], Iterator[EmbeddedJob]]] = {
    "pipeline_jobs": pipeline_jobs,
    "state_machine_jobs": state_machine_jobs,
    "schedule_job": schedule_job,
    "sdk_call": sdk_call,
    "flow_nodes": flow_nodes,
}

_Found = tuple[str, str, Node]


def _jobs(parsed: Definition, steps: Callable[[Node, Scenario], Iterator[_Found]]) -> Iterator[EmbeddedJob]:
    """Find the jobs of the default scenario; each is looked up again in the scenario that a policy judges it in."""

    def body(name: str, scenario: Scenario) -> Node:
        whole = parsed(scenario)
        for _, found, node in steps(whole, scenario) if whole is not None else ():
            if found == name:
                return node
        at = whole or Node(None, place)
        return Node(Unknown("the job is not in the definition here"), at.span, at.key_span)

    first = Scenario()
    whole = parsed(first)
    if whole is None:
        return
    place = whole.span
    for index, (kind, name, node) in enumerate(steps(whole, first)):
        if index >= _MAX_JOBS:
            return
        yield EmbeddedJob(kind, name, Node(Choice(partial(body, name)), node.span, node.key_span))


def json_value(node: Node | None) -> Node | None:
    """Read a JSON text, a partly known one, or what is no text already; None where it cannot be read."""
    if node is None or isinstance(node.content, Entries):
        return node
    if isinstance(node.content, Items):  # the one block of Terraform
        return node.content.nodes[0] if len(node.content.nodes) == 1 else None
    partly = isinstance(node.content, Unknown)
    text = node.content.pattern if isinstance(node.content, Unknown) else text_of(node.content)
    if text is None or len(text) > _MAX_TEXT or text == "*":
        return None
    try:
        value = json.loads(_BARE.sub(r'\1"*"\2', text) if partly else text)
    except (ValueError, RecursionError):
        return None
    because = node.content if isinstance(node.content, Unknown) else None
    return _nodes(value, node, because, 0)


def _nodes(value: object, at: Node, because: Unknown | None, depth: int) -> Node:
    def placed(content: object) -> Node:
        return Node(content, at.span, at.key_span, at.origins)  # type: ignore[arg-type]

    if depth > _MAX_DEPTH:
        return placed(Unknown(f"nested deeper than {_MAX_DEPTH} levels"))
    if isinstance(value, dict):
        return placed(Entries({str(key): _nodes(below, at, because, depth + 1) for key, below in value.items()}))
    if isinstance(value, list):
        return placed(Items(tuple(_nodes(below, at, because, depth + 1) for below in value)))
    if isinstance(value, str) and because is not None and "*" in value:
        return placed(Unknown(because.because, value))
    return placed(value)


def _pipeline_steps(whole: Node, scenario: Scenario) -> Iterator[_Found]:
    defaults = _pipeline_defaults(whole, scenario)
    pending = list(reversed(_listed(child(whole, "Steps", scenario), scenario)))
    while pending:
        step = pending.pop()
        kind, name = _text(step, "Type", scenario), _text(step, "Name", scenario)
        arguments = child(step, "Arguments", scenario)
        if arguments is None:
            continue
        if kind == "Condition":
            for branch in ("ElseSteps", "IfSteps"):
                pending.extend(reversed(_listed(child(arguments, branch, scenario), scenario)))
        elif kind in _PIPELINE_STEPS:
            yield _PIPELINE_STEPS[kind], name or kind, _with_defaults(arguments, defaults, scenario, 0)


def _pipeline_defaults(whole: Node, scenario: Scenario) -> dict[str, Node]:
    found = {}
    for parameter in _listed(child(whole, "Parameters", scenario), scenario):
        name = _text(parameter, "Name", scenario)
        default = child(parameter, "DefaultValue", scenario)
        if name and default is not None:
            found[f"Parameters.{name}"] = default
    return found


def _with_defaults(node: Node, defaults: Mapping[str, Node], scenario: Scenario, depth: int) -> Node:
    """Put the default of a pipeline parameter where the definition reads it."""
    node = settle(node, scenario)
    content = node.content
    if depth > _MAX_DEPTH:
        return node
    if isinstance(content, Entries):
        if set(content.nodes) == {"Get"}:
            name = text_of(settle(content.nodes["Get"], scenario).content) or ""
            unknown = Node(Unknown(f"the pipeline reads {name} when it runs"), node.span, node.key_span)
            return defaults.get(name, unknown)
        below = {key: _with_defaults(value, defaults, scenario, depth + 1) for key, value in content.nodes.items()}
        return Node(Entries(below, content.rest), node.span, node.key_span, node.origins)
    if isinstance(content, Items):
        made = tuple(_with_defaults(value, defaults, scenario, depth + 1) for value in content.nodes)
        return Node(Items(made, content.rest), node.span, node.key_span, node.origins)
    return node


def _state_tasks(whole: Node, scenario: Scenario) -> Iterator[_Found]:
    pending: list[Node] = [whole]
    for _ in range(_MAX_JOBS * 4):
        if not pending:
            return
        machine = pending.pop()
        states = child(machine, "States", scenario)
        nodes = states.content.nodes if states is not None and isinstance(states.content, Entries) else {}
        for name, state in nodes.items():
            for inner in ("Iterator", "ItemProcessor"):
                below = child(state, inner, scenario)
                if below is not None:
                    pending.append(below)
            pending.extend(_listed(child(state, "Branches", scenario), scenario))
            call = _CALL.match(_text(state, "Resource", scenario))
            kind = _SERVICE_CALLS.get(call.group(2).lower()) if call else None
            request = child(state, "Parameters", scenario) or child(state, "Arguments", scenario)
            if kind is not None and request is not None:
                yield kind, name, _resolved_later(request, scenario, 0)


def _resolved_later(node: Node, scenario: Scenario, depth: int) -> Node:
    """Make unknown what a state machine fills in when it runs: keys that end in `.$`, values in `{% … %}`."""
    node = settle(node, scenario)
    content = node.content
    if depth > _MAX_DEPTH:
        return node
    if isinstance(content, Entries):
        below = {}
        for key, value in content.nodes.items():
            if key.endswith(".$"):
                below[key[:-2]] = Node(Unknown("the state machine fills it in when it runs"), node.span, node.key_span)
            else:
                below[key] = _resolved_later(value, scenario, depth + 1)
        return Node(Entries(below, content.rest), node.span, node.key_span, node.origins)
    if isinstance(content, Items):
        made = tuple(_resolved_later(value, scenario, depth + 1) for value in content.nodes)
        return Node(Items(made, content.rest), node.span, node.key_span, node.origins)
    if isinstance(content, str) and content.startswith("{%"):
        return Node(Unknown("the state machine computes it when it runs"), node.span, node.key_span)
    return node


def _schedule_target(whole: Node, scenario: Scenario) -> Iterator[_Found]:
    arn = _text(whole, "Arn", scenario) or _text(whole, "arn", scenario)
    call = _CALL.match(arn)
    kind = _SERVICE_CALLS.get(call.group(2).lower()) if call else None
    request = child(whole, "Input", scenario) or child(whole, "input", scenario)
    body = json_value(request)
    if kind is not None and body is not None:
        yield kind, "target", body


def _sdk_request(whole: Node, scenario: Scenario) -> Iterator[_Found]:
    action = _text(whole, "action", scenario).removesuffix("Command").lower()
    request = child(whole, "parameters", scenario)
    if _SDK_SERVICE.fullmatch(_text(whole, "service", scenario)) and action in _SERVICE_CALLS and request is not None:
        yield _SERVICE_CALLS[action], "call", request


def _generating_nodes(whole: Node, scenario: Scenario) -> Iterator[_Found]:
    """Find the prompts and knowledge bases of a flow and of the loops inside of it, in either format's spelling."""
    pending = [whole]
    for _ in range(_MAX_JOBS):
        if not pending:
            return
        flow = settle(pending.pop(), scenario)
        for node in _listed(_either(flow, ("Nodes", "nodes", "node"), scenario), scenario):
            configuration = _either(node, ("Configuration", "configuration"), scenario)
            if configuration is None:
                continue
            name = _text(node, "Name", scenario) or _text(node, "name", scenario)
            loop = _either(configuration, ("Loop", "loop"), scenario)
            inner = _either(loop, ("Definition", "definition"), scenario) if loop is not None else None
            pending.extend([inner] if inner is not None else [])
            prompt = _either(configuration, ("Prompt", "prompt"), scenario)
            source = (
                _either(prompt, ("SourceConfiguration", "sourceConfiguration", "source_configuration"), scenario)
                if prompt is not None
                else _either(configuration, ("KnowledgeBase", "knowledgeBase", "knowledge_base"), scenario)
            )
            generating = _either(source, ("Inline", "inline"), scenario) if prompt is not None and source else source
            if generating is not None:
                yield "bedrock.flow_node", name, generating


def _either(node: Node, keys: Sequence[str], scenario: Scenario) -> Node | None:
    """Give what stands under the first of some spellings of a key that is there."""
    found = (child(node, key, scenario) for key in keys)
    return next((one for one in found if one is not None and not isinstance(one.content, Unknown)), None)


def _listed(node: Node | None, scenario: Scenario) -> list[Node]:
    content = settle(node, scenario).content if node is not None else None
    return list(content.nodes) if isinstance(content, Items) else []


def _text(node: Node, key: str, scenario: Scenario) -> str:
    found = child(node, key, scenario)
    return (text_of(found.content) or "") if found is not None else ""
