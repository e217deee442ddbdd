"""Managed services that people work with interactively: whether they stop when nobody does."""

from __future__ import annotations

from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Unknown, text_of
from mlguard.vocabulary.derived.schedules import scheduled_stop
from mlguard.vocabulary.derived.subject import Subject


def session_stop(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether a managed service stops when it idles.

    `idle` when it does, by a setting or by default; `switched-off` when the code switches that off; `long-default`
    when it leaves a default of two days; else what a schedule does: `scheduled`, `disabled`, `start-only`, `missing`.
    """
    kind = subject.resource.kind
    if kind == "emr.serverless_application":
        switch = subject.property("auto_stop", scenario)
        if switch is None:
            return "idle"
        if isinstance(switch.content, Unknown):
            return switch
        off = text_of(switch.content) == "false"
        return Node("switched-off" if off else "idle", switch.span, switch.key_span, switch.origins)
    if kind == "glue.session":
        return "long-default" if subject.property("idle_timeout_minutes", scenario) is None else "idle"
    return scheduled_stop(subject, scenario)
