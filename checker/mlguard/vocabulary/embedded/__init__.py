"""Jobs that are written inside of another resource: the steps of a pipeline, the tasks of a state machine.

CloudFormation has no training job; the jobs that cost money stand as JSON in a property of something else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from mlguard.record import record
from mlguard.scenario import Memory, Scenario, TooManyScenariosError, explore
from mlguard.source import Span
from mlguard.value import Choice, Node, Unknown
from mlguard.vocabulary.embedded.bedrock import flow_nodes, sdk_request
from mlguard.vocabulary.embedded.definition import Carrier, Found, Reader
from mlguard.vocabulary.embedded.pipeline import pipeline_steps
from mlguard.vocabulary.embedded.schedule import schedule_target
from mlguard.vocabulary.embedded.state_machine import state_tasks

__all__ = ["CARRIERS", "Carrier", "EmbeddedJob", "Reader", "jobs_of"]

_MAX_SCENARIOS = 64
CARRIERS: Mapping[str, Callable[[Carrier, Scenario], Iterator[Found]]] = {
    "pipeline_jobs": pipeline_steps,
    "state_machine_jobs": state_tasks,
    "schedule_job": schedule_target,
    "sdk_call": sdk_request,
    "flow_nodes": flow_nodes,
}


@record()
class EmbeddedJob:
    """A job inside of a resource: its kind, its name there, its API request, and in which scenarios it is there.

    It is `surely` a job, or stands for those that a definition may hold.
    """

    kind: str
    name: str
    at: Span
    body: Node
    exists: Callable[[Scenario], bool]
    surely: bool | Unknown = True


def jobs_of(how: str, carrier: Carrier) -> list[EmbeddedJob]:
    """Give the jobs that a resource starts in any scenario; each is looked up again in the one it is judged in."""
    memory = Memory()
    search = CARRIERS[how]

    def found(scenario: Scenario) -> dict[str, Found]:
        return memory.recall("jobs", scenario, lambda inner: _named(search(carrier, inner)))

    def body(name: str, at: Node, scenario: Scenario) -> Node:
        job = found(scenario).get(name)
        return job.body if job is not None else Node(Unknown("the job is not in the definition here"), at.span)

    def exists(name: str, scenario: Scenario) -> bool:
        return name in found(scenario)

    jobs: dict[str, EmbeddedJob] = {}
    try:
        for outcome in explore(found, _MAX_SCENARIOS):
            for name, job in outcome.result.items():
                at = job.at
                node = Node(Choice(partial(body, name, at)), at.span, at.key_span)
                jobs.setdefault(name, EmbeddedJob(job.kind, name, at.place, node, partial(exists, name), job.surely))
    except TooManyScenariosError:
        pass  # those of the scenarios that were looked at are judged in every one
    return list(jobs.values())


def _named(found: Iterator[Found]) -> dict[str, Found]:
    """Give the jobs by name; a name that comes again is numbered."""
    jobs: dict[str, Found] = {}
    for job in found:
        name, again = job.name, 1
        while name in jobs:
            again += 1
            name = f"{job.name}#{again}"
        jobs[name] = job
    return jobs
