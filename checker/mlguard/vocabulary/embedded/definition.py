"""Read the definition that a resource carries: nodes already, or JSON in a text, partly known perhaps."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial

from mlguard.errors import LimitError, ParseError
from mlguard.parse.inner_text import MAX_INNER, inner_text, overlaid, places
from mlguard.parse.json_document import load_json
from mlguard.patterns import lazy_pattern
from mlguard.record import field, record, replace
from mlguard.scenario import Scenario
from mlguard.source import Document, Span
from mlguard.value import Choice, Content, EncodedText, Entries, Node, Reference, Unknown, settle, text_of
from mlguard.vocabulary.joins import without_keys

MAX_JOBS = 500
MAX_DEPTH = 60
_HOLE = lazy_pattern(r"([:\[,]\s*)\*(?=\s*[,}\]])")
_PLACEHOLDER = lazy_pattern(r"([:\[,]\s*)(\$\{\w+\})(?=\s*[,}\]])")
_CALL = lazy_pattern(r"arn:[\w*-]*:(?:states|scheduler):::(?:aws-sdk:)?(?P<service>\w+):(?P<call>\w+)")
_HINT = lazy_pattern(r"(?i)sagemaker|elasticmapreduce|:emr:|batch:|\"Steps\"")
_BEDROCK = ("bedrock", "bedrockruntime")
CALLS = {
    ("sagemaker", "createtrainingjob"): "sagemaker.training_job",
    ("sagemaker", "createhyperparametertuningjob"): "sagemaker.tuning_job",
    ("sagemaker", "createprocessingjob"): "sagemaker.processing_job",
    ("sagemaker", "createtransformjob"): "sagemaker.transform_job",
    ("sagemaker", "createendpointconfig"): "sagemaker.endpoint_config",
    ("elasticmapreduce", "createcluster"): "emr.cluster",
    ("emr", "runjobflow"): "emr.cluster",
    ("batch", "submitjob"): "batch.job",
    ("bedrock", "createprovisionedmodelthroughput"): "bedrock.provisioned_throughput",
    ("bedrock", "createmodelinvocationjob"): "bedrock.invocation_job",
    **{(service, call): "bedrock.model_call" for service in _BEDROCK for call in ("invokemodel", "converse")},
}
_KEEPS = "KeepJobFlowAliveWhenNoSteps"
_NOWHERE = Node(None, Span("", 1, 1, 1, 1))
_AROUND: Mapping[str, Node] = {"Task": _NOWHERE, "Step": _NOWHERE, "Target": _NOWHERE}
_MACHINES = ("ResourceConfig", "DebugRuleConfigurations", "ProfilerRuleConfigurations")
HIDDEN_KIND = "sagemaker.training_job"
"""Stands for the jobs of a definition that cannot be read: what costs the most of what may be there."""


@record()
class Carrier:
    """What the search for jobs looks at: the definition, what is put into it, and who reads it."""

    definition: Callable[[Scenario], Node | None]
    substitutions: Callable[[Scenario], Node | None]
    reader: Reader
    address: str = ""


@record()
class Found:
    """One job: its kind, its name in the definition, the node that it stands at, and its API request.

    `surely` is true unless the job only stands for those that a definition may hold.
    """

    kind: str
    name: str
    at: Node
    body: Node
    surely: bool | Unknown = True


def kind_of_call(resource: str) -> str | None:
    """Give the kind of job that a service integration starts: `arn:aws:states:::sagemaker:createTrainingJob.sync`."""
    call = _CALL.match(resource)
    return CALLS.get((call["service"].lower(), call["call"].lower())) if call is not None else None


def kind_of_sdk_call(service: str, action: str) -> str | None:
    """Give the kind of job that a call of the SDK for JavaScript starts, in the names of its versions 2 and 3."""
    bare = service.lower().removeprefix("@aws-sdk/client-").replace("-", "")
    return CALLS.get((bare, action.removesuffix("Command").lower()))


def speaks_of_jobs(text: str) -> bool:
    """Tell whether a definition names a service that runs paid jobs."""
    return _HINT.search(text) is not None


def hidden(node: Node, because: str, *, machines: bool) -> Found:
    """Give the job that stands for those of a definition that cannot be read.

    Without `machines` it says nothing of what it runs on: a state machine need not have to do with machine learning,
    and one undecided check is enough to say that it cannot be seen.
    """
    rest = Unknown(because)
    content = rest if machines else Entries(dict.fromkeys(_MACHINES, _NOWHERE), rest)
    body = Node(content, node.span, node.key_span)
    return Found(HIDDEN_KIND, "definition", node, body, surely=rest if machines else False)


def job_at(at: Node, kind: str, name: str, request: Node, around: Mapping[str, Node]) -> Found:
    """Give a job whose request is a mapping that stands where the job does.

    `around` is what the definition says of the job outside of its request, by the name that the vocabulary has for it.
    """
    content = request.content
    if not isinstance(content, Entries):
        content = Entries({}, content if isinstance(content, Unknown) else Unknown("its request is not a mapping"))
    below = {**content.nodes, **_AROUND, **around}
    if kind == "emr.cluster" and "Instances" in below:
        instances = below["Instances"]
        below["Instances"] = replace(instances, content=Choice(partial(_ends_with_its_steps, instances)))
    return Found(kind, name, at, replace(at, content=Entries(below, content.rest)))


def _ends_with_its_steps(instances: Node, scenario: Scenario) -> Node:
    """Write out the one default in which the EMR service and a template differ."""
    node = settle(instances, scenario)
    content = node.content
    if not isinstance(content, Entries) or content.rest is not None or _KEEPS in content.nodes:
        return node
    ends = Node(False, node.span, node.key_span)  # noqa: FBT003  (a content)
    return replace(node, content=Entries({**content.nodes, _KEEPS: ends}))


@record(frozen=False)
class Reader:
    """Reads definitions, and no more of them than `room` characters: one text may differ in every scenario."""

    documents: Mapping[str, Document]
    room: int = 2 * MAX_INNER
    _read: dict[tuple[Span, str], Node | None] = field(default_factory=dict)
    _places: dict[Span, Node | None] = field(default_factory=dict)

    def read(self, node: Node) -> Node | None:
        """Give a definition as nodes that know their places; an Unknown where it cannot be read.

        None where it is a text that speaks of no job at all.
        """
        node = _encoded(node)
        content = node.content
        if isinstance(content, Entries):
            in_s3 = {"Bucket", "Key", "S3Bucket", "BucketName"} & set(content.nodes)
            return _open(node, "its definition is an object in S3") if in_s3 else node
        partly = content if isinstance(content, Unknown) else None
        text = partly.pattern if partly is not None else text_of(content)
        if text is None or text == "*":
            return node if partly is not None else _open(node, "another resource decides its definition")
        if text.startswith("s3://"):
            return _open(node, "its definition is an object in S3")
        if len(text) > MAX_INNER:
            return _open(node, f"its definition is longer than {MAX_INNER:,} characters")
        key = (node.span, text)
        if key not in self._read:
            self.room -= len(text)
            if self.room < 0:
                return _open(node, "its definition is too long to be read in so many cases")
            self._read[key] = self._parsed(node, text, partly)
        return self._read[key]

    def _parsed(self, node: Node, text: str, partly: Unknown | None) -> Node | None:
        written = _PLACEHOLDER.sub(r'\1"\2"', _HOLE.sub(r'\1"*"', text) if partly is not None else text)
        try:
            value = load_json(Document(node.span.path, written))
        except (ParseError, LimitError) as error:
            return self._unreadable(node, text, error)

        def known(scalar: Content, span: Span) -> Content:
            if partly is not None and isinstance(scalar, str) and "*" in scalar:
                return Unknown(partly.because, scalar, self._named(partly.references, span))
            return scalar

        if node.span not in self._places:
            self._places[node.span] = places(self.documents.get(node.span.path), node.span)
        return overlaid(value, self._places[node.span], node, known)

    def _named(self, references: tuple[Reference, ...], span: Span) -> tuple[Reference, ...]:
        """Choose from what a text is made of that which a part of it names; all of it where the part names none."""
        document = self.documents.get(span.path)
        if document is None or span.line != span.end_line:
            return references
        written = document.line(span.line)[span.column - 1 : span.end_column - 1]
        named = (one for one in references if re.search(rf"\b{re.escape(_local(one))}\b", written))
        return tuple(named) or references

    def _unreadable(self, node: Node, text: str, error: ParseError | LimitError) -> Node | None:
        content = node.content
        if isinstance(content, Unknown):
            return _open(node, content.because)
        if not speaks_of_jobs(text):
            return None
        at = node
        document = self.documents.get(node.span.path)
        found = inner_text(document, node.span) if document is not None else None
        if found is not None and found.inner.text.rstrip() == text.rstrip():
            line, column = error.line or 1, error.column or 1
            at = replace(node, span=found.outer(Span(node.span.path, line, column, line, column + 1)), key_span=None)
        message = error.message.removeprefix("not valid JSON: ")
        return _open(at, f"its definition is not valid JSON: {message}")


def _local(reference: Reference) -> str:
    """Give the address of a resource as its own module writes it: `module.m.aws_x.y[0]` is `aws_x.y`."""
    return ".".join(without_keys(reference.address).split(".")[-2:])


def _encoded(node: Node) -> Node:
    """Give the value that a text is the JSON of, where a function made it: each part knows its place, and its own."""
    content = node.content
    made = content.node if isinstance(content, EncodedText) else None
    if isinstance(content, Unknown):
        made = content.encodes
    return made if made is not None and isinstance(made.content, Entries) else node


def _open(node: Node, because: str) -> Node:
    return replace(node, content=Unknown(because))
