"""The sections of a template with their loops written out."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from mlguard.parse.cloudformation.evaluator import Evaluator
from mlguard.parse.cloudformation.loops import LOOP, Expansion, has_loops, loops_of, types_made
from mlguard.record import field, record, replace
from mlguard.resource import Gap
from mlguard.scenario import Scenario, TooManyScenariosError, explore
from mlguard.value import Entries, Node, Unknown

_LOOPING = ("Conditions", "Resources", "Outputs")
_MAX_SCENARIOS = 256


@record(frozen=False)
class Unrolled:
    """Sections without loops; `gaps` are loops over what is not known.

    `only_if` tells, for a resource that a loop makes in some scenarios only, whether it is there.
    """

    sections: Mapping[str, Node]
    gaps: list[Gap] = field(default_factory=list)
    only_if: dict[str, Callable[[Scenario], bool]] = field(default_factory=dict)


def unroll(sections: Mapping[str, Node], evaluator: Callable[[], Evaluator]) -> Unrolled:
    """Write out the loops of a template's sections; `evaluator` is asked only where there are some."""
    unrolled = Unrolled(sections)
    looping = [name for name in _LOOPING if has_loops(sections.get(name))]
    if looping:
        meaning = evaluator()
        unrolled.sections = {
            name: _section(name, node, meaning, unrolled) if name in looping else node
            for name, node in sections.items()
        }
    return unrolled


def _section(name: str, section: Node, evaluator: Evaluator, unrolled: Unrolled) -> Node:
    written: Mapping[str, Node] = section.content.nodes if isinstance(section.content, Entries) else {}
    nodes = {key: node for key, node in written.items() if not key.startswith(LOOP)}
    for key, argument in loops_of(section):
        made, always = _in_every_scenario(key, argument, evaluator)
        for entry, node in made.nodes.items():
            if entry not in nodes:
                nodes[entry] = replace(node, key_span=node.key_span or argument.key_span)
                if name == "Resources" and entry not in always:
                    unrolled.only_if[entry] = _is_made(entry, key, argument, evaluator)
        if name == "Resources" and made.rest is not None:
            at = argument.key_span or argument.span
            unrolled.gaps.append(Gap(at, made.rest.because, types_made(argument) or None))
    return replace(section, content=Entries(nodes))


def _in_every_scenario(key: str, argument: Node, evaluator: Evaluator) -> tuple[Expansion, frozenset[str]]:
    """Give what a loop makes in any scenario, and the names of what it makes in all of them."""
    together = Expansion()
    always: frozenset[str] | None = None
    try:
        for outcome in explore(lambda scenario: evaluator.expanded(key, argument, scenario), _MAX_SCENARIOS):
            names = frozenset(outcome.result.nodes)
            always = names if always is None else always & names
            together.nodes = outcome.result.nodes | together.nodes
            together.rest = together.rest or outcome.result.rest
    except TooManyScenariosError:
        together.rest = Unknown(f"{key} goes over a list with more than {_MAX_SCENARIOS} possible values")
    return together, always or frozenset()


def _is_made(entry: str, key: str, argument: Node, evaluator: Evaluator) -> Callable[[Scenario], bool]:
    return lambda scenario: entry in evaluator.expanded(key, argument, scenario).nodes
