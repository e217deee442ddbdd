"""What every policy that ships must meet: its own examples, and the obligations of the language."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mlguard.authoring import example_faults, run_example
from mlguard.bundled import policies_folder
from mlguard.configuration import parse_configuration
from mlguard.errors import ConfigurationError
from mlguard.explain import policy_page
from mlguard.parse.markup import plain
from mlguard.parse.yaml_document import load_yaml
from mlguard.policy.load import bundled_policies, read_policy
from mlguard.policy.model import Check, Clause, Combined, Example, ParameterOperand, Policy, Quantified
from mlguard.policy.parameters import bundled_parameters
from mlguard.source import Document
from mlguard.vocabulary.load import bundled_vocabulary

_NOT_POLICIES = {"schema", "vocabulary", "data"}
_OWN_PLACEHOLDERS = {"wanted", "found", "resource", "environment"}
_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")


@cache
def policies() -> tuple[Policy, ...]:
    folder = policies_folder()
    paths = sorted(path for path in folder.glob("*/*.yaml") if path.parent.name not in _NOT_POLICIES)
    return tuple(read_policy(path, path.relative_to(folder).as_posix()) for path in paths)


def _examples() -> Iterator[Any]:
    for policy in policies():
        for number, example in enumerate(policy.examples):
            name = f"{policy.id}-{number}-{example.expect}-{example.language}"
            yield pytest.param(policy, example, id=name)


every_policy = pytest.mark.parametrize("policy", policies(), ids=lambda policy: policy.id)


def spellings(policy: Policy) -> set[str]:
    """Give the formats in which resources of the policy's kinds can be written."""
    vocabulary = bundled_vocabulary()
    everything = "*" in policy.applies_to or "project" in policy.applies_to
    kinds = vocabulary.kinds.values() if everything else [vocabulary.kinds[kind] for kind in policy.applies_to]
    types = [raw for kind in kinds for raw in kind.types]
    return {"cloudformation" if raw.startswith("AWS::") else "terraform" for raw in types}


def properties(clause: Clause | None) -> Iterator[str]:
    """Give every property that a clause names, of lists' items too."""
    if isinstance(clause, Combined):
        for part in clause.parts:
            yield from properties(part)
    elif isinstance(clause, Check):
        yield clause.path
        if isinstance(clause.operand, ParameterOperand):
            yield from clause.operand.selectors
    elif isinstance(clause, Quantified):
        yield clause.path
        yield from properties(clause.clause)


def resolvable(policy: Policy) -> set[str]:
    """Give the names that a placeholder of the policy's messages may have."""
    vocabulary = bundled_vocabulary()
    everything = "*" in policy.applies_to or "project" in policy.applies_to
    kinds = vocabulary.kinds.values() if everything else [vocabulary.kinds[kind] for kind in policy.applies_to]
    names = {*_OWN_PLACEHOLDERS, *bundled_parameters().declarations}
    for known in (vocabulary.common, *(kind.properties for kind in kinds)):
        for prop in known.values():
            names.add(prop.name)
            names.update(vocabulary.shapes.get(prop.shape, {}))
            if prop.derived:  # what a derivation gives as items it names in words
                names.update(re.findall(r"[a-z_]+", prop.what))
            names.update(name for readings in prop.spellings.values() for one in readings for name in one.each or ())
    return names | set(properties(policy.require))


def test_there_are_policies_and_each_file_is_loaded() -> None:
    assert len(policies()) >= 10
    assert {policy.id for policy in bundled_policies()} == {policy.id for policy in policies()}


@pytest.mark.parametrize(("policy", "example"), list(_examples()))
def test_an_example_is_as_it_says(policy: Policy, example: Example) -> None:
    assert example_faults(policy, example) == []


@pytest.mark.parametrize(("policy", "example"), list(_examples()))
def test_an_example_that_fails_says_its_line(policy: Policy, example: Example) -> None:
    if example.expect == "fail":
        assert example.at, f"{policy.id}: the example at line {example.line} has no `at`"
        assert example.at <= example.code.count("\n") + 1


@every_policy
def test_examples_show_failing_and_passing_in_every_spelling(policy: Policy) -> None:
    shown = {(example.expect, example.language) for example in policy.examples}
    wanted = {(expect, language) for expect in ("fail", "pass") for language in spellings(policy)}
    assert wanted <= shown, f"missing {sorted(wanted - shown)}"


@every_policy
def test_examples_show_what_cannot_be_decided(policy: Policy) -> None:
    assert any(example.expect == "unknown" for example in policy.examples)


@every_policy
def test_the_id_is_the_name_of_the_file_and_an_alias_is_of_the_catalogue(policy: Policy) -> None:
    assert Path(policy.path).stem == policy.id
    assert policy.aliases
    assert all(re.fullmatch(r"MLG\d+", alias) for alias in policy.aliases)


def test_no_two_policies_share_a_name_or_a_statement() -> None:
    names = [name for policy in policies() for name in (policy.id, *policy.aliases)]
    assert len(names) == len(set(names))
    sids = [statement.sid for policy in policies() for statement in policy.guardrail.statements]
    assert len(sids) == len(set(sids))
    assert all(re.fullmatch(r"[A-Za-z0-9]+", sid) for sid in sids)


