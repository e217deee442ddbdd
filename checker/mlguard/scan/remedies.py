"""Work out how a policy would mend a finding: the fix that fits, with the parameters that the check was made with."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from mlguard.errors import ConfigurationError
from mlguard.finding import Remedy
from mlguard.knowledge import instances, offers
from mlguard.patterns import lazy_pattern
from mlguard.policy.evaluate import Context, Leaf, Truth, judge
from mlguard.policy.fixes import value_form
from mlguard.policy.model import Fix, Policy, Recipe
from mlguard.record import replace
from mlguard.resource import Project, RawResource, Resource
from mlguard.source import Span
from mlguard.value import Entries, Node, Parameter, child, text_of
from mlguard.vocabulary.model import awscc_type, snake_case

_PLACEHOLDER = lazy_pattern(r"\{([a-z_]+)\}")
MAX_EXPANDED = 40
"""As many instance types as a list that people read may name."""


class _NoFixError(Exception):
    """A value of the fix cannot be known; says why."""


def remedy(
    policy: Policy, resource: Resource | None, project: Project, at: Span, leaf: Leaf, context: Context
) -> Remedy | None:
    """Give how the policy mends what the leaf found, None where it has no fix for that."""
    scope = leaf.scope or Node(Entries(resource.properties if resource is not None else {}), at)
    raw = resource.raw if resource is not None else None
    values = _Values(leaf, scope, context)
    for fix in policy.fixes:
        if _fits(fix, leaf, scope, context):
            try:
                made = _made(fix, raw, at, leaf, values)
            except _NoFixError as reason:
                made = Remedy(fix.safe, values.known_text(fix.what), at, refused=str(reason))
            if made is not None:
                return replace(made, refused=_refusal(resource, project) or made.refused)
    return None


def together(remedies: Sequence[Remedy]) -> Remedy | None:
    """Make one remedy of those for all that one finding is about, None of none; the most careful word counts."""
    if not remedies:
        return None
    recipes = list(remedies[0].recipes)
    for other in remedies[1:]:
        for index, (one, more) in enumerate(zip(recipes, other.recipes, strict=False)):
            recipes[index] = replace(one, set={**one.set, **more.set}, add={**one.add, **more.add})
    refused = next((one.refused for one in remedies if one.refused), "")
    return replace(remedies[0], safe=all(one.safe for one in remedies), recipes=tuple(recipes), refused=refused)


def _refusal(resource: Resource | None, project: Project) -> str:
    raw = resource.raw if resource is not None else None
    if project.raw.dialect == "cdk" or (raw is not None and (raw.source is not None or raw.construct)):
        return "a program synthesizes this file: mend the construct in the program, and synthesize again"
    if resource is not None and (resource.part_of or resource.raw.type.startswith("embedded:")):
        return "it stands in a definition inside of another resource: mend it there by hand"
    return ""


def _fits(fix: Fix, leaf: Leaf, scope: Node, context: Context) -> bool:
    if fix.properties and not (leaf.path and leaf.path[-1] in fix.properties):
        return False
    return fix.when is None or judge(fix.when, scope, context).truth is Truth.PASS


def _made(fix: Fix, raw: RawResource | None, at: Span, leaf: Leaf, values: _Values) -> Remedy | None:
    """Resolve a fix; None where it has no way for such a resource."""
    found = leaf.found if leaf.found is not None and text_of(leaf.found.content) is not None else None
    literal = found if found is not None and not found.origins else None
    parameter = values.chosen_by()
    recipes = tuple(values.recipe(one) for one in _recipes(fix, raw, at))
    if not recipes and (found is None or fix.replace is None):
        return None
    return Remedy(
        safe=fix.safe,
        what=values.text(fix.what),
        at=raw.name_span if raw is not None else at,
        type=raw.type if raw is not None else "",
        parameter=parameter.name_span if parameter is not None else None,
        found=literal.span if literal is not None else None,
        found_value=literal.content if literal is not None else None,  # type: ignore[arg-type]
        replace=values.value(fix.replace) if fix.replace is not None else None,
        recipes=recipes,
        refused="" if recipes or literal is not None or found is None else _elsewhere(found),
    )


def _elsewhere(found: Node) -> str:
    origin = found.origins[0]
    return f"the value comes from elsewhere ({origin.what}, {origin.span.path}:{origin.span.line})"


def _recipes(fix: Fix, raw: RawResource | None, at: Span) -> Sequence[Recipe]:
    """Choose the recipes of a resource type, else those of its format; the Cloud Control provider's are mechanical."""
    if raw is None:
        return fix.recipes.get("terraform" if at.path.endswith((".tf", ".tofu", ".json")) else "cloudformation", ())
    if raw.type in fix.recipes:
        return fix.recipes[raw.type]
    if raw.type.startswith("awscc_"):
        own = next((key for key in fix.recipes if key.startswith("AWS::") and awscc_type(key) == raw.type), None)
        return [_in_snake_case(one) for one in fix.recipes.get(own or "cloudformation", ())]
    return fix.recipes.get(raw.format, ())


