"""The evaluator against cfn-lint's resolver: where both know a value, over all scenarios, the values are the same.

Differences are listed with their reasons. Each side reads the same text; nothing of cfn-lint is on the way to a result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cfnlint.decode import cfn_yaml
from cfnlint.jsonschema import CfnTemplateValidator
from cfnlint.template import Template as CfnLintTemplate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlguard.parse.cloudformation import load
from mlguard.resource import RawResource
from mlguard.scenario import Scenario, explore
from mlguard.source import Document, Root
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle, text_of

TOP = Path(__file__).parents[2]
REGION = "us-east-1"
LEFT_OUT = {
    "for-each.yaml": "cfn-lint writes loops out before anything is resolved",
    "multi-document.yaml": "cfn-lint reads one document of a file",
    "odd-shapes.yaml": "cfn-lint's reader stops at resources that are no mappings",
    "rules.yaml": "cfn-lint does not hold values against the rules of a template",
}
FILES = sorted(
    path
    for path in (TOP / "fixtures").rglob("*")
    if path.is_file()
    and path.name not in LEFT_OUT
    and "terraform" not in path.parts
    and (path.name.endswith((".template.json", ".yaml")) or path.parent.name == "cloudformation")
)
DEFINITION = "DefinitionString"  # what we give is the definition that the text says, cfn-lint gives the text
UNKNOWN = "\0unknown"


def plainly(node: Node, scenario: Scenario) -> str:
    """Write a value as JSON text, scalars as the texts that CloudFormation makes of them."""

    def value(node: Node) -> object:
        content = settle(node, scenario).content
        if isinstance(content, Unknown | Reference):
            raise LookupError  # noqa: TRY004  (not a wrong type: it cannot be told)
        if isinstance(content, Entries):
            if content.rest is not None:
                raise LookupError
            settled = {key: settle(below, scenario) for key, below in content.nodes.items()}
            return {key: value(below) for key, below in settled.items() if below.content is not None}
        if isinstance(content, Items):
            if content.rest is not None:
                raise LookupError
            return [value(item) for item in content.nodes]
        return text_of(content)

    try:
        return json.dumps(value(node), sort_keys=True)
    except LookupError:
        return UNKNOWN


def ours(resource: RawResource, name: str) -> set[str]:
    """Give every value that a property may have, `UNKNOWN` among them."""

    def look(scenario: Scenario) -> str | None:
        body = settle(resource.body, scenario).content
        node = body.nodes.get(name) if isinstance(body, Entries) else None
        if node is None or settle(node, scenario).content is None:
            return None
        return plainly(node, scenario)

    return {outcome.result for outcome in explore(look) if outcome.result is not None}


def is_call(value: object) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)).startswith(("Ref", "Fn::"))


def has_call(value: object) -> bool:
    if isinstance(value, dict):
        return is_call(value) or any(has_call(below) for below in value.values())
    return isinstance(value, list) and any(has_call(item) for item in value)


def texts(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): texts(below) for key, below in value.items()}
    if isinstance(value, list):
        return [texts(item) for item in value]
    return text_of(value) if isinstance(value, str | int | float | bool) else None


def theirs(validator: Any, value: object) -> set[str] | None:  # noqa: ANN401  (cfn-lint is not typed)
    """Give every value that cfn-lint finds; None where it knows none or leaves calls inside of one."""
    found: set[str] = set()
    for resolved, _, errors in validator.resolve_value(value):
        if errors or resolved is None or has_call(resolved):
            return None
        found.add(json.dumps(texts(resolved), sort_keys=True))
    return found or None


def compared(text: str, name: str = "t.yaml") -> Iterator[tuple[str, set[str], set[str]]]:
    """Give, for each property that is the call of a function, what we find and what cfn-lint finds."""
    (project,) = load(Root(TOP), Document(name, text), lambda _type: True, region=REGION)
    template = cfn_yaml.loads(text)
    reading = CfnLintTemplate(name, template, [REGION])
    validator = CfnTemplateValidator(schema={}).evolve(cfn=reading, context=reading.context)
    resources = {resource.address: resource for resource in project.resources}
    for logical, body in template["Resources"].items():
        properties = body.get("Properties") or {}
        for key, value in properties.items() if not is_call(properties) else ():
            if is_call(value) and key != DEFINITION:
                found = theirs(validator, value)
                if found is not None:
                    yield f"{logical}.{key}", ours(resources[logical], key), found


@cache
def differences(path: Path) -> dict[str, tuple[set[str], set[str]]]:
    text = path.read_text(encoding="utf-8")
    return {key: (our, their) for key, our, their in compared(text) if UNKNOWN not in our and our != their}


def named(path: Path) -> str:
    return path.relative_to(TOP).as_posix()


@pytest.mark.parametrize("path", FILES, ids=named)
def test_fixtures(path: Path) -> None:
    assert differences(path) == {}


CLOSED, DEFAULTED, LISTED, NUMBER = "Env", "Kind", "Zones", "Count"
HEAD: dict[str, Any] = {
    "Transform": "AWS::LanguageExtensions",
    "Parameters": {
        CLOSED: {"Type": "String", "Default": "dev", "AllowedValues": ["dev", "prod"]},
        DEFAULTED: {"Type": "String", "Default": "a-b"},
        LISTED: {"Type": "CommaDelimitedList", "Default": "x,y"},
        NUMBER: {"Type": "Number", "Default": 1, "AllowedValues": [0, 1]},
    },
    "Mappings": {"M": {"dev": {"k": "p-q", "l": ["m", "n"]}, "prod": {"k": "r", "l": ["o", "s"]}, REGION: {"k": "t"}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": CLOSED}, "prod"]},
        "IsOne": {"Fn::Equals": [{"Ref": NUMBER}, "1"]},
        "Not": {"Fn::Not": [{"Condition": "IsProd"}]},
        "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsOne"}]},
        "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsOne"}]},
        "Here": {"Fn::Equals": [{"Ref": "AWS::Region"}, REGION]},
    },
}
_LEAVES = st.sampled_from(
    [
        "dev", "lit", "a-b-c", {"Ref": CLOSED}, {"Ref": DEFAULTED}, {"Ref": NUMBER}, {"Ref": "AWS::Region"},
        {"Fn::Sub": "s-${Env}"}, {"Fn::Sub": "${Kind}/${AWS::Region}"}, {"Fn::Sub": "${Env}-${Count}"},
        {"Fn::FindInMap": ["M", {"Ref": CLOSED}, "k"]}, {"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "k"]},
        {"Fn::FindInMap": ["M", "prod", "k"]},
    ]
)  # fmt: skip
_CONDITION = st.sampled_from(sorted(HEAD["Conditions"]))


def _expressions(below: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    lists = st.lists(below, min_size=1, max_size=3) | st.sampled_from(
        [{"Ref": LISTED}, {"Fn::Split": ["-", "a-b-c"]}, {"Fn::FindInMap": ["M", {"Ref": CLOSED}, "l"]}]
    )
    return (
        st.builds(lambda name, yes, no: {"Fn::If": [name, yes, no]}, _CONDITION, below, below)
        | st.builds(lambda mark, listed: {"Fn::Join": [mark, listed]}, st.sampled_from(["", "-"]), lists)
        | st.builds(lambda listed: {"Fn::Select": [0, listed]}, lists)
        | st.builds(lambda text: {"Fn::Select": [0, {"Fn::Split": ["-", text]}]}, below)
        | st.builds(lambda text: {"Fn::Sub": ["<${V}>", {"V": text}]}, below)
    )


TREES = st.recursive(_LEAVES, _expressions, max_leaves=6).filter(is_call)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(TREES)
def test_generated_expressions(tree: object) -> None:
    template = {**HEAD, "Resources": {"R": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": tree}}}}
    for key, our, their in compared(json.dumps(template)):
        assert UNKNOWN not in our, key
        # cfn-lint finds combinations too many: it takes the variables of a Sub for independent of everything else,
        # and does not conclude from a compound condition what its parts are
        loose = any(f'"{name}"' in json.dumps(tree) for name in ("V", "Both", "Either"))
        assert our <= their if loose else our == their, key


def enumerated(value: Any, env: str, count: str) -> Any:  # noqa: ANN401  (an expression may be anything)
    """Evaluate an expression of the generator for given parameters, by the book."""
    if isinstance(value, list):
        return [enumerated(item, env, count) for item in value]
    if not isinstance(value, dict):
        return value
    ((name, argument),) = value.items()
    names = {CLOSED: env, NUMBER: count, DEFAULTED: "a-b", "AWS::Region": REGION, LISTED: ["x", "y"]}
    if name == "Ref":
        return names[argument]
    if name == "Fn::Sub":
        text, own = argument if isinstance(argument, list) else (argument, {})
        names |= {key: enumerated(below, env, count) for key, below in own.items()}
        for key, known in names.items():
            text = text.replace(f"${{{key}}}", known) if isinstance(known, str) else text
        return text
    if name == "Fn::If":
        holds = {"IsProd": env == "prod", "IsOne": count == "1", "Not": env != "prod", "Here": True}
        holds |= {"Both": holds["IsProd"] and holds["IsOne"], "Either": holds["IsProd"] or holds["IsOne"]}
        return enumerated(argument[1 if holds[argument[0]] else 2], env, count)
    first, *others = enumerated(argument, env, count)
    if name == "Fn::FindInMap":
        return HEAD["Mappings"]["M"][others[0]][others[1]]
    if name == "Fn::Join":
        return first.join(others[0])
    return others[0].split(first) if name == "Fn::Split" else others[0][first]


@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow])
@given(TREES)
def test_generated_expressions_have_the_values_of_each_combination_of_parameters(tree: object) -> None:
    template = {**HEAD, "Resources": {"R": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": tree}}}}
    (project,) = load(Root(TOP), Document("t.yaml", json.dumps(template)), lambda _type: True, region=REGION)
    wanted = {json.dumps(enumerated(tree, env, count)) for env in ("dev", "prod") for count in "01"}
    assert ours(project.resources[0], "BucketName") == wanted


@pytest.mark.parametrize(
    ("tree", "our", "their"),
    [
        # one parameter has one value: cfn-lint combines the variables of a Sub with those of its text
        (
            {"Fn::Sub": ["${V}-${Env}", {"V": {"Ref": CLOSED}}]},
            {"dev-dev", "prod-prod"},
            {"dev-dev", "dev-prod", "prod-dev", "prod-prod"},
        ),
        # where the count is one and both do not hold, the environment is not prod
        (
            {"Fn::If": ["IsOne", {"Fn::If": ["Both", "x", {"Fn::FindInMap": ["M", {"Ref": CLOSED}, "k"]}]}, "y"]},
            {"x", "y", "p-q"},
            {"x", "y", "p-q", "r"},
        ),
        # ${!Name} is how ${Name} is written literally
        ({"Fn::Sub": "${!Env}-${Kind}"}, {"${Env}-a-b"}, {"${!Env}-a-b"}),
    ],
)
def test_known_differences(tree: object, our: set[str], their: set[str]) -> None:
    template = {**HEAD, "Resources": {"R": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": tree}}}}
    ((_, found, other),) = compared(json.dumps(template))
    assert {json.loads(text) for text in found} == our
    assert {json.loads(text) for text in other} == their
