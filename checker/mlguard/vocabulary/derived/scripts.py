"""Read the lifecycle script of a notebook: whether it stops the notebook when nobody works with it."""

from __future__ import annotations

import base64
import binascii
import re

from mlguard.patterns import lazy_pattern
from mlguard.record import record
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Reference, Unknown, items, settle, text_of
from mlguard.vocabulary.derived.schedules import scheduled_stop
from mlguard.vocabulary.derived.subject import Subject

_STOP = lazy_pattern(
    r"autostop\.py|auto[-_]stop[-_]idle|stop[-_]notebook[-_]instance|StopNotebookInstance|sagemaker_notebook_autostop"
)
_SCHEDULED = lazy_pattern(
    r"\bcron(?:tab)?\b|/etc/cron|systemd|systemctl|\bnohup\b|\bwhile\b|\bat now\b|schedule", re.IGNORECASE
)
_HALT = lazy_pattern(r"\b(?:shutdown\s+(?:-h|now)|poweroff|halt)\b")
_IDLE_SECONDS = lazy_pattern(r"(?:IDLE_TIME\s*=\s*[\"']?|--time[ =])(\d{1,9})")
_COMMENT = lazy_pattern(r"(?m)^[ \t]*#(?!!).*$")
_MAX_SCRIPT = 200_000


@record()
class _Script:
    text: str
    node: Node


def decode(node: Node) -> str | Unknown:
    """Give the text of a script that is written in base64; Unknown where it is not known or not base64."""
    if isinstance(node.content, Unknown):
        return node.content
    written = text_of(node.content)
    if written is None:
        return Unknown("another resource holds the script")
    if len(written) > _MAX_SCRIPT:
        return Unknown("the script is too long to be read")
    try:
        return base64.b64decode("".join(written.split()), validate=True).decode("utf-8", "replace")
    except (binascii.Error, ValueError):
        return Unknown("the script is not valid base64")


def _scripts(subject: Subject, name: str, scenario: Scenario) -> list[_Script] | Unknown | None:
    node = subject.property(name, scenario)
    if node is None:
        return None
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        return listed
    found = []
    for item in listed.nodes:
        text = decode(item)
        if isinstance(text, Unknown):
            return text
        found.append(_Script(_COMMENT.sub("", text), item))
    return listed.rest if listed.rest is not None and not found else found


def idle_stop(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say how something may stop a notebook instance when nobody works with it.

    `missing`; `arn` when the lifecycle configuration is named by its ARN where AWS wants the name, so that the
    deployment fails; `configured`; `scheduled` when an EventBridge schedule stops it.
    """
    node = subject.property("lifecycle_config", scenario)
    if node is None:
        stop = scheduled_stop(subject, scenario)
        return stop if stop == "scheduled" or isinstance(stop, Unknown) else "missing"
    content = node.content
    cloudformation = subject.resource.raw.format == "cloudformation"
    if isinstance(content, Reference):
        wrong = content.attribute == ("" if cloudformation else "arn")
        return Node("arn" if wrong else "configured", node.span, node.key_span, node.origins)
    if isinstance(content, Unknown) and not (cloudformation and _is_written(subject, "LifecycleConfigName", scenario)):
        return node  # it may be null or not there, which is no configuration at all
    return Node("configured", node.span, node.key_span, node.origins)


def _is_written(subject: Subject, key: str, scenario: Scenario) -> bool:
    body = settle(subject.resource.raw.body, scenario).content
    return isinstance(body, Entries) and key in body.nodes


def script_stop(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether the scripts stop an idle notebook.

    `stops`; `no-stop` when nothing in them does; `on-create-only` when only the script of the first start does;
    `os-shutdown` when it only halts the operating system; `not-scheduled` when nothing runs the stop again and again.
    """
    on_start = _scripts(subject, "on_start", scenario)
    on_create = _scripts(subject, "on_create", scenario)
    for found in (on_start, on_create):
        if isinstance(found, Unknown):
            return found
    starts = on_start if isinstance(on_start, list) else []
    creates = on_create if isinstance(on_create, list) else []
    if not starts and not creates:
        return "no-stop"
    return _judge(starts, creates)


def _judge(starts: list[_Script], creates: list[_Script]) -> Node:
    stopping = next((script for script in starts if _STOP.search(script.text)), None)
    if stopping is not None:
        scheduled = any(_SCHEDULED.search(script.text) for script in starts)
        return _answer("stops" if scheduled else "not-scheduled", stopping)
    created = next((script for script in creates if _STOP.search(script.text)), None)
    if created is not None:
        return _answer("on-create-only", created)
    halting = next((script for script in (*starts, *creates) if _HALT.search(script.text)), None)
    if halting is not None:
        return _answer("os-shutdown", halting)
    return _answer("no-stop", (*starts, *creates)[0])


def _answer(state: str, script: _Script) -> Node:
    return Node(state, script.node.span, script.node.key_span, script.node.origins)


def script_idle_seconds(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the idle seconds after which the script stops the notebook; absent when it does not say."""
    on_start = _scripts(subject, "on_start", scenario)
    if on_start is None or isinstance(on_start, Unknown | Items):
        return on_start if isinstance(on_start, Unknown) else None
    for script in on_start:
        waits = [int(seconds) for seconds in _IDLE_SECONDS.findall(script.text)]
        if waits and _STOP.search(script.text):
            return Node(max(waits), script.node.span, script.node.key_span, script.node.origins)
    return None
