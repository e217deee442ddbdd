"""The configuration: what it sets, by environment, and how a wrong one is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlguard.configuration import Configuration, Configurations, parse_configuration, read_configuration
from mlguard.errors import ConfigurationError
from mlguard.policy.model import Severity
from mlguard.policy.parameters import bundled_parameters
from mlguard.source import Document, Root


def read(text: str) -> Configuration:
    return parse_configuration(Document(".mlguard.yaml", text))


FULL = """\
select: [gpu, s3]
ignore: premium-region
exclude: ["vendor", "*.generated.yaml"]
fail_on: high
region: eu-west-1
environment: research
budgets: managed_elsewhere
var_files: [prod.tfvars]
parameters:
  max_idle_seconds: 600
  max_log_retention_days: {sandbox: 7, "*": 14}
environments:
  research:
    title: Research
    words: [sci]
    paths: ["science"]
    parameters:
      max_idle_seconds: 60
      allowed_instance_types: {notebook: [ml.t3.*], "*": [ml.*]}
  production:
    words: [shop]
"""


def test_a_whole_configuration() -> None:
    found = read(FULL)
    assert (found.select, found.ignore) == (("gpu", "s3"), ("premium-region",))
    assert (found.fail_on, found.region, found.environment) == (Severity.HIGH, "eu-west-1", "research")
    assert found.budgets == "managed_elsewhere"
    assert found.environment_of("science/a/main.tf") == "research"
    assert found.environment_of("sciences/main.tf") == ""
    assert found.excludes("vendor/x/y.tf")
    assert found.excludes("a/b.generated.yaml")
    assert not found.excludes("vendored/x.tf")


def test_parameters_by_environment() -> None:
    parameters = read(FULL).parameters
    assert parameters.value("max_idle_seconds", {"environment": "sandbox"}) == 600
    assert parameters.value("max_idle_seconds", {"environment": "research"}) == 60
    select = {"environment": "research", "use": "notebook"}
    assert parameters.value("allowed_instance_types", select) == ["ml.t3.*"]
    assert parameters.value("allowed_instance_types", {**select, "use": "hosting"}) == ["ml.*"]
    words = parameters.environment_words()
    assert (words["sci"], words["shop"], words["prod"], words["dev"]) == (
        "research",
        "production",
        "production",
        "sandbox",
    )


def test_a_default_is_looked_into_by_its_selectors() -> None:
    parameters = bundled_parameters()
    assert parameters.value("max_log_retention_days", {"environment": "production"}) > parameters.value(
        "max_log_retention_days", {"environment": "sandbox"}
    )
    assert parameters.value("max_log_retention_days", {}) == parameters.value(
        "max_log_retention_days", {"environment": parameters.default_environment}
    )


def test_a_selector_without_a_value_is_said() -> None:
    with pytest.raises(ConfigurationError, match='"allowed_instance_types" has no value for use "cooking"'):
        bundled_parameters().value("allowed_instance_types", {"environment": "sandbox", "use": "cooking"})


def test_a_new_environment_lacks_nothing_that_a_policy_needs() -> None:
    """An environment that the user adds has values for every parameter: those of the strict default."""
    parameters = read("environments: {research: {words: [sci]}}\n").parameters
    for name, declared in parameters.declarations.items():
        if set(declared.selectors) <= {"environment"}:
            assert parameters.value(name, {"environment": "research"}) is not None, name
    assert parameters.value("allowed_instance_types", {"environment": "research", "use": "notebook"})


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("selct: [x]\n", 1, 'there is no setting "selct"; did you mean "select"?'),
        ("a: 1\n", 1, 'there is no setting "a"'),
        ("region: [x]\n", 1, '"region" must be a text'),
        ("\nselect: {a: b}\n", 2, '"select" must be a text or a list of texts'),
        ("select: [[a]]\n", 1, '"select" must be a text or a list of texts'),
        ("fail_on: hgih\n", 1, 'there is no severity "hgih"; there are info'),
        ("budgets: none\n", 1, '"budgets" is one of project, repository, managed_elsewhere'),
        ("environment: mars\n", 1, 'there is no environment "mars"; there are sandbox, training, production'),
        ("parameters: [a]\n", 1, "parameters must be a mapping"),
        ("parameters:\n  max_idle: 3\n", 2, 'no parameter "max_idle"; did you mean "max_idle_seconds"?'),
        ("parameters:\n  max_idle_seconds: soon\n", 2, '"max_idle_seconds" must be a number'),
        ("parameters:\n  max_idle_seconds: true\n", 2, '"max_idle_seconds" must be a number'),
        ("parameters:\n  assume_stack_tags: 1\n", 2, '"assume_stack_tags" must be true or false'),
        ("root: 1\n", 1, '"root" must be true or false'),
        ("parameters:\n  allowed_regions: x\n", 2, '"allowed_regions" must be a list of texts'),
        ("parameters:\n  allowed_regions: [1]\n", 2, '"allowed_regions" must be a list of texts'),
        ("environments:\n  a:\n    wrds: [x]\n", 3, 'no setting "wrds"; did you mean "words"?'),
        ("environments: [a]\n", 1, "environments must be a mapping"),
        ("- a\n", 1, "the configuration must be a mapping"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(text)
    assert message in caught.value.message
    assert (caught.value.path, caught.value.line) == (".mlguard.yaml", line)


@pytest.mark.parametrize("text", ["a: [\n", "a: 1\na: 2\n", "a: !!python/name:os.system x\n", "x\0y"])
def test_a_file_that_is_no_yaml_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / ".mlguard.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        Configurations(Root(tmp_path)).of("")
    assert caught.value.path == ".mlguard.yaml"


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}\n"])
def test_an_empty_configuration_changes_nothing(text: str) -> None:
    found = read(text)
    assert (found.select, found.exclude, found.fail_on) == ((), (), Severity.LOW)


def test_two_documents_are_not_silently_one() -> None:
    with pytest.raises(ConfigurationError):
        read("region: a\n---\nregion: b\n")


def test_a_configuration_behind_a_link_is_not_read_silently(tmp_path: Path) -> None:
    """A link is refused or said; it is never taken for an absent configuration."""
    (tmp_path / "elsewhere").write_text("fail_on: critical\n")
    (tmp_path / ".mlguard.yaml").symlink_to("elsewhere")
    with pytest.raises(ConfigurationError, match="symbolic link"):
        Configurations(Root(tmp_path)).of("")


def test_a_configuration_has_a_size(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("#" * 1_000_001)
    with pytest.raises(ConfigurationError, match="larger than"):
        read_configuration(Root(tmp_path), "c.yaml")
