"""Addresses and references as a plan writes them: `module.a["x.y"].aws_s3_bucket.b[0].id` in steps."""

from __future__ import annotations

import json
import re

from mlguard.parse.terraform.expand import Key, suffix
from mlguard.record import record

_STEP = re.compile(r'(?P<name>[^.\[\]]+)(?:\[(?:(?P<index>\d{1,9})|\?|(?P<text>"(?:[^"\\]|\\.)*"))\])?(?:\.|\Z)')


@record()
class Step:
    """A name, and the key in brackets after it; None where there is none."""

    name: str
    key: Key = None

    def __str__(self) -> str:
        """Write the step as Terraform does."""
        return self.name if self.key is None else f"{self.name}{suffix(self.key)}"


def steps_of(address: str) -> list[Step]:
    """Split an address or a reference; what cannot be read ends it."""
    found: list[Step] = []
    position = 0
    while (match := _STEP.match(address, position)) is not None and match.end() > position:
        key: Key = int(match["index"]) if match["index"] else _text(match["text"])
        found.append(Step(match["name"], key))
        position = match.end()
    return found


def _text(written: str | None) -> str | None:
    if written is None:
        return None
    try:
        return str(json.loads(written))
    except ValueError:
        return written[1:-1]


def instance_key(index: object) -> Key:
    """Give the key of an instance as the plan's `index` holds it."""
    return index if isinstance(index, int | str) and not isinstance(index, bool) else None


def prefix_of(module: tuple[Step, ...]) -> str:
    """Give what the addresses in a module instance begin with."""
    return "".join(f"module.{call}." for call in module)
