"""SageMaker pipelines: the steps that start a job, also those of either branch of a condition."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

from mlguard.record import field, record, replace
from mlguard.scenario import Scenario
from mlguard.value import Choice, Content, Entries, Items, Node, Origin, Parameter, Unknown, child, settle, text_of
from mlguard.vocabulary.embedded.definition import (
    MAX_DEPTH,
    MAX_JOBS,
    Carrier,
    Found,
    hidden,
    job_at,
)

_STEPS = {
    "Training": "sagemaker.training_job",
    "Processing": "sagemaker.processing_job",
    "Transform": "sagemaker.transform_job",
    "Tuning": "sagemaker.tuning_job",
    "QualityCheck": "sagemaker.processing_job",
    "ClarifyCheck": "sagemaker.processing_job",
    "EMR": "emr.cluster",
}
_MAX_STEPS = 5_000


def pipeline_steps(carrier: Carrier, scenario: Scenario) -> Iterator[Found]:
    """Give the steps that start a job; `Step` in a request holds the step around it: its retry policies."""
    written = carrier.definition(scenario)
    whole = carrier.reader.read(written) if written is not None else None
    if whole is None:
        return
    if isinstance(whole.content, Unknown):
        yield hidden(whole, whole.content.because, machines=True)
        return
    run = _Run(carrier.address, _parameters(whole, scenario))
    count = 0
    for step in _steps(whole, scenario):
        kind = _STEPS.get(_text(step, "Type", scenario))
        arguments = child(step, "Arguments", scenario)
        if kind == "emr.cluster":  # without it the step runs on a cluster that is there already
            config = child(arguments, "ClusterConfig", scenario) if arguments is not None else None
            arguments = child(step, "ClusterConfig", scenario) or config
        if kind is None or arguments is None or count >= MAX_JOBS:
            continue
        count += 1
        at = _at(step, scenario)
        name = _text(step, "Name", scenario) or kind
        yield job_at(at, kind, name, run.settled(arguments, scenario), {"Step": run.read(step)})


def _steps(whole: Node, scenario: Scenario) -> Iterator[Node]:
    pending = [(step, 0) for step in reversed(_listed(child(whole, "Steps", scenario)))]
    for _ in range(_MAX_STEPS):
        if not pending:
            return
        node, depth = pending.pop()
        step = settle(node, scenario)
        yield step
        arguments = child(step, "Arguments", scenario)
        if arguments is not None and _text(step, "Type", scenario) == "Condition" and depth < MAX_DEPTH:
            for branch in ("ElseSteps", "IfSteps"):
                pending.extend((one, depth + 1) for one in reversed(_listed(child(arguments, branch, scenario))))


def _at(step: Node, scenario: Scenario) -> Node:
    """Point to a step by its name: a step is an item of a list and has no key."""
    name = child(step, "Name", scenario)
    return name if name is not None and name.key_span is not None else step


@record()
class _Parameter:
    """A parameter of the pipeline: who starts a run may choose it."""

    parameter: Parameter
    allowed: Mapping[str, Node] = field(default_factory=dict)


def _parameters(whole: Node, scenario: Scenario) -> dict[str, _Parameter]:
    found = {}
    for node in _listed(child(whole, "Parameters", scenario)):
        name = _text(node, "Name", scenario)
        values = [settle(one, scenario) for one in _listed(child(node, "EnumValues", scenario))]
        allowed = {text: value for value in values if (text := text_of(value.content)) is not None}
        at = _at(node, scenario)
        default = child(node, "DefaultValue", scenario)
        found[name] = _Parameter(Parameter(name, at.span, at.place, default, tuple(allowed) or None), allowed)
    return found


@record()
class _Run:
    """What is known of a run of the pipeline before it is started."""

    address: str
    parameters: Mapping[str, _Parameter]

    def read(self, node: Node) -> Node:
        """Give a node in which the pipeline's own functions are read where somebody looks."""
        if isinstance(node.content, Entries | Items | Choice):
            return replace(node, content=Choice(partial(self.settled, node)))
        return node

    def settled(self, node: Node, scenario: Scenario) -> Node:
        """Read a node as far as its own function; what is inside of it is read where somebody looks."""
        node = settle(node, scenario)
        content = node.content
        if isinstance(content, Items):
            return replace(node, content=Items(tuple(self.read(one) for one in content.nodes), content.rest))
        if not isinstance(content, Entries):
            return node
        if set(content.nodes) == {"Get"}:
            return self._got(content.nodes["Get"], node, scenario)
        if set(content.nodes) == {"Std:Join"}:
            return self._joined(content.nodes["Std:Join"], node, scenario)
        if len(content.nodes) == 1 and next(iter(content.nodes)).startswith("Std:"):
            return replace(node, content=Unknown("the pipeline computes it when it runs"))
        return replace(
            node, content=Entries({key: self.read(value) for key, value in content.nodes.items()}, content.rest)
        )

    def _got(self, what: Node, node: Node, scenario: Scenario) -> Node:
        name = text_of(settle(what, scenario).content) or ""
        declared = self.parameters.get(name.removeprefix("Parameters.")) if name.startswith("Parameters.") else None
        if declared is None:
            return replace(node, content=Unknown(f"the pipeline reads {name or 'it'} when it runs"))
        parameter = declared.parameter
        if declared.allowed:
            options = _options(declared)
            chosen = str(scenario.decide(f"{self.address}.{parameter.name}", options))
            default = text_of(parameter.default.content) if parameter.default is not None else None
            what_it_is = f'allowed value of pipeline parameter "{parameter.name}"'
            value, instead = declared.allowed[chosen], chosen != default and default in options
            return _valued(node, value, Origin(value.span, what_it_is, parameter, instead))
        if parameter.default is None:
            because = f'pipeline parameter "{parameter.name}" has no default'
            return replace(node, content=Unknown(because), origins=(Origin(parameter.name_span, because, parameter),))
        value = settle(parameter.default, scenario)
        what_it_is = f'default of pipeline parameter "{parameter.name}"'
        return _valued(node, value, Origin(value.span, what_it_is, parameter))

    def _joined(self, argument: Node, node: Node, scenario: Scenario) -> Node:
        glue = _text(argument, "On", scenario)
        pieces: list[str] = []
        because = ""
        for one in _listed(child(argument, "Values", scenario)):
            content: Content = settle(self.read(one), scenario).content
            text = text_of(content)
            if text is None:
                because = because or (content.because if isinstance(content, Unknown) else "a part of it is not known")
            pieces.append("*" if text is None else text)
        joined = glue.join(pieces)
        return replace(node, content=Unknown(because, joined) if because else joined)


def _options(declared: _Parameter) -> tuple[str, ...]:
    default = text_of(declared.parameter.default.content) if declared.parameter.default is not None else None
    return tuple(sorted(declared.allowed, key=lambda value: value != default))


def _valued(node: Node, value: Node, origin: Origin) -> Node:
    return Node(value.content, node.span, node.key_span, (*value.origins, origin))


def _listed(node: Node | None) -> list[Node]:
    content = node.content if node is not None else None
    return list(content.nodes) if isinstance(content, Items) else []


def _text(node: Node, key: str, scenario: Scenario) -> str:
    found = child(node, key, scenario)
    return (text_of(found.content) or "") if found is not None else ""
