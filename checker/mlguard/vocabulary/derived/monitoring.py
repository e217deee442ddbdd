"""Who watches: cost anomalies, alarms, and the monitoring of models."""

from __future__ import annotations

from mlguard.patterns import lazy_pattern
from mlguard.scenario import Scenario
from mlguard.value import Content, Entries, Items, Node, Unknown, child, items, text_of
from mlguard.vocabulary.derived.budgets import is_placeholder, number_of
from mlguard.vocabulary.derived.subject import Subject, property_of
from mlguard.vocabulary.joins import names_resource
from mlguard.vocabulary.json_text import json_nodes
from mlguard.vocabulary.model import snake_case

_HOURLY = lazy_pattern(r"cron\(0 (?:\*|(\d{1,2}))(?:/(\d{1,2}))? \? \* \* \*\)\Z")
_SUBSCRIPTIONS = ("AWS::CE::AnomalySubscription", "aws_ce_anomaly_subscription")
_IMPACT = "ANOMALY_TOTAL_IMPACT_ABSOLUTE"


def anomaly_alert_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether anybody hears of a cost anomaly: `heard`, or why nobody does in time.

    A monitor is `unsubscribed` where no subscription names it; a subscription goes to a `placeholder` address or
    tells only once a week.
    """
    if subject.resource.kind == "ce.anomaly_monitor":
        return _subscribed(subject, scenario)
    addresses = items(subject.property("addresses", scenario), scenario)
    if isinstance(addresses, Unknown) or addresses.rest is not None:
        return addresses if isinstance(addresses, Unknown) else addresses.rest
    if addresses.nodes and all(is_placeholder(node) for node in addresses.nodes):
        first = addresses.nodes[0]
        return Node("placeholder", first.span, first.key_span, first.origins)
    frequency = subject.property("frequency", scenario)
    if frequency is not None and isinstance(frequency.content, Unknown):
        return frequency
    if frequency is not None and text_of(frequency.content) == "WEEKLY":
        return Node("weekly", frequency.span, frequency.key_span, frequency.origins)
    return "heard"


def _subscribed(subject: Subject, scenario: Scenario) -> Content:
    unknown: Unknown | None = None
    for sibling in subject.siblings:
        exists = sibling.raw.exists(scenario)
        if sibling.kind != "ce.anomaly_subscription" or exists is False:
            continue
        named = items(property_of(sibling, "monitors", scenario), scenario)
        if isinstance(named, Unknown):
            unknown = named
            continue
        verdicts = [names_resource(node, subject.resource.raw, None) for node in named.nodes]
        if True in verdicts and exists is True:
            return "heard"
        if named.rest is not None or any(verdict is not False for verdict in verdicts):
            unknown = named.rest or Unknown(f"{sibling.address} may tell of it")
    gap = next((gap for gap in subject.project.gaps if gap.may_create(_SUBSCRIPTIONS)), None)
    return unknown or ("unsubscribed" if gap is None else Unknown(gap.what))


def anomaly_threshold_usd(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the impact in USD below which a subscription keeps silent; absent where it counts in per cent only."""
    node = subject.property("threshold", scenario)
    if node is None:
        written = subject.property("threshold_expression", scenario)
        if written is None:
            return None
        if isinstance(written.content, Unknown):
            return written
        blocks = subject.resource.raw.type.startswith("aws_")
        expression = written if blocks else json_nodes(written)
        if expression is None:
            return Unknown("the threshold expression cannot be read")
        node = _least_impact(expression, scenario)
    value = number_of(node)
    if node is None or value is None or isinstance(value, Unknown):
        return value
    return Node(value, node.span, node.key_span, node.origins)


def _least_impact(expression: Node, scenario: Scenario) -> Node | None:
    """Find the amount that an impact must have; one alternative among others is none."""
    both = child(expression, "And", scenario) or child(expression, "and", scenario)
    parts = items(both, scenario) if both is not None else None
    if isinstance(parts, Unknown):
        return Node(parts, expression.span, expression.key_span)
    for part in (expression,) if parts is None else parts.nodes:
        dimension = child(part, "Dimensions", scenario) or child(part, "dimension", scenario)
        if dimension is None:
            continue
        if isinstance(dimension.content, Unknown):
            return dimension
        key = child(dimension, "Key", scenario) or child(dimension, "key", scenario)
        values = items(child(dimension, "Values", scenario) or child(dimension, "values", scenario), scenario)
        if key is not None and text_of(key.content) == _IMPACT and not isinstance(values, Unknown) and values.nodes:
            return values.nodes[0]
    return None


def dimension_names(subject: Subject, scenario: Scenario) -> Content | Node:
    """List the names of the dimensions of a metric, which Terraform writes as a mapping."""
    node = subject.field("measured_by", scenario)
    if node is None:
        return None
    if isinstance(node.content, Entries):
        names = tuple(Node(name, value.span, value.key_span) for name, value in node.content.nodes.items())
        return Node(Items(names, node.content.rest), node.span, node.key_span)
    listed = items(node, scenario)
    if isinstance(listed, Unknown):
        return node
    named = (child(item, "Name", scenario) or child(item, "name", scenario) for item in listed.nodes)
    return Node(Items(tuple(name for name in named if name is not None), listed.rest), node.span, node.key_span)


def alarm_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether anything happens when an alarm fires: `acts`, `silent` without an action, or `disabled`."""
    enabled = subject.property("actions_enabled", scenario)
    if enabled is not None and text_of(enabled.content) == "false":
        return Node("disabled", enabled.span, enabled.key_span, enabled.origins)
    actions = subject.property("actions", scenario)
    listed = items(actions, scenario)
    if isinstance(listed, Unknown):
        return listed
    if listed.nodes:
        return "acts" if enabled is None or not isinstance(enabled.content, Unknown) else enabled
    if listed.rest is not None:
        return listed.rest
    above = next((one.address for one in subject.siblings if one.kind == "cloudwatch.composite_alarm"), None)
    return "silent" if above is None else Unknown(f"{above} may act on it")


def capture_percent(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the share of its requests that an endpoint records; absent where it records none, or must record all.

    Capture is on unless the API is told otherwise; the AWS provider of Terraform does tell it otherwise by default.
    """
    capture = subject.property("data_capture", scenario)
    if capture is None or any(key.lower() == "mlguard:full-capture" for key in subject.tags(scenario)):
        return None
    enabled = child(capture, "EnableCapture", scenario) or child(capture, "enable_capture", scenario)
    if enabled is not None and isinstance(enabled.content, Unknown):
        return enabled
    off = subject.resource.raw.type.startswith("aws_") if enabled is None else text_of(enabled.content) == "false"
    if off:
        return None
    key = "InitialSamplingPercentage"
    return child(capture, key, scenario) or child(capture, snake_case(key), scenario)


def runs_per_day(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give how often a monitoring schedule starts a job on a day; absent where it does so once."""
    node = subject.property("schedule", scenario)
    if node is None or isinstance(node.content, Unknown):
        return node
    written = text_of(node.content) or ""
    if written == "NOW":
        return None
    match = _HOURLY.match(written)
    if match is None:
        return Unknown(f'how often "{written}" runs is not known')
    hour, step = match[1], int(match[2] or 0)
    times = max(24 // step, 1) if step else 24 if hour is None else 1
    return Node(times, node.span, node.key_span, node.origins)
