"""Which actions of AWS carry a condition key."""

from __future__ import annotations

from functools import cache

from mlguard.knowledge.tables import table


@cache
def actions_with_key(key: str) -> tuple[str, ...]:
    """Give every cost-relevant action whose requests carry a condition key."""
    content = table("scp_actions")
    place = content["keys"].index(key)
    return tuple(sorted(name for name, (keys, _) in content["actions"].items() if place in keys))
