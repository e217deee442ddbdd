"""What AWS lets a policy say: actions, their condition keys, and the resource types of a request; a dated snapshot."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import translate
from functools import cache

from mlguard.knowledge.tables import table
from mlguard.record import record

MULTIVALUED_GLOBALS = frozenset(
    key.lower()
    for key in (
        "aws:CalledVia",
        "aws:PrincipalOrgPaths",
        "aws:PrincipalServiceNamesList",
        "aws:ResourceOrgPaths",
        "aws:SourceOrgPaths",
        "aws:TagKeys",
        "aws:VpceOrgPaths",
    )
)
# keys that AWS's data give as a String, and of which a request carries several values: the key's documentation tells of
# the types of all overrides of a mixed instances policy
_MULTIVALUED_STRINGS = frozenset(("autoscaling:instancetypes",))
# AWS's global keys that every request may carry; those about tags belong to single actions and are not among them
GLOBALS = MULTIVALUED_GLOBALS - {"aws:tagkeys"} | frozenset(
    f"aws:{name}".lower()
    for name in [
        "AssumedRoot",
        "CalledViaFirst",
        "CalledViaLast",
        "ChatbotSourceArn",
        "CurrentTime",
        "Ec2InstanceSourcePrivateIPv4",
        "Ec2InstanceSourceVpc",
        "EpochTime",
        "FederatedProvider",
        "MultiFactorAuthAge",
        "MultiFactorAuthPresent",
        "PrincipalAccount",
        "PrincipalArn",
        "PrincipalIsAWSService",
        "PrincipalOrgID",
        "PrincipalServiceName",
        "PrincipalType",
        "Referer",
        "RequestedRegion",
        "ResourceAccount",
        "ResourceOrgID",
        "SecureTransport",
        "SignInSessionArn",
        "SourceAccount",
        "SourceArn",
        "SourceIdentity",
        "SourceIp",
        "SourceOrgID",
        "SourceVpc",
        "SourceVpcArn",
        "SourceVpce",
        "TokenIssueTime",
        "UserAgent",
        "UserId",
        "Username",
        "ViaAWSService",
        "VpcSourceIp",
        "VpceAccount",
        "VpceOrgID",
    ]
)


@record()
class Action:
    """An action whose condition keys are known, in lower case; each resource type with whether it is required.

    `resources` gives, for each type, the keys that a request about a resource of that type carries.
    """

    name: str
    keys: frozenset[str]
    resources: Mapping[str, frozenset[str]]
    required: frozenset[str]

    def supports(self, key: str) -> bool:
        """Tell whether some request for the action carries the key."""
        return carries(self.keys, key)


def carries(keys: Iterable[str], key: str) -> bool:
    """Tell whether keys hold one; `aws:requesttag/${tagkey}` holds every `aws:RequestTag/...`."""
    wanted = key.lower()
    if wanted in keys:
        return True
    family, slash, name = wanted.partition("/")
    return bool(slash and name) and any(known.startswith(f"{family}/${{") for known in keys)


@cache
def details(action: str) -> Action | None:
    """Give an action by its exact name, in any case; None where the snapshot does not hold its keys."""
    name = _detailed().get(action.lower())
    if name is None:
        return None
    keys = _keys()
    own, resources = table("scp_actions")["actions"][name]
    return Action(
        name,
        frozenset(keys[index] for index in own),
        {kind: frozenset(keys[index] for index in listed) for kind, (_, listed) in resources.items()},
        frozenset(kind for kind, (required, _) in resources.items() if required),
    )


@cache
def _detailed() -> dict[str, str]:
    return {name.lower(): name for name in table("scp_actions")["actions"]}


@cache
def _keys() -> list[str]:
    return [key.lower() for key in table("scp_actions")["keys"]]


def service_is_known(prefix: str) -> bool:
    """Tell whether AWS has a service of that prefix."""
    content = table("scp_actions")
    return prefix in content["services"] or prefix in content["prefixes"]


def service_is_covered(prefix: str) -> bool:
    """Tell whether the snapshot holds every action name of the service."""
    return prefix in table("scp_actions")["services"]


def services() -> Iterator[str]:
    """Give the prefix of every service."""
    content = table("scp_actions")
    yield from content["services"]
    yield from content["prefixes"]


def actions_of(service: str) -> list[str]:
    """Give the name of every action of a covered service, without its prefix."""
    return list(table("scp_actions")["services"].get(service, ()))


@cache
def expand(pattern: str) -> tuple[str, ...]:
    """Give every action that a name or a pattern with `*` and `?` stands for, among the covered services."""
    service, _, name = pattern.partition(":")
    listed: Mapping[str, list[str]] = table("scp_actions")["services"]
    if pattern == "*":
        service, name = "*", "*"
    found = re.compile(translate(name.lower()))
    chosen: Iterator[str] = iter(listed) if service == "*" else iter([service] if service in listed else [])
    return tuple(f"{one}:{action}" for one in chosen for action in listed[one] if found.match(action.lower()))


def spelled(key: str) -> str:
    """Give a condition key as AWS spells it: `sagemaker:InstanceTypes` for `sagemaker:instancetypes`."""
    return next((name for name in table("scp_actions")["keys"] if name.lower() == key.lower()), key)


@cache
def key_type(key: str) -> str | None:
    """Give the type of a condition key: `String`, `Numeric`, `ArrayOfString`, ...; None where it is not known."""
    lowered = key.lower()
    types = _types()
    if lowered in types:
        return types[lowered]
    family, slash, name = lowered.partition("/")
    if slash and name:
        return next((types[known] for known in types if known.startswith(f"{family}/${{")), None)
    return None


@cache
def _types() -> dict[str, str]:
    content = table("scp_actions")
    return {key.lower(): kind for key, kind in zip(content["keys"], content["types"], strict=True)}


def is_multivalued(key: str) -> bool:
    """Tell whether a request may carry several values of the key: only a set operator can test those."""
    lowered = key.lower()
    if lowered in MULTIVALUED_GLOBALS or lowered in _MULTIVALUED_STRINGS:
        return True
    return (key_type(key) or "").startswith("ArrayOf")


def is_global(key: str) -> bool:
    """Tell whether the key belongs to every action of every service."""
    lowered = key.lower()
    return lowered in GLOBALS or lowered.startswith("aws:principaltag/")
