"""What stops a thing while nobody looks: schedules, rules, maintenance windows and alarms that call its stop.

A schedule that calls the stop itself tells what it stops. One that calls a function or a state machine does not: when
its name speaks of stopping, that it may stop the thing is all that is known.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Literal

from mlguard.patterns import lazy_pattern
from mlguard.record import record, replace
from mlguard.resource import RawProject, RawResource
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, items, references_in, settle, text_of
from mlguard.vocabulary.derived.subject import Subject
from mlguard.vocabulary.joins import names_resource, without_keys
from mlguard.vocabulary.paths import walk

_STOPS = {
    "autoscaling.group": ("autoscaling:updateautoscalinggroup",),
    "ec2.instance": ("ec2:stopinstances", "ec2:terminateinstances"),
    "eks.node_group": ("eks:updatenodegroupconfig",),
    "glue.development_endpoint": ("glue:deletedevendpoint",),
    "sagemaker.endpoint": ("sagemaker:deleteendpoint",),
    "sagemaker.mlflow_tracking_server": ("sagemaker:stopmlflowtrackingserver", "sagemaker:deletemlflowtrackingserver"),
    "sagemaker.notebook_instance": ("sagemaker:stopnotebookinstance", "sagemaker:deletenotebookinstance"),
}
_SDK_CALL = lazy_pattern(r":aws-sdk:(\w+:\w+)")
_EC2_ACTION = lazy_pattern(r"(stop|terminate|start)ec2instance|:ec2:(stop|terminate)\b|instanceid\.(stop|terminate)\b")
_SPEAKS_OF_STOP = lazy_pattern(
    r"stop|shut[-_]?down|terminat|hibernat|power[-_]?off|off[-_]?hours|scale[-_]?(?:in|down)"
)
_TO_NOTHING = lazy_pattern(r"""\bmin_?size["']?\s*[:=]\s*["']?0\b""", re.IGNORECASE)
_TAG = lazy_pattern(r"tag:([\w.:/=+@-]{1,128})")
_MAX_DEPTH = 20


@record()
class _Call:
    """One thing that a schedule calls, with which input, and whether the schedule is switched on."""

    raw: RawResource
    target: Node
    given: Node | None
    enabled: Literal[True, False] | Unknown


def scheduled_stop(subject: Subject, scenario: Scenario) -> Content:
    """Say what stops the resource by itself.

    `scheduled`; `disabled` when what would stop it is switched off; `start-only` when a schedule starts it and none
    stops it; `missing`. Unknown when something may stop it.
    """
    perhaps: Unknown | None = None
    found: set[str] = set()
    for call in _calls(subject, scenario):
        effect = _effect(call, _STOPS[subject.resource.kind], scenario)
        named = _names(call, subject, scenario, vague=effect == "perhaps") if effect else False
        if named is False:
            continue
        if effect == "start":
            found.add("start-only")
        elif call.enabled is False:
            found.add("disabled")
        elif effect == "stop" and named and call.enabled is True:
            return "scheduled"
        else:
            perhaps = perhaps or Unknown(f"{call.raw.address} may stop it")
    return perhaps or next((state for state in ("disabled", "start-only") if state in found), "missing")


def _effect(call: _Call, stops: tuple[str, ...], scenario: Scenario) -> Literal["stop", "start", "perhaps", ""]:
    """Say what a call does to a thing that these API calls stop."""
    text = _written(call.target)
    sdk = _SDK_CALL.search(text)
    if sdk is not None:
        if sdk[1] in stops:
            return "stop" if ":update" not in sdk[1] else _resizing(call, scenario)
        return "start" if sdk[1] in {stop.replace(":stop", ":start") for stop in stops} else ""
    action = _EC2_ACTION.search(text)
    if action is not None:
        if "ec2:stopinstances" not in stops:
            return ""
        return "start" if action[1] == "start" else "stop"
    return "perhaps" if _SPEAKS_OF_STOP.search(f"{text} {call.raw.address.lower()}") else ""


def _resizing(call: _Call, scenario: Scenario) -> Literal["stop", "perhaps", ""]:
    """Tell whether a change of a group's size brings it down to nothing."""
    text, hidden = _text(call.given, scenario, 0) if call.given is not None else ("*", 1)
    if _TO_NOTHING.search(text):
        return "stop"
    return "perhaps" if hidden and text.strip() in ("", "*") else ""


def _written(target: Node) -> str:
    """Give what is known of a target in lower case: its ARN, or the address of the resource that it refers to."""
    content = target.content
    if isinstance(content, Reference):
        return content.address.lower()
    return (content.pattern if isinstance(content, Unknown) else text_of(content) or "").lower()


def _names(call: _Call, subject: Subject, scenario: Scenario, *, vague: bool) -> bool | None:
    """Tell whether the input of a call names the resource; None when it may.

    A function that nobody knows (`vague`) may find out by itself what it stops, unless its input names something.
    """
    if call.given is None:
        return None
    own = without_keys(subject.resource.raw.address)
    named = [without_keys(reference.address) for reference in references_in(call.given, scenario)]
    if own in named:
        return True
    text, hidden = _text(call.given, scenario, 0)
    name = subject.property("name", scenario)
    written = text_of(name.content) if name is not None else None
    if written is not None and re.search(rf"(?<![\w-]){re.escape(written)}(?![\w-])", text):
        return True
    chosen = set(_TAG.findall(text))
    if chosen:
        tags = subject.tags(scenario).items()
        return True if any(key in chosen and value and str(value) in text for key, value in tags) else None
    unnamed = name is not None and written is None
    return None if unnamed or hidden > len(named) or (vague and not named) else False


def _text(node: Node, scenario: Scenario, depth: int) -> tuple[str, int]:
    """Give the known text of an input, and how many parts of it are hidden."""
    content = settle(node, scenario).content
    if isinstance(content, Unknown):
        return content.pattern, max(content.pattern.count("*"), 1)
    if isinstance(content, Reference):
        return "", 1
    if not isinstance(content, Entries | Items):
        return text_of(content) or "", 0
    below = content.nodes.values() if isinstance(content, Entries) else content.nodes
    parts = [_text(one, scenario, depth + 1) for one in below] if depth < _MAX_DEPTH else []
    more = 1 if content.rest is not None or depth >= _MAX_DEPTH else 0
    return " ".join(text for text, _ in parts), sum(hidden for _, hidden in parts) + more


def _calls(subject: Subject, scenario: Scenario) -> Iterator[_Call]:
    for raw in _of_types(subject.project, frozenset(_READERS)):
        exists = raw.exists(scenario)
        if exists is False:
            continue
        for call in _READERS[raw.type](raw, subject, scenario):
            yield call if exists is True else replace(call, enabled=Unknown(f"{raw.address} may not be there"))


@lru_cache(maxsize=2)  # projects are judged one after the other, and many things ask the same
def _of_types(project: RawProject, types: frozenset[str]) -> tuple[RawResource, ...]:
    return tuple(raw for raw in project.resources if raw.type in types)


def _read(raw: RawResource, scenario: Scenario, cloudformation: str, terraform: str) -> Node | None:
    if raw.type.startswith("aws_"):
        return walk(raw.body, terraform, scenario)
    return walk(raw.body, cloudformation, scenario, cloud_control=raw.type.startswith("awscc_"))


def _enabled(*switches: Node | None) -> Literal[True, False] | Unknown:
    """Tell whether something is on: it is, unless one of its switches says otherwise."""
    unknown: Unknown | None = None
    for switch in switches:
        if switch is None:
            continue
        if isinstance(switch.content, Unknown):
            unknown = switch.content
        elif (text_of(switch.content) or "").upper() in ("DISABLED", "FALSE"):
            return False
    return unknown if unknown is not None else True


def _schedule(raw: RawResource, _: Subject, scenario: Scenario) -> Iterator[_Call]:
    target = _read(raw, scenario, "Target.Arn", "target.arn")
    if target is not None:
        given = _read(raw, scenario, "Target.Input", "target.input")
        yield _Call(raw, target, given, _enabled(_read(raw, scenario, "State", "state")))


def _rule(raw: RawResource, _: Subject, scenario: Scenario) -> Iterator[_Call]:
    """Read an EventBridge rule of CloudFormation, which lists its own targets."""
    cloud_control = raw.type.startswith("awscc_")
    targets = items(_read(raw, scenario, "Targets", "-"), scenario)
    if isinstance(targets, Unknown) or _read(raw, scenario, "ScheduleExpression", "-") is None:
        return
    enabled = _enabled(_read(raw, scenario, "State", "-"))
    for node in targets.nodes:
        target = walk(node, "Arn", scenario, cloud_control=cloud_control)
        if target is not None:
            yield _Call(raw, target, walk(node, "Input", scenario, cloud_control=cloud_control), enabled)


def _rule_target(raw: RawResource, subject: Subject, scenario: Scenario) -> Iterator[_Call]:
    """Read a target of Terraform, which points at its rule."""
    target, rule = walk(raw.body, "arn", scenario), walk(raw.body, "rule", scenario)
    if target is None or rule is None:
        return
    enabled: Literal[True, False] | Unknown = Unknown(f"the rule of {raw.address} is not in the code")
    for one in _of_types(subject.project, frozenset(("aws_cloudwatch_event_rule",))):
        if names_resource(rule, one, walk(one.body, "name", scenario)):
            if walk(one.body, "schedule_expression", scenario) is None:
                return
            enabled = _enabled(walk(one.body, "state", scenario), walk(one.body, "is_enabled", scenario))
    yield _Call(raw, target, walk(raw.body, "input", scenario), enabled)


def _maintenance_task(raw: RawResource, _: Subject, scenario: Scenario) -> Iterator[_Call]:
    document = _read(raw, scenario, "TaskArn", "task_arn")
    if document is not None:
        yield _Call(raw, document, _read(raw, scenario, "Targets", "targets"), enabled=True)


def _alarm(raw: RawResource, _: Subject, scenario: Scenario) -> Iterator[_Call]:
    actions = items(_read(raw, scenario, "AlarmActions", "alarm_actions"), scenario)
    enabled = _enabled(_read(raw, scenario, "ActionsEnabled", "actions_enabled"))
    given = _read(raw, scenario, "Dimensions", "dimensions")
    for action in actions.nodes if isinstance(actions, Items) else ():
        target = settle(action, scenario)
        if _EC2_ACTION.search(_written(target)):  # a topic whose name speaks of stopping stops nothing
            yield _Call(raw, target, given, enabled)


_Reader = Callable[[RawResource, Subject, Scenario], Iterator[_Call]]
_READERS: Mapping[str, _Reader] = {
    "AWS::Scheduler::Schedule": _schedule,
    "awscc_scheduler_schedule": _schedule,
    "aws_scheduler_schedule": _schedule,
    "AWS::Events::Rule": _rule,
    "awscc_events_rule": _rule,
    "aws_cloudwatch_event_target": _rule_target,
    "AWS::SSM::MaintenanceWindowTask": _maintenance_task,
    "awscc_ssm_maintenance_window_task": _maintenance_task,
    "aws_ssm_maintenance_window_task": _maintenance_task,
    "AWS::CloudWatch::Alarm": _alarm,
    "awscc_cloudwatch_alarm": _alarm,
    "aws_cloudwatch_metric_alarm": _alarm,
}