@every_policy
def test_every_placeholder_of_a_message_resolves(policy: Policy) -> None:
    known = resolvable(policy)
    for text in policy.messages.values():
        assert set(_PLACEHOLDER.findall(text)) <= known


@every_policy
def test_every_message_that_the_examples_give_is_filled_in(policy: Policy) -> None:
    for example in policy.examples:
        if example.expect == "fail":
            for finding in run_example(policy, example).findings:
                assert not re.search(r"\{[a-z_]+\}", finding.message)
                assert "not known" not in finding.message
                assert "nothing" not in finding.message, finding.message


@every_policy
def test_the_page_renders(policy: Policy) -> None:
    page = policy_page(policy)
    for heading in ("# ", "## Why it costs", "## Example", "## Fix", "## Guardrail"):
        assert heading in page
    assert page.count("```") % 2 == 0
    for title in ("CloudFormation", "Terraform", "CDK (Python)"):
        assert f"{title}:" in page


@every_policy
def test_what_a_guardrail_cannot_do_is_said(policy: Policy) -> None:
    assert policy.guardrail.limits
    assert (policy.guardrail.enforce == "none") == (not policy.guardrail.statements)


@every_policy
def test_references_are_addresses(policy: Policy) -> None:
    assert policy.references
    assert all(reference.startswith("https://") for reference in policy.references)


def schema(name: str) -> Any:  # noqa: ANN401  (a JSON Schema)
    return json.loads((policies_folder() / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))


@every_policy
def test_the_file_is_valid_by_the_schema(policy: Policy) -> None:
    text = (policies_folder() / policy.path).read_text(encoding="utf-8")
    content = plain(load_yaml(Document(policy.path, text))[0])
    faults = jsonschema.Draft202012Validator(schema("policy")).iter_errors(content)
    assert [f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}" for fault in faults] == []


@pytest.mark.parametrize("name", ["policy", "configuration"])
def test_a_schema_is_a_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(schema(name))
    assert "oneOf" not in json.dumps(schema(name))  # its messages mislead


@pytest.mark.parametrize(
    ("change", "place", "part"),
    [
        ({"severity": "hihg"}, "severity", "'hihg' is not one of"),
        ({"require": {"name": {"equal": 1}}}, "require/name", "'equal' was unexpected"),
        ({"require": {"all": [{"name": {"exists": 3}}]}}, "require/all/0/name/exists", "3 is not of type 'boolean'"),
        ({"require": {"name": {"in": {"parm": "x"}}}}, "require/name/in", "'parm' was unexpected"),
        (
            {"scp": {"enforce": "none", "statements": [{"sid": "A", "deny": ["x:Y"]}]}},
            "scp",
            "False schema does not allow",
        ),
        ({"scp": {"enforce": "preventive"}}, "scp", "'statements' is a required property"),
        ({"examples": [{"expect": "fail"}]}, "examples/0", "'terraform' is a required property"),
        ({"pak": "x"}, "", "'pak' was unexpected"),
    ],
)
def test_the_schema_names_what_is_wrong(change: dict[str, Any], place: str, part: str) -> None:
    good = {
        "id": "a-b", "title": "x", "severity": "low", "pack": "p", "applies_to": "s3.bucket", "message": "m",
        "require": {"name": {"exists": True}}, "why": "w", "fix_by_hand": "f", "scp": {"enforce": "none"},
    }  # fmt: skip
    validator = jsonschema.Draft202012Validator(schema("policy"))
    assert not list(validator.iter_errors(good))
    faults = {"/".join(map(str, one.absolute_path)): one.message for one in validator.iter_errors({**good, **change})}
    assert part in faults[place]


CONFIGURATIONS = (
    ("", True),
    ("select: gpu\nexclude: [a, b]\nfail_on: high\n", True),
    ("parameters: {max_idle_seconds: 5, allowed_regions: [us-east-1]}\n", True),
    ("environments: {research: {words: [sci], paths: [x], parameters: {max_idle_seconds: 5}}}\n", True),
    ("budgets: managed_elsewhere\n", True),
    ("budgets: repository\n", True),
    ("selct: x\n", False),
    ("fail_on: hgih\n", False),
    ("budgets: none\n", False),
    ("environments: {research: {wrds: [x]}}\n", False),
    ("parameters: {max_idle_seconds: true}\n", False),
    ("parameters: {assume_stack_tags: true}\n", True),
    ("parameters: {judge_without_machine_learning: 0}\n", False),
    ("select: {a: b}\n", False),
    ("- a\n", False),
)


@pytest.mark.parametrize(("text", "good"), CONFIGURATIONS)
def test_the_schema_of_the_configuration_agrees_with_its_loader(text: str, good: bool) -> None:  # noqa: FBT001
    document = Document(".mlguard.yaml", text)
    nodes = load_yaml(document)
    content = plain(nodes[0]) if nodes else None
    assert jsonschema.Draft202012Validator(schema("configuration")).is_valid(content) is good
    try:
        parse_configuration(document)
    except ConfigurationError:
        assert not good
    else:
        assert good
