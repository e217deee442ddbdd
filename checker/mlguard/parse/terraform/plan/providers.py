"""What the provider configurations of a plan say: the region of a resource, and tags that reach it."""

from __future__ import annotations

from collections.abc import Mapping

from mlguard.parse.terraform.plan.document import Plan, Planned, below, listed, word
from mlguard.parse.terraform.plan.references import Configured
from mlguard.value import Entries, Node, Unknown


class Providers:
    """Looks up the provider configuration of planned resources."""

    def __init__(self, plan: Plan, configured: Configured) -> None:
        self._configured = configured
        self._known = below(plan.configuration.get("provider_config"))

    def region(self, planned: Planned) -> Node | None:
        """Give the region of a resource, by itself or by its provider; None where the plan does not tell it."""
        own = below(planned.values).get("region")
        if word(own):
            return own
        return self._value(self._expressions(planned).get("region"), planned)

    def default_tags(self, planned: Planned) -> Node | None:
        """Give the tags that the provider puts on a resource; None where it puts none."""
        given = self._expressions(planned).get("default_tags")
        if given is None:
            return None
        blocks = listed(given) or (given,)
        tags = below(blocks[0]).get("tags")
        found = self._value(tags, planned)
        if found is None or not isinstance(found.content, Entries):
            return Node(Unknown("the plan does not tell the default tags of the provider"), given.span, given.key_span)
        return found

    def _expressions(self, planned: Planned) -> Mapping[str, Node]:
        resource = self._configured.resource(planned) or {}
        return below(self._known.get(word(resource.get("provider_config_key"))), "expressions")

    def _value(self, expression: Node | None, planned: Planned) -> Node | None:
        entries = below(expression)
        if "constant_value" in entries:
            return entries["constant_value"]
        names = [word(name) for name in listed(entries.get("references"))]
        if len(names) == 1 and names[0].startswith("var."):
            return self._configured.variable(names[0].removeprefix("var."), planned.module)
        return None
