"""The safety checks of region locks: services that answer from one region only must stay reachable."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from mlguard.knowledge.regions import names as region_names
from mlguard.scp.corrections import condition, member, nearest
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
        if test.key.value.lower() == "aws:requestedregion":
            yield from _existence(statement, test)
        if test.key.value.lower() == "aws:requestedregion" and test.negated:
            yield from _global_services(statement, test)
            yield from _cross_region_inference(statement, test)


def _existence(statement: WrittenStatement, test: Test) -> Iterator[Fault]:
    """Find regions that do not exist: a lock on one locks everybody out of the one that was meant."""
    known = region_names()
    for value in test.values:
        text = value.value
        if not any(fnmatchcase(region, text) for region in (*known, "unspecified")):
            meant = nearest(text, known)
            yield statement.fault("unknown-region", f'there is no region "{text[:60]}"', value.at, correction=meant)


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
        listed = sorted({*(text.value for text in statement.actions), *(f"{service}:*" for service in hit)})
        correction = member("NotAction", listed) if statement.not_action else ""
        yield statement.fault("region-lock-hits-global-services", message, test.key.at, correction=correction)


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
        profiles = [f"arn:aws:bedrock:*:*:inference-profile/{area}.*" for area in _geographies(test)]
        correction = condition("ArnNotLike", "bedrock:InferenceProfileArn", profiles)
        yield statement.fault("region-lock-hits-inference", message, test.key.at, "warning", correction)


def _geographies(test: Test) -> list[str]:
    """Give the geographies of Bedrock's inference profiles that belong to the allowed regions."""
    found = {value.value.partition("-")[0] for value in test.values}
    return sorted("apac" if area == "ap" else area for area in found if area.isalpha()) or ["us"]
