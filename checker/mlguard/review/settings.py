"""What a change of the configuration changes, in words: a line for each setting, the weaker ones named as such."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from mlguard.configuration import Configuration

_SHOWN = 120
_LISTS = {
    "ignore": ("ignores {}", "no longer ignores {}"),
    "exclude": ("excludes {}", "no longer excludes {}"),
    "mandatory": ("makes {} mandatory", "no longer makes {} mandatory"),
    "policies": ("adds the policy folder {}", "drops the policy folder {}"),
    "break_glass": ("frees {} from guardrails", "no longer frees {} from guardrails"),
}
_ONES = ("budgets", "prices", "baseline", "region", "environment")


def setting_changes(before: Configuration, after: Configuration) -> list[tuple[str, str]]:
    """Give the kind and the words of every difference between two configurations."""
    found = [("configuration", text) for text in _lists(before, after)]
    if before.select != after.select:
        found.append(("configuration", f"selects {_named(after.select)}, not {_named(before.select)}"))
    if before.fail_on != after.fail_on:
        verb = "weakens" if after.fail_on > before.fail_on else "tightens"
        found.append(("configuration", f"{verb} fail_on from {before.fail_on.label} to {after.fail_on.label}"))
    for name in _ONES:
        then, now = getattr(before, name), getattr(after, name)
        if then != now:
            found.append(("configuration", f"sets {name} to {_shown(now)}, it was {_shown(then)}"))
    found.extend(("parameter", text) for text in _parameters(before, after))
    if (before.assignments, before.deployments) != (after.assignments, after.deployments):
        found.append(("configuration", "changes which environment paths and deployments belong to"))
    return found


def _lists(before: Configuration, after: Configuration) -> Iterator[str]:
    for name, (more, less) in _LISTS.items():
        then, now = getattr(before, name), getattr(after, name)
        yield from (more.format(one) for one in now if one not in then)
        yield from (less.format(one) for one in then if one not in now)


def _parameters(before: Configuration, after: Configuration) -> Iterator[str]:
    then, now = _values(before), _values(after)
    for where in sorted({*then, *now}):
        old, new = then.get(where, {}), now.get(where, {})
        for name in sorted({*old, *new}):
            if old.get(name) != new.get(name):
                place = f" of {where}" if where else ""
                default = before.parameters.declarations[name].default
                was = _shown(old[name]) if name in old else f"{_shown(default)}, the default"
                is_now = _shown(new[name]) if name in new else f"{_shown(default)}, the default"
                yield f"changes the parameter {name}{place} from {was} to {is_now}"


def _values(configuration: Configuration) -> dict[str, Mapping[str, object]]:
    parameters = configuration.parameters
    return {"": parameters.own, **parameters.own_by_environment}


def _named(names: Iterable[str]) -> str:
    return ", ".join(names) or "the recommended policies"


def _shown(value: object) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return (f"{text[:_SHOWN]}..." if len(text) > _SHOWN else text) or "nothing"
