"""AWS Budgets: who hears of spend, how early, up to which limit, and whether anything stops it."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from mlguard.patterns import lazy_pattern
from mlguard.scenario import Scenario
from mlguard.value import Content, Node, Reference, Unknown, child, items, text_of
from mlguard.vocabulary.derived.context import is_managed_ml
from mlguard.vocabulary.derived.subject import Subject, property_of
from mlguard.vocabulary.json_text import json_nodes

_PLACEHOLDER = lazy_pattern(r"(?:@example\.(?:com|org|net)$|changeme|\btodo\b|your[-_.]?e?mail)", re.IGNORECASE)
_IN_A_MONTH = {"DAILY": 30.0, "MONTHLY": 1.0, "QUARTERLY": 1 / 3, "ANNUALLY": 1 / 12}
_BUDGETS = ("AWS::Budgets::Budget", "aws_budgets_budget")
_LONG = ("QUARTERLY", "ANNUALLY")
_STARTS_SPEND = (
    "sagemaker:createendpoint",
    "sagemaker:createnotebookinstance",
    "sagemaker:createprocessingjob",
    "sagemaker:createtrainingjob",
    "sagemaker:startnotebookinstance",
    "bedrock:invokemodel",
    "ec2:runinstances",
)


def subscriber_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say who receives one notification: `someone`, `nobody`, or `placeholder` when every address is made up."""
    at = subject.item
    if at is None:
        return None
    addresses: list[Node] = []
    for name in ("subscribers", "emails", "topics"):
        listed = items(subject.field(name, scenario), scenario)
        if isinstance(listed, Unknown):
            return listed
        if listed.rest is not None:
            return listed.rest
        addresses.extend(listed.nodes)
    if not addresses:
        return Node("nobody", at.span, at.key_span)
    if all(is_placeholder(address) for address in addresses):
        return Node("placeholder", addresses[0].span, addresses[0].key_span, addresses[0].origins)
    return "someone"


def is_placeholder(address: Node) -> bool:
    """Tell whether an address is one that documentation makes up."""
    written = text_of(address.content)
    return written is not None and _PLACEHOLDER.search(written) is not None


