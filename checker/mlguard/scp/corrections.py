"""What to write instead: the corrected part of an SCP as it stands in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from mlguard.scp.written import Test

_SHOWN = 6  # a list of values is shown to be recognized, not to be copied


def condition(operator: str, key: str, values: Iterable[str]) -> str:
    """Give one condition: `"StringLike": {"aws:RequestedRegion": "eu-*"}`."""
    listed = list(values)
    shown: object = listed[0] if len(listed) == 1 else listed[:_SHOWN]
    written = json.dumps({operator: {key: shown}}, ensure_ascii=True)[1:-1]
    return written.replace("]}", ", ...]}") if len(listed) > _SHOWN else written


def with_operator(test: Test, operator: str) -> str:
    """Give a condition as it is, under another operator."""
    values = [value.value for value in test.values]
    return condition(operator, test.key.value, [*values, "..."] if test.open else values)


def member(name: str, values: Sequence[str]) -> str:
    """Give a member of a statement: `"Resource": "arn:aws:ec2:*:*:instance/*"`."""
    return json.dumps({name: values[0] if len(values) == 1 else list(values)}, ensure_ascii=True)[1:-1]


def like(operator: str) -> str:
    """Give the operator that takes wildcards: `StringNotLike` for `StringNotEqualsIgnoreCase`."""
    return operator.replace("EqualsIgnoreCase", "Like").replace("Equals", "Like")


def nearest(written: str, known: Iterable[str]) -> str:
    """Give the name that is spelt most nearly like that; empty where none is."""
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(written.lower(), list(by_lower), n=1, cutoff=0.75)
    return by_lower[near[0]] if near else ""
