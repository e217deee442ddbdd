"""The safety checks of region locks: services that answer from one region only must stay reachable."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlguard.scp.written import Fault, Test, WrittenStatement

# the services without which an account cannot be run, by the region that aws:RequestedRegion gives for them
_HOMES = {
    "us-east-1": ("account", "billing", "budgets", "ce", "cloudfront", "health", "iam", "organizations", "route53",
                  "shield", "support", "sts", "waf"),
    "us-west-2": ("globalaccelerator", "networkmanager"),
}  # fmt: skip
_INVOKE = ("bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream")


def faults_of_regions(statement: WrittenStatement) -> Iterator[Fault]:
    """Check a statement that denies whatever is asked of other regions than those it lists."""
    for test in statement.tests:
        if test.key.value.lower() == "aws:requestedregion" and test.negated:
            yield from _global_services(statement, test)
            yield from _cross_region_inference(statement, test)


def _global_services(statement: WrittenStatement, test: Test) -> Iterator[Fault]:
    allowed = [value.value for value in test.values]
    hit = sorted(
        service
        for home, services in _HOMES.items()
        if not any(fnmatchcase(home, region) for region in allowed)
        for service in services
        if _denies_service(statement, service)
    )
    if hit:
        remedy = "list them under NotAction" if statement.not_action else "leave their actions out"
        message = (
            f"this region lock also denies {', '.join(f'{service}:*' for service in hit)}, global services that answer "
            f"from one region only; {remedy}"
        )
        yield statement.fault("region-lock-hits-global-services", message, test.key.at)


def _denies_service(statement: WrittenStatement, service: str) -> bool:
    if statement.not_action:
        listed = (text.value for text in statement.actions)
        return not any(fnmatchcase(f"{service}:*", pattern) for pattern in listed)
    return any(fnmatchcase(service, text.value.partition(":")[0]) for text in statement.actions)


def _cross_region_inference(statement: WrittenStatement, test: Test) -> Iterator[Fault]:
    """Find a lock that stops Bedrock from serving a request of an allowed region out of another."""
    patterns = [text.value for text in statement.actions]
    named = [action for action in _INVOKE if any(fnmatchcase(action, pattern) for pattern in patterns)]
    denied = len(named) < len(_INVOKE) if statement.not_action else bool(named)
    carved = any(other.key.value.lower() == "bedrock:inferenceprofilearn" for other in statement.tests)
    if denied and not carved:
        message = (
            "this region lock also denies Bedrock's cross-region inference from the allowed regions; exempt "
            "bedrock:InferenceProfileArn of the geographies that may be used, in a statement of its own"
        )
        yield statement.fault("region-lock-hits-inference", message, test.key.at, "warning")
