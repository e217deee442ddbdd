"""A wrong policy is refused with its file, its line and, where one is near, a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.errors import PolicyError
from mlguard.policy.load import load_folder, parse_policy
from mlguard.policy.model import Check, Combined, ParameterOperand, Quantified, Severity
from mlguard.source import Document, Root

GOOD = """\
id: a-mistake
title: A mistake
severity: high
pack: test
applies_to: s3.bucket
require:
  lifecycle_rules: {exists: true}
message: "{resource}"
why: It costs.
fix_by_hand: {cloudformation: a, terraform: b, cdk: c}
scp: {enforce: none, limits: nothing}
"""


def refused(text: str) -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        parse_policy(Document("p.yaml", text))
    assert caught.value.path == "p.yaml"
    return caught.value


def test_a_policy_is_read() -> None:
    policy = parse_policy(Document("p.yaml", GOOD))
    assert (policy.id, policy.severity, policy.applies_to) == ("a-mistake", Severity.HIGH, ("s3.bucket",))
    assert policy.require == Check("lifecycle_rules", "exists", operand=True)
    assert policy.messages == {"": "{resource}"}


@pytest.mark.parametrize(
    ("clause", "wanted"),
    [
        ("name: {equals: x}", Check("name", "equals", "x")),
        ("name: {in: [a, 1]}", Check("name", "in", ("a", 1))),
        (
            "name: {exists: true, matches: '^a'}",
            Combined("all", (Check("name", "exists", operand=True), Check("name", "matches", "^a"))),
        ),
        ("not: {name: {equals: x}}", Combined("not", (Check("name", "equals", "x"),))),
        (
            "any: [{name: {equals: x}}, {region: {equals: y}}]",
            Combined("any", (Check("name", "equals", "x"), Check("region", "equals", "y"))),
        ),
        (
            "lifecycle_rules: {some: {enabled: {equals: true}}}",
            Quantified("lifecycle_rules", "some", Check("enabled", "equals", operand=True)),
        ),
        (
            "lifecycle_rules: {count: {at_most: 3}}",
            Quantified("lifecycle_rules", "count", Combined("all", (Check("count", "at_most", 3),))),
        ),
        (
            "name: {in: {param: allowed_instance_types, for: [environment, use]}}",
            Check("name", "in", ParameterOperand("allowed_instance_types", ("environment", "use"))),
        ),
        (
            "name: {at_most: {param: max_idle_seconds, for: environment}}",
            Check("name", "at_most", ParameterOperand("max_idle_seconds", ("environment",))),
        ),
    ],
)
def test_clauses(clause: str, wanted: object) -> None:
    text = GOOD.replace("  lifecycle_rules: {exists: true}", f"  {clause}")
    assert parse_policy(Document("p.yaml", text)).require == wanted


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("title: A mistake\n", "", 1, '"title" is missing'),
        ("severity: high", "severity: hihg", 3, 'no severity "hihg"; there are info, low, medium, high, critical'),
        ("severity: high", "severity: 3", 3, '"severity" must be a text'),
        ("pack: test", "pac: test", 4, 'a policy has no "pac"; did you mean "pack"?'),
        ("id: a-mistake", "id: A Mistake", 1, "an id is words of a-z and 0-9 joined by -"),
        ("s3.bucket", "s3.buckets", 5, 'there is no kind "s3.buckets"; did you mean "s3.bucket"?'),
        (
            "lifecycle_rules:",
            "lifecycle_rule:",
            7,
            'no property "lifecycle_rule" of s3.bucket; did you mean "lifecycle_rules"?',
        ),
        ("{exists: true}", "{exist: true}", 7, 'there is no test "exist"; did you mean "exists"?'),
        ("{exists: true}", "{exists: maybe}", 7, "exists takes true or false"),
        ("{exists: true}", "true", 7, '"lifecycle_rules" needs a test'),
        ("{exists: true}", "{count: 3}", 7, "count takes tests of a number"),
        ("{exists: true}", "{some: {enabld: {equals: true}}}", 7, 'did you mean "enabled"?'),
        ("{exists: true}", "{equals: {param: max_idle_secnds}}", 7, 'did you mean "max_idle_seconds"?'),
        ("{exists: true}", "{equals: {parm: x}}", 7, "a parameter is written {param: name, for: selector}"),
        ("{exists: true}", "{matches: '('}", 7, "not a regular expression"),
        ("{exists: true}", "{matches: '(a+)+b'}", 7, "regular expression"),
        ("{exists: true}", "{matches: '(a|a)*b'}", 7, "regular expression"),
        ("{exists: true}", "{matches: '.*.*.*.*.*b'}", 7, "regular expression"),
        ("  lifecycle_rules: {exists: true}", "  all: []", 7, '"all" takes a list of clauses'),
        (
            "  lifecycle_rules: {exists: true}",
            "  all: [{name: {equals: x}}]\n  name: {equals: x}",
            6,
            '"all" must stand alone',
        ),
        ("  lifecycle_rules: {exists: true}", "  [x]", 6, "expected a mapping of properties"),
        ("enforce: none", "enforce: maybe", 11, '"enforce" is preventive, protective or none'),
        ("enforce: none", "enforce: preventive", 11, "a guardrail has statements, unless it enforces none"),
        ("scp: {", "scp: {x: 1, ", 11, 'scp has no "x"'),
        ("why: It costs.", "why: [a]", 9, '"why" must be a text'),
        ("why: It costs.", "why: It costs.\nwhy: Again.", 10, "given twice (first at line 9)"),
        ("why: It costs.", "why: !!python/name:os.system x", 9, "is not allowed"),
        ("why: It costs.", "why: [", 11, "not valid YAML"),
        ("scp: {", "examples: [{expect: maybe, terraform: x}]\nscp: {", 11, "an example expects fail, pass or unknown"),
        ("scp: {", "examples: [{expect: fail}]\nscp: {", 11, "code in one language"),
        ("scp: {", "examples: [{expect: fail, terrafrom: x}]\nscp: {", 11, 'did you mean "terraform"?'),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(old: str, new: str, line: int, message: str) -> None:
    assert old in GOOD
    error = refused(GOOD.replace(old, new, 1))
    assert message in error.message
    assert error.line == line


@pytest.mark.parametrize("text", ["", "[]", "a\n", f"{GOOD}---\n{GOOD}"])
def test_a_file_of_another_shape_is_refused(text: str) -> None:
    assert refused(text).message == "a policy file holds one mapping"


def write(folder: Path, name: str, text: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)


def test_a_folder_of_policies_is_read_in_the_order_of_ids(tmp_path: Path) -> None:
    write(tmp_path / "p", "z.yaml", GOOD)
    write(tmp_path / "p", "a.yaml", GOOD.replace("a-mistake", "b-mistake"))
    assert [policy.id for policy in load_folder(Root(tmp_path), "p", "p")] == ["a-mistake", "b-mistake"]


@pytest.mark.parametrize("name", ["instance-type-not-allowed", "a-mistake"])
def test_an_id_that_is_taken_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path / "p", "a.yaml", GOOD)
    write(tmp_path / "p", "b.yaml", GOOD.replace("a-mistake", name))
    with pytest.raises(PolicyError, match=f'the id "{name}" belongs to another policy') as caught:
        load_folder(Root(tmp_path), "p", "shown")
    assert caught.value.path == "shown/b.yaml"


def test_links_in_a_folder_of_policies_are_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "p", "a.yaml", GOOD)
    (tmp_path / "out.yaml").write_text(GOOD.replace("a-mistake", "out"))
    (tmp_path / "p" / "link.yaml").symlink_to(tmp_path / "out.yaml")
    assert [policy.id for policy in load_folder(Root(tmp_path), "p", "p")] == ["a-mistake"]


def test_a_policy_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "a.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PolicyError, match=r"p/a\.yaml"):
        load_folder(Root(tmp_path), "p", "p")