def _in_snake_case(recipe: Recipe) -> Recipe:
    return replace(
        recipe, set=_snake_keys(recipe.set), add=_snake_keys(recipe.add), if_present=snake_case(recipe.if_present)
    )


def _snake_keys(value: object) -> Mapping[str, object]:
    made = _snake(value)
    return made if isinstance(made, Mapping) else {}


def _snake(value: object) -> object:
    if isinstance(value, Mapping) and not value_form(value):
        return {".".join(snake_case(part) for part in key.split(".")): _snake(below) for key, below in value.items()}
    if isinstance(value, list):
        return [_snake(item) for item in value]
    return value


class _Values:
    """Gives what is to be written its values, by what was found and by the parameters of its environment."""

    def __init__(self, leaf: Leaf, scope: Node, context: Context) -> None:
        self._leaf = leaf
        self._scope = scope
        self._context = context

    def chosen_by(self) -> Parameter | None:
        """Give the parameter that chooses the type of the item, or the value that was found."""
        kind = self._property("type")
        for node in (kind, self._leaf.found):
            for origin in node.origins if node is not None else ():
                if origin.parameter is not None:
                    return origin.parameter
        return None

    def recipe(self, recipe: Recipe) -> Recipe:
        """Give the recipe with every value and path resolved; a path is in snake case where its format is."""
        return replace(recipe, set=self._paths(recipe.set), add=self._paths(recipe.add))

    def _paths(self, changes: Mapping[str, object]) -> dict[str, object]:
        return {self._path(path, changes): self.value(value) for path, value in changes.items()}

    def _path(self, path: str, changes: Mapping[str, object]) -> str:
        """Fill in a path; one in snake case stays one, whatever the property says."""
        filled = self.text(path)
        snake = all(letter.islower() for key in changes for letter in _PLACEHOLDER.sub("", key) if letter.isalpha())
        return ".".join(snake_case(part) for part in filled.split(".")) if snake else filled

    def text(self, text: str) -> str:
        """Fill in the properties that a text names."""
        return _PLACEHOLDER.sub(lambda match: self._named(match[1]), text)

    def known_text(self, text: str) -> str:
        """Fill in a text as far as that is known; the name of all else stands for itself."""

        def filled(match: re.Match[str]) -> str:
            try:
                return self._named(match[1])
            except _NoFixError:
                return match[1]

        return _PLACEHOLDER.sub(filled, text)

    def _named(self, name: str) -> str:
        node = self._property(name)
        text = text_of(node.content) if node is not None else None
        if text is None:
            try:
                text = text_of(self._parameter({"param": name, "for": ["environment"]}))  # type: ignore[arg-type]
            except (KeyError, _NoFixError):
                text = None
        if text is None:
            raise _NoFixError(f"{name} is not known")
        return text

    def _property(self, name: str) -> Node | None:
        found = child(self._scope, name, self._context.scenario)
        if found is None and name in self._context.outer:
            outer = Node(Entries(self._context.outer), self._scope.span)
            found = child(outer, name, self._context.scenario)
        return found

    def value(self, value: object) -> object:
        """Resolve the forms in a value."""
        form = value_form(value)
        if isinstance(value, Mapping) and form == "param":
            return self._parameter(value)
        if isinstance(value, Mapping) and form == "property":
            return self._times(str(value["property"]), value.get("times", 1))
        if isinstance(value, Mapping) and form == "json":
            return {"json": self.value(value["json"])}
        if isinstance(value, Mapping) and form == "expression":
            parts = value["expression"]
            return {"expression": self._expression(parts if isinstance(parts, list) else [parts])}
        if isinstance(value, Mapping):
            return {key: self.value(below) for key, below in value.items()}
        if isinstance(value, list):
            return [self.value(item) for item in value]
        return value

    def _expression(self, parts: Sequence[object]) -> str:
        """Join texts, taken as they are, and values, as Terraform writes them."""
        return "".join(
            self.text(part) if isinstance(part, str) else json.dumps(self.value(part), ensure_ascii=False)
            for part in parts
        )

    def _times(self, name: str, times: object) -> object:
        node = self._property(name)
        content = node.content if node is not None else None
        if isinstance(content, str) and content.isdigit():
            content = int(content)
        if not isinstance(content, int) or not isinstance(times, int):
            raise _NoFixError(f"{name} is not known")
        return content * times

    def _parameter(self, form: Mapping[str, object]) -> object:
        name, selectors = str(form["param"]), form.get("for", [])
        chosen: dict[str, str] = {}
        for selector in [selectors] if isinstance(selectors, str) else selectors if isinstance(selectors, list) else []:
            node = self._property(selector)
            text = text_of(node.content) if node is not None else None
            if text is None:
                raise _NoFixError(f"{selector} is not known")
            chosen[selector] = text
        try:
            value = self._context.parameter(name, chosen)
        except ConfigurationError as error:
            raise _NoFixError(error.message) from None
        if value in (None, "", []):
            raise _NoFixError(f"set the parameter {name} in .mlguard.yaml first")
        if "within" in form:
            return _highest(name, value, form["within"])
        return self._expanded(name, value, chosen) if form.get("expand") == "instance_types" else value

    def _expanded(self, name: str, patterns: object, chosen: Mapping[str, str]) -> list[str]:
        """Give the instance types that patterns allow, in the order of the patterns."""
        use = chosen.get("use", "")
        found: dict[str, None] = {}
        for pattern in patterns if isinstance(patterns, list | tuple) else []:
            if not set("*?") & set(str(pattern)):
                found[str(pattern)] = None
                continue
            prefix = "ml." if str(pattern).startswith("ml.") else ""
            matching = [kind for kind in instances.types() if fnmatchcase(f"{prefix}{kind}", str(pattern))]
            names = [f"{prefix}{kind}" for kind in sorted(matching, key=_by_size)]
            found.update(dict.fromkeys(kind for kind in names if not prefix or offers.regions_offering(use, kind)))
        if not 0 < len(found) <= MAX_EXPANDED:
            where = chosen.get("environment", "every environment")
            raise _NoFixError(f"{name} allows {len(found)} types in {where}: choose a list of your own")
        default = self._default()
        if default is not None and default not in found:
            raise _NoFixError(f'the default "{default}" is not among what {name} allows')
        return list(found)

    def _default(self) -> str | None:
        parameter = self.chosen_by()
        node = parameter.default if parameter is not None else None
        return text_of(node.content) if node is not None else None


def _by_size(kind: str) -> tuple[str, int, str]:
    known = instances.lookup(kind)
    return (kind.split(".", maxsplit=1)[0], known.vcpu if known is not None else 0, kind)


def _highest(name: str, value: object, allowed: object) -> object:
    """Give the highest of the values that AWS takes which is not above the parameter."""
    numbers = [one for one in allowed if isinstance(one, int)] if isinstance(allowed, list) else []
    fitting = [one for one in numbers if isinstance(value, int | float) and one <= value]
    if not fitting:
        raise _NoFixError(f"no value that AWS takes is within {name}")
    return max(fitting)
