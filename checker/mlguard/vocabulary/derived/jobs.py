"""Jobs that end: what a run may take, and what starts it again when it fails."""

from __future__ import annotations

from mlguard.patterns import lazy_pattern
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.naming import kin_of, names
from mlguard.vocabulary.derived.subject import Subject

_WORK = {
    "sagemaker.training_job": "training",
    "sagemaker.tuning_job": "training",
    "sagemaker.processing_job": "processing",
    "sagemaker.monitoring_job": "monitoring",
    "batch.job_definition": "batch",
    "batch.job": "batch",
    "glue.job": "glue",
}
_WORD = lazy_pattern(r"[a-z]+")
_HUMP = lazy_pattern(r"(?<=[a-z0-9])(?=[A-Z])")
_INSTEAD = frozenset(("demand", "ondemand", "fallback", "backup", "overflow", "non", "no", "not"))
_DEFAULT_SECONDS = 86_400
"""How long a SageMaker training may run where nothing says it: a day, by the API's own documentation."""
_FAILURES = frozenset(
    ("States.ALL", "States.TaskFailed", "States.Timeout", "SageMaker.JOB_INTERNAL_ERROR", "Step.SERVICE_FAULT")
)
"""The errors with which a job ends that ran; the others are refusals to start one, which cost nothing."""
_WAITS = (".sync", ".waitForTaskToken")


def run_work(subject: Subject, _scenario: Scenario) -> Content:
    """Say what kind of work a run is."""
    return _WORK.get(subject.resource.kind)


def is_called_spot(subject: Subject, scenario: Scenario) -> Content | Node:
    """Tell, where it is bought, whether the name of a resource says that it is spot and no stand-in for spot."""
    node = subject.property("name", scenario)
    content = node.content if node is not None else None
    name = content.pattern if isinstance(content, Unknown) else text_of(content) or ""
    texts = (subject.resource.raw.address.rpartition("/")[2], name)
    words = {word for text in texts for word in _WORD.findall(_HUMP.sub("-", text).lower())}
    called = "spot" in words and not words & _INSTEAD
    at = subject.property("provisioning", scenario)
    return called if at is None else Node(called, at.span, at.key_span)


def limited_by_submission(subject: Subject, scenario: Scenario) -> Content:
    """Tell whether every submission of a Batch job definition that is known gives its attempts a time limit."""
    definitions = kin_of(subject.resource.kind, subject.siblings)
    limits = []
    for job in subject.siblings.of_kind("batch.job"):
        if job.raw.exists(scenario) is False:
            continue
        named = child(job.raw.body, "JobDefinition", scenario) or child(job.raw.body, "jobDefinition", scenario)
        if named is not None and names(named, subject.resource, definitions, scenario) is not False:
            runs = items(job.properties["jobs"], scenario)
            nodes = () if isinstance(runs, Unknown) else runs.nodes
            limits.append(any(child(run, "max_runtime_seconds", scenario) is not None for run in nodes))
    return bool(limits) and all(limits)


def wait_ratio(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give how many times as long as it may run a spot job may take in all, its waiting included."""
    wait, runs = (subject.field(name, scenario) for name in ("max_wait_seconds", "max_runtime_seconds"))
    if wait is None:
        return None
    for node in (wait, runs):
        if node is not None and isinstance(node.content, Unknown):
            return node
    longest, run = _seconds(wait), _DEFAULT_SECONDS if runs is None else _seconds(runs)
    if longest is None or not run:
        return Unknown("its limits are not numbers")
    return Node(round(longest / run, 2), wait.span, wait.key_span, wait.origins)


def _seconds(node: Node) -> int | None:
    text = text_of(node.content)
    return int(text) if text is not None and text.isdigit() and len(text) < 10 else None  # noqa: PLR2004


def repeats_runs(subject: Subject, scenario: Scenario) -> Content | Node:
    """Tell whether a retry starts a job again that ran and failed.

    A retry of a call that does not wait for its job, of a schedule's call, or of a throttled one repeats no run.
    """
    by = subject.field("by", scenario)
    if by is not None and by.content == "schedule":
        return False
    task = subject.raw("Task", scenario)
    called = child(task, "Resource", scenario) if task is not None else None
    written = text_of(called.content) if called is not None else None
    if written is not None and not any(wait in written for wait in _WAITS):
        return False
    listed = items(subject.field("errors", scenario), scenario)
    if isinstance(listed, Unknown):
        return listed
    named = {text_of(node.content) for node in listed.nodes}
    if named & _FAILURES:
        return True
    return listed.rest if listed.rest is not None else False