def alert_percent(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the threshold of one notification or action in per cent of the limit, also where it is an amount."""
    node = subject.field("threshold", scenario)
    threshold = number_of(node)
    if node is None or threshold is None or isinstance(threshold, Unknown):
        return threshold
    kind = subject.field("threshold_type", scenario)
    if kind is not None and text_of(kind.content) is None:
        return Unknown("whether the threshold is an amount or a percentage is decided at deployment")
    if kind is None or text_of(kind.content) != "ABSOLUTE_VALUE":
        return Node(threshold, node.span, node.key_span, node.origins)
    limit = number_of(subject.property("limit_amount", scenario))
    if limit is None or isinstance(limit, Unknown) or limit <= 0:
        return limit if isinstance(limit, Unknown) else Unknown("the budget has no fixed limit")
    return Node(round(threshold / limit * 100, 1), node.span, node.key_span, node.origins)


def alerts_at(subject: Subject, scenario: Scenario) -> Content:
    """Give the thresholds of a budget's notifications in words: `100 % of actual spend`."""
    listed = items(subject.property("notifications", scenario), scenario)
    if isinstance(listed, Unknown):
        return listed
    found = []
    for item in listed.nodes:
        percent, spend = child(item, "percent", scenario), child(item, "spend", scenario)
        share = text_of(percent.content) if percent is not None else None
        of = text_of(spend.content) if spend is not None else None
        found.append(f"{share or 'an unknown share'}{' %' if share else ''} of {(of or 'unknown').lower()} spend")
    return ", ".join(found) or None


def budget_limit_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what limits a budget: `auto-adjusting`, `fixed`, `planned` (a limit for each period) or `none`."""
    for name, state in (("adjusts_to", "auto-adjusting"), ("limit_amount", "fixed"), ("planned_limits", "planned")):
        node = subject.property(name, scenario)
        if node is not None and isinstance(node.content, Unknown):
            return node
        if node is not None:
            return Node(state, node.span, node.key_span, node.origins)
    return "none"


def monthly_limit_usd(subject: Subject, scenario: Scenario) -> Content | Node:
    """Give the fixed limit of a budget for a month of its period; absent where there is none or it is not in USD."""
    node, unit = subject.property("limit_amount", scenario), subject.property("limit_unit", scenario)
    amount = number_of(node)
    if node is None or amount is None or isinstance(amount, Unknown):
        return amount
    if unit is not None and text_of(unit.content) is None:
        return Unknown("the unit of the limit is decided at deployment")
    if unit is not None and text_of(unit.content) != "USD":
        return None
    period = subject.property("time_unit", scenario)
    factor = _IN_A_MONTH.get(text_of(period.content) or "") if period is not None else None
    if factor is None:
        return Unknown("the period of the budget is not known")
    return Node(round(amount * factor, 2), node.span, node.key_span, node.origins)


def budget_period_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say whether a budget's period is `short` (a month or less), `long`, or long but `covered` by a shorter one."""
    node = subject.property("time_unit", scenario)
    period = text_of(node.content) if node is not None else None
    if node is None or period is None:
        return Unknown("the period of the budget is not known")
    if period not in _LONG:
        return "short"
    unknown: Unknown | None = None
    for sibling in subject.siblings:
        if sibling.kind != "budgets.budget" or sibling is subject.resource:
            continue
        other = property_of(sibling, "time_unit", scenario)
        known = text_of(other.content) if other is not None else None
        if known is None or sibling.raw.exists(scenario) is not True:
            unknown = Unknown(f"{sibling.address} may be a budget for a shorter period")
        elif known not in _LONG:
            return "covered"
    gap = next((gap for gap in subject.project.gaps if gap.may_create(_BUDGETS)), None)
    unknown = unknown or (Unknown(gap.what) if gap is not None else None)
    return Node(unknown or "long", node.span, node.key_span, node.origins)


def action_state(subject: Subject, scenario: Scenario) -> Content | Node:
    """Say what happens without a human when the budget is exceeded.

    `stops` where an action denies spend on its own, `automated` where a Lambda function listens to a notification.
    Else why nothing does: `missing`, `manual`, `only-instances` where the project runs SageMaker or Bedrock but the
    action stops EC2 or RDS, `too-late` above 100 %, `denies-nothing` where the policy it attaches denies no spend.
    """
    listed = items(subject.property("actions", scenario), scenario)
    if isinstance(listed, Unknown):
        return listed
    states = [_one_action(subject, item, scenario) for item in listed.nodes]
    for node in states:
        if node.content == "stops":
            return node
    heard = _automated(subject, scenario)
    if heard is True:
        return "automated"
    unknown = next((node for node in states if isinstance(node.content, Unknown)), None)
    if unknown is not None:
        return unknown
    if listed.rest is not None or isinstance(heard, Unknown):
        return listed.rest or heard
    return states[0] if states else "missing"


def _one_action(subject: Subject, item: Node, scenario: Scenario) -> Node:
    fields = {name: child(item, name, scenario) for name in ("type", "approval", "percent", "policy")}

    def found(content: Content, name: str = "type") -> Node:
        at = fields[name] or item
        return Node(content, at.span, at.key_span, at.origins)

    for name in ("type", "approval", "percent"):
        node = fields[name]
        if node is not None and isinstance(node.content, Unknown):
            return node
    approval, percent = fields["approval"], fields["percent"]
    if approval is None or text_of(approval.content) != "AUTOMATIC":
        return found("manual", "approval")
    if percent is not None and isinstance(percent.content, int | float) and percent.content > 100:  # noqa: PLR2004  (%)
        return found("too-late", "percent")
    kind = text_of(fields["type"].content) if fields["type"] is not None else None
    if kind == "RUN_SSM_DOCUMENTS":
        return found("only-instances" if any(is_managed_ml(one) for one in subject.siblings) else "stops")
    if kind == "APPLY_IAM_POLICY" and fields["policy"] is not None:
        return found(_denial(subject, fields["policy"], scenario), "policy")
    return found("stops")


def _denial(subject: Subject, policy: Node, scenario: Scenario) -> Content:
    """Say whether a policy that is written in the project denies what starts spend."""
    content = policy.content
    if isinstance(content, Unknown):
        return content
    if not isinstance(content, Reference):
        return "stops" if str(content).endswith("/AWSDenyAll") else Unknown(f"{content} cannot be read here")
    named = next((one for one in subject.siblings if one.address == content.address and one.kind == "iam.policy"), None)
    document = json_nodes(property_of(named, "document", scenario)) if named is not None else None
    if document is None:
        return Unknown(f"what {content.address} denies cannot be read here")
    listed = items(child(document, "Statement", scenario), scenario)
    if isinstance(listed, Unknown):
        return listed
    unknown = listed.rest
    for statement in listed.nodes:
        denies = _denies(statement, scenario)
        if denies is True:
            return "stops"
        unknown = denies if isinstance(denies, Unknown) else unknown
    return unknown or "denies-nothing"


def _denies(statement: Node, scenario: Scenario) -> bool | Unknown:
    effect = child(statement, "Effect", scenario)
    if effect is not None and isinstance(effect.content, Unknown):
        return effect.content
    if effect is None or text_of(effect.content) != "Deny":
        return False
    actions = child(statement, "Action", scenario)
    if actions is None:
        return True  # NotAction denies all the rest
    listed = items(actions, scenario)
    if isinstance(listed, Unknown):
        return listed
    written = [(text_of(node.content) or "").lower() for node in listed.nodes]
    if any(fnmatchcase(start, pattern) for pattern in written for start in _STARTS_SPEND):
        return True
    return listed.rest or ("" in written and Unknown("an action that the policy denies is not known"))


def _automated(subject: Subject, scenario: Scenario) -> bool | Unknown:
    """Tell whether a Lambda function listens to a notification of the budget."""
    unknown: Unknown | None = None
    for topic in _topics(subject, scenario):
        content = topic.content
        known = None
        if isinstance(content, Reference):
            known = next((one for one in subject.siblings if one.address == content.address), None)
        if known is None or known.kind != "sns.topic":
            unknown = content if isinstance(content, Unknown) else Unknown("who listens to its topic is not known")
            continue
        listed = items(property_of(known, "subscribers", scenario), scenario)
        for one in listed.nodes if not isinstance(listed, Unknown) else ():
            protocol = child(one, "protocol", scenario)
            if protocol is not None and text_of(protocol.content) == "lambda":
                return True
        rest = listed if isinstance(listed, Unknown) else listed.rest
        unknown = unknown or rest
    return unknown or False


def _topics(subject: Subject, scenario: Scenario) -> list[Node]:
    """Give what the notifications of a budget name as topics."""
    found: list[Node] = []
    told = items(subject.property("notifications", scenario), scenario)
    for item in told.nodes if not isinstance(told, Unknown) else ():
        topics = items(child(item, "topics", scenario), scenario)
        found.extend([Node(topics, item.span)] if isinstance(topics, Unknown) else topics.nodes)
        listeners = items(child(item, "listeners", scenario), scenario)
        for one in listeners.nodes if not isinstance(listeners, Unknown) else ():
            kind = child(one, "SubscriptionType", scenario) or child(one, "subscription_type", scenario)
            address = child(one, "Address", scenario) or child(one, "address", scenario)
            if address is not None and (kind is None or text_of(kind.content) != "EMAIL"):
                found.append(address)
    return found


def number_of(node: Node | None) -> float | Unknown | None:
    """Read an amount; None where the code gives none."""
    if node is None:
        return None
    if isinstance(node.content, Unknown):
        return node.content
    text = text_of(node.content)
    try:
        value = float(text) if text is not None else None
    except ValueError:
        value = None
    return Unknown("the amount is not a number that is known here") if value is None else value
