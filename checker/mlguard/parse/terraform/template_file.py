"""The data source `template_file`: a template and the values that fill it, all of them in the configuration."""

from __future__ import annotations

from mlguard.parse.terraform.evaluate import evaluate
from mlguard.parse.terraform.failure import NotEvaluatedError
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.syntax import Block, Call, ObjectExpression
from mlguard.parse.terraform.values import hidden
from mlguard.record import replace
from mlguard.scenario import Scenario
from mlguard.value import Entries, Node

KIND = "template_file"
ATTRIBUTE = "rendered"
_NAMES = "vars"


def rendered(block: Block, scope: Scope, scenario: Scenario) -> Node:
    """Give the rendered template; that of a file has its places there."""
    template = block.arguments.get("template")
    if template is None or any(inner.type == _NAMES for inner in block.blocks):
        raise NotEvaluatedError(f"data.{'.'.join(block.labels)} is read at deployment")
    value, given = template.value, block.arguments.get(_NAMES)
    names = given.value if given is not None else ObjectExpression(block.start, block.start, [])
    if isinstance(value, Call) and value.name == "file" and len(value.arguments) == 1:
        return evaluate(
            Call(value.start, value.end, "templatefile", [*value.arguments, names], expands=False), scope, scenario
        )
    text, known = evaluate(value, scope, scenario), evaluate(names, scope, scenario)
    if not isinstance(text.content, str) or not isinstance(known.content, Entries) or known.content.rest is not None:
        return text.holding(hidden((text, known)))
    return replace(scope.session.template_of(text.content, known.content.nodes), span=text.span, key_span=None)
