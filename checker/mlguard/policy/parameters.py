"""The values that a user may set, by environment: one source for the lint and for the guardrails."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

from mlguard.bundled import policies_folder
from mlguard.compiled import compiled
from mlguard.errors import ConfigurationError
from mlguard.parse.markup import plain
from mlguard.parse.yaml_document import load_yaml
from mlguard.record import field, record
from mlguard.source import Document


@record()
class Environment:
    """A group of accounts with the same rules; `words` are what people call it in names and tags."""

    name: str
    title: str
    words: tuple[str, ...]


@record()
class Declaration:
    """A parameter: what it means, what it depends on, its default."""

    name: str
    what: str
    unit: str
    selectors: tuple[str, ...]
    default: Any


@record()
class Parameters:
    """All parameters with the user's own values over the defaults.

    `own` holds values for every environment, `own_by_environment` those for one; the latter win.
    """

    environments: Mapping[str, Environment]
    declarations: Mapping[str, Declaration]
    default_environment: str
    own: Mapping[str, Any] = field(default_factory=dict)
    own_by_environment: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def value(self, name: str, selectors: Mapping[str, str]) -> Any:  # noqa: ANN401  (as the user wrote it)
        """Give a parameter's value; ConfigurationError where a selector has no entry.

        A value that is a mapping is looked into by each selector in the order of the declaration, `*` for all others.
        """
        declaration = self.declarations[name]
        environment = selectors.get("environment", self.default_environment)
        value, chosen = declaration.default, list(declaration.selectors)
        for own in (self.own, self.own_by_environment.get(environment, {})):
            if name in own:
                value = own[name]
                chosen = [one for one in declaration.selectors if one != "environment"]
        for selector in chosen:
            if not isinstance(value, dict):
                break
            wanted = environment if selector == "environment" else selectors.get(selector, "*")
            if selector == "environment" and wanted not in value:
                wanted = (
                    self.default_environment
                )  # one that the user adds is judged by the strict one until it says more
            if wanted not in value and "*" not in value:
                raise ConfigurationError(f'the parameter "{name}" has no value for {selector} "{wanted}"')
            value = value[wanted] if wanted in value else value["*"]
        return value

    def environment_words(self) -> dict[str, str]:
        """Map each word that names an environment to the environment."""
        return {word: name for name, environment in self.environments.items() for word in (name, *environment.words)}


COMPILED = (Parameters, Environment, Declaration)
"""The classes of parameters, in the order by which their compiled form numbers them."""


@cache
def bundled_parameters() -> Parameters:
    """Give the parameters that ship with mlguard."""
    ready: Parameters | None = compiled("parameters", COMPILED)
    if ready is not None:
        return ready
    path = policies_folder() / "parameters.yaml"
    document = Document(path.name, path.read_text(encoding="utf-8"))
    content: Any = plain(load_yaml(document)[0])
    environments = {
        name: Environment(name, entry["title"], tuple(entry.get("words", ())))
        for name, entry in content["environments"].items()
    }
    declarations = {
        name: Declaration(name, entry["what"], entry.get("unit", ""), tuple(entry.get("for", ())), entry["default"])
        for name, entry in content["parameters"].items()
    }
    return Parameters(environments, declarations, content["default_environment"])
