"""Every statement of the data file is decided as expected, alone and united with all the others.

`decisions.json` maps a name to a statement without its exemption (`exempt` tells that it has the usual one), to the
safety checks that it fails (`faults`, only where it is a lesson), and to cases: action, context, principal, resource
or resource type, decision. Empty principals and resources are the evaluator's defaults.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from mlguard.guardrail.document import BREAK_GLASS
from mlguard.guardrail.merging import Requested, merge, minified, pack
from mlguard.scp.check import MAX_CHARS, check, check_together

Evaluate = Callable[[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]], dict[str, str]]
ENTRIES: dict[str, Any] = json.loads((Path(__file__).parent / "decisions.json").read_text(encoding="utf-8"))
LESSONS = [name for name, entry in ENTRIES.items() if "faults" in entry]
SOUND = [name for name in ENTRIES if name not in LESSONS]
ADMIN = "arn:aws:sts::123456789012:assumed-role/mlguard-break-glass/alice"


def statement(name: str) -> dict[str, Any]:
    entry = ENTRIES[name]
    written = {"Effect": "Deny", **entry["statement"]}
    if entry["exempt"]:
        condition = {operator: dict(tests) for operator, tests in written.get("Condition", {}).items()}
        condition.setdefault("ArnNotLike", {})["aws:PrincipalArn"] = list(BREAK_GLASS)
        written["Condition"] = condition
    return written


def document(*statements: Mapping[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}


def requests(name: str, principal: str = "") -> Iterator[dict[str, Any]]:
    for number, (action, context, who, resource, _) in enumerate(ENTRIES[name]["cases"]):
        request: dict[str, Any] = {"id": f"{name} {number} {action}", "action": action, "context": context}
        if principal or who:
            request["principal"] = principal or who
        if resource:
            request["resource" if resource.startswith("arn:") else "resourceType"] = resource
        yield request


def every_request(names: Sequence[str], principal: str = "") -> list[dict[str, Any]]:
    return [request for name in names for request in requests(name, principal)]


@pytest.mark.parametrize("name", list(ENTRIES))
def test_decisions(name: str, scp_evaluator: Evaluate) -> None:
    asked = list(requests(name))
    decided = scp_evaluator([document(statement(name))], asked)
    expected = [decision for *_, decision in ENTRIES[name]["cases"]]
    assert [decided[request["id"]] for request in asked] == expected


def test_all_the_cases_are_there() -> None:
    assert sum(len(entry["cases"]) for entry in ENTRIES.values()) == 268


def test_united_and_packed_statements_decide_as_the_single_ones_do(scp_evaluator: Evaluate) -> None:
    asked = every_request(SOUND)
    apart = [document(statement(name)) for name in SOUND]
    requested = [Requested(statement(name)) for name in SOUND if "Action" in ENTRIES[name]["statement"]]
    others = [document(statement(name)) for name in SOUND if "Action" not in ENTRIES[name]["statement"]]
    packed = [one.content for one in pack(merge(requested), "all", MAX_CHARS)]
    assert len(packed) < 4
    assert sum(len(one["Statement"]) for one in packed) < len(requested)
    assert scp_evaluator([*packed, *others], asked) == scp_evaluator(apart, asked)


def test_break_glass_is_never_denied(scp_evaluator: Evaluate) -> None:
    asked = every_request(SOUND, ADMIN)
    decided = scp_evaluator([document(*(statement(name) for name in SOUND))], asked)
    assert set(decided.values()) == {"allowed"}


@pytest.mark.parametrize("name", LESSONS)
def test_lessons_fail_their_checks(name: str) -> None:
    faults = check(json.dumps(document(statement(name)), indent=1))
    assert [fault.check for fault in faults if fault.check != "no-break-glass-exemption"] == ENTRIES[name]["faults"]
    assert all(fault.sid == statement(name)["Sid"] for fault in faults)


@pytest.mark.parametrize("name", SOUND)
def test_sound_statements_pass(name: str) -> None:
    faults = check(minified(document(statement(name))), exempt=() if name == "bg_protect" else BREAK_GLASS)
    assert [fault for fault in faults if fault.severity == "error"] == []


def test_sound_statements_pass_together() -> None:
    whole = minified(document(*(statement(name) for name in SOUND)))
    faults = check_together([("all", whole)], max_chars=100_000)
    assert faults == []
