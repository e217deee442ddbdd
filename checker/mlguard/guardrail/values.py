"""Values that a user sets, before they reach an SCP: a wildcard must not say more than was meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from mlguard.errors import GuardrailError
from mlguard.knowledge.regions import names as region_names
from mlguard.knowledge.regions import partition as partition_of
from mlguard.policy.parameters import Parameters

# a wildcard may stand for the size of a family that is named: ml.m5.*
_NAMED_FAMILY = re.compile(r"(?:ml\.)?[a-z][a-z0-9]*[0-9][a-z0-9-]*\.[a-z0-9-]*[*?]?[a-z0-9-]*")
# and for the versions of a model that is named: amazon.nova-micro-*
_NAMED_MODEL = re.compile(r"[a-z0-9]+\.[a-z0-9][\w.:*?-]*")
_MODELS = "allowed_bedrock_models"
_ALLOWING = "allowed_"  # the lists whose longer values allow more
_EVERYTHING = "*"
_REGION = "aws:RequestedRegion"
_ROLE_BELOW_RESERVED_PATH = ":role/aws-reserved/"
_ROLE_NAME = re.compile(r"arn:aws[a-z-]*:iam::(?:\*|\d{12}):(?:role|user)/[\w+=,.@/-]+")


def refuse_widening(parameters: Parameters) -> None:
    """Raise GuardrailError where a user's own value would allow what nobody has named.

    `*` alone is an answer: the environment allows everything, and no statement is made. A default is one, too.
    """
    for name, environment, value in _own(parameters):
        declared = parameters.declarations.get(name)
        for use, text in _texts(value):
            if "$" in text:
                raise GuardrailError(f'the parameter "{name}" holds "{text[:60]}": $ begins a policy variable')
            if not name.startswith(_ALLOWING) or text == _EVERYTHING or not set(text) & set("*?"):
                continue
            default = declared.default if declared is not None else None
            known = {(one[-1:], word) for one, word in _texts(default) if not environment or environment in one}
            named, example = (_NAMED_MODEL, "amazon.nova-*") if name == _MODELS else (_NAMED_FAMILY, "ml.m5.*")
            if (use[-1:], text) not in known and not named.fullmatch(text):
                raise GuardrailError(
                    f'the parameter "{name}" holds "{text[:60]}", which allows families that nobody has named: write '
                    f"each family, as in {example}"
                )


def refuse_open_exemptions(patterns: Sequence[str]) -> None:
    """Raise GuardrailError where a break-glass pattern fits roles that somebody in the account could create."""
    for pattern in patterns:
        if _ROLE_BELOW_RESERVED_PATH in pattern or _ROLE_NAME.fullmatch(pattern):
            continue
        if re.search(r":(?:role|user)/.*[*?$]", pattern) and pattern.split("/", 1)[-1].strip("*?/"):
            raise GuardrailError(
                f"the break-glass pattern {pattern[:120]} fits every role of such a name: write the whole name; only "
                "roles below aws-reserved/ may have wildcards, because nobody in the account can create those"
            )


def refuse_other_regions(content: Mapping[str, Any], partition: str, names: Sequence[str]) -> None:
    """Raise GuardrailError where a statement allows regions of other partitions alone: it would deny everything here.

    `names` are the parameters that the statement reads.
    """
    for operator, tests in content.get("Condition", {}).items():
        allowed = tests.get(_REGION, ()) if "Not" in operator else ()
        patterns = [allowed] if isinstance(allowed, str) else allowed
        found = {partition_of(one) for one in region_names() if any(fnmatchcase(one, pattern) for pattern in patterns)}
        if found and partition not in found:
            raise GuardrailError(
                f"{content['Sid']} allows {', '.join(patterns)}, none of which is a region of {partition}: it would "
                f"deny everything there; set {' and '.join(names) or 'its regions'} in the configuration, or leave the "
                "policy out with --ignore"
            )


def _own(parameters: Parameters) -> Iterator[tuple[str, str, object]]:
    """Give each value that the user set: its name, the environment it is for or none, and itself."""
    yield from ((name, "", value) for name, value in parameters.own.items())
    for environment, values in parameters.own_by_environment.items():
        yield from ((name, environment, value) for name, value in values.items())


def _texts(value: object, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give each text of a value with the keys that lead to it."""
    if isinstance(value, dict):
        for key, below in value.items():
            yield from _texts(below, (*keys, str(key)))
    elif isinstance(value, list | tuple):
        for below in value:
            yield from _texts(below, keys)
    elif isinstance(value, str):
        yield keys, value
