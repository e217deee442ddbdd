"""The schema that editors use and the loader take the same files."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from mlguard.bundled import policies_folder
from mlguard.cli.main import main
from mlguard.configuration import parse_configuration
from mlguard.configuration.settings import ENVIRONMENT_KEYS, KEYS
from mlguard.errors import ConfigurationError
from mlguard.policy.parameters import bundled_parameters
from mlguard.source import Document

SCHEMA: dict[str, Any] = json.loads((policies_folder() / "schema" / "configuration.schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def loads(content: object) -> bool:
    try:
        parse_configuration(Document(".mlguard.yaml", yaml.safe_dump(content)))
    except ConfigurationError:
        return False
    return True


def test_the_schema_is_one() -> None:
    VALIDATOR.check_schema(SCHEMA)


def test_both_know_the_same_settings() -> None:
    assert set(SCHEMA["properties"]) == set(KEYS)
    environment = SCHEMA["properties"]["environments"]["additionalProperties"]
    assert set(environment["properties"]) == set(ENVIRONMENT_KEYS)


def test_every_setting_is_described() -> None:
    described = {**SCHEMA["properties"], **SCHEMA["properties"]["environments"]["additionalProperties"]["properties"]}
    bare = [name for name, one in described.items() if "description" not in one and name != "title"]
    assert not [name for name in bare if name not in ("parameters", "environments")]


WORDS = st.sampled_from(["x", "high", "low", "project", "production", "sandbox", "a b"])
SCALARS = st.one_of(WORDS, st.integers(-5, 5), st.booleans(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(WORDS, inner, max_size=3)),
    max_leaves=4,
)
_BY_NAME = ("environment", "extend")  # what these name must be there, which no schema can know
_NUMBERS = ["max_idle_seconds", "max_log_retention_days"]
SETTINGS = st.one_of(
    st.dictionaries(st.sampled_from([*(key for key in KEYS if key not in _BY_NAME), "selct"]), VALUES, max_size=3),
    st.fixed_dictionaries(
        {"environments": st.dictionaries(WORDS, st.dictionaries(st.sampled_from(ENVIRONMENT_KEYS), VALUES), max_size=2)}
    ),
    st.fixed_dictionaries({"parameters": st.dictionaries(st.sampled_from(_NUMBERS), st.integers(0, 9))}),
)


@settings(max_examples=200, deadline=None)
@given(SETTINGS)
def test_what_the_loader_takes_is_valid(content: dict[str, Any]) -> None:
    if loads(content):
        VALIDATOR.validate(content)


@settings(max_examples=200, deadline=None)
@given(SETTINGS)
def test_what_the_schema_refuses_is_refused(content: dict[str, Any]) -> None:
    """The loader may refuse more: it knows the parameters and their types."""
    parameters = [content.get("parameters"), *_of_environments(content)]
    if VALIDATOR.is_valid(content) and not any(parameters):
        assert loads(content)


def _of_environments(content: dict[str, Any]) -> list[object]:
    environments = content.get("environments")
    if not isinstance(environments, dict):
        return []
    return [one.get("parameters") for one in environments.values() if isinstance(one, dict)]


@pytest.mark.parametrize("name", sorted(bundled_parameters().declarations))
def test_the_default_of_a_parameter_may_be_written(name: str) -> None:
    content = {"parameters": {name: bundled_parameters().declarations[name].default}}
    VALIDATOR.validate(content)
    assert loads(content)


def test_the_schema_can_be_had(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "schema"]) == 0
    assert json.loads(capsys.readouterr().out) == SCHEMA
