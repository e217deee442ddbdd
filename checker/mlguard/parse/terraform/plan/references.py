"""What the `configuration` of a plan says that an unknown value is made of: names of resources, never expressions.

A plan lists the names that an expression uses and nothing of how it uses them. One name of one resource is taken for
a reference to it; several names, or one that leads nowhere, make a value of which only the resources are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from mlguard.parse.terraform.expand import Key, suffix
from mlguard.parse.terraform.plan.addresses import Step, prefix_of, steps_of
from mlguard.parse.terraform.plan.document import Plan, Planned, below, listed, word
from mlguard.record import field, record
from mlguard.value import Entries, Items, Node, Reference, Unknown

AFTER_APPLY = "known after apply"
_MAX_HOPS = 40
_MAX_STEPS = 500
_MAX_TARGETS = 50
_SHORT = 6
_HINTS = ("each.key", "count.index")
_CONSTANT = ("path", "count", "each", "")
_SINGLE: tuple[Key, ...] = (None,)
_NO_RESOURCES = ("var", "data", "terraform", "self", "ephemeral")
Path = tuple[Step, ...]


@record()
class _User:
    """Who uses a name: the key of its instance, and what its `for_each` goes over."""

    key: Key = None
    over: Node | None = None


_NOBODY = _User()


@record(frozen=False)
class _Found:
    """What a name leads to: resources, and in words what hides the rest."""

    targets: dict[Reference, None] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)

    steps: int = 0

    def goes_on(self, hops: int) -> bool:
        """Count a step; tells whether one more is worth it."""
        self.steps += 1
        if hops <= _MAX_HOPS and self.steps <= _MAX_STEPS and len(self.targets) < _MAX_TARGETS:
            return True
        self.hidden.append("it is made of too many values")
        return False


class _Calls(dict[str, dict[Key, "_Calls"]]):
    """The module calls of one module instance by name: their keys, each with the calls inside of it."""

    def in_module(self, path: Path) -> _Calls:
        """Give the calls of a module instance below this one."""
        calls = self
        for step in path:
            calls = calls.get(step.name, {}).get(step.key) or _Calls()
        return calls


class Configured:
    """The configuration of a plan, in which the expressions of its resources are looked up."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._modules: dict[tuple[str, ...], Mapping[str, Node]] = {}
        self._resources: dict[tuple[str, ...], dict[str, Mapping[str, Node]]] = {}
        self._secrets: frozenset[str] | None = None
        self._keys: dict[str, dict[Key, None]] = {}
        self._calls = _Calls()
        for planned in plan.resources:
            name = f"{prefix_of(planned.module)}{planned.type}.{planned.own.name}"
            self._keys.setdefault(name, {})[planned.own.key] = None
            calls = self._calls
            for step in planned.module:
                calls = calls.setdefault(step.name, {}).setdefault(step.key, _Calls())

    def resource(self, planned: Planned) -> Mapping[str, Node] | None:
        """Give what the configuration holds of a resource; None where it holds nothing."""
        names = tuple(step.name for step in planned.module)
        if names not in self._resources:
            listing = map(below, listed(self._module(planned.module).get("resources")))
            managed = (one for one in listing if word(one.get("mode")) in ("managed", ""))
            self._resources[names] = {word(one.get("address")): one for one in managed}
        return self._resources[names].get(f"{planned.type}.{planned.own.name}")

    def _module(self, path: Path) -> Mapping[str, Node]:
        names = tuple(step.name for step in path)
        if names not in self._modules:
            module = below(self._plan.configuration.get("root_module"))
            for name in names:
                module = below(module.get("module_calls"), name, "module")
            self._modules[names] = module
        return self._modules[names]

    def declared(self) -> tuple[frozenset[tuple[str, ...]], bool]:
        """Give the managed resources and module calls of the root module, and whether the configuration is there."""
        module = self._module(())
        found: set[tuple[str, ...]] = {("module", name) for name in below(module.get("module_calls"))}
        for one in listed(module.get("resources")):
            steps = steps_of(word(below(one).get("address")))
            if word(below(one).get("mode")) in ("managed", "") and len(steps) > 1:
                found.add(("resource", steps[0].name, steps[1].name))
        return frozenset(found), bool(module)

    def variable(self, name: str, module: Path) -> Node | None:
        """Give the value of a variable where it is a constant of the plan; None where it is not, or is sensitive."""
        for end in range(len(module), 0, -1):
            call = below(self._module(module[: end - 1]).get("module_calls"), module[end - 1].name)
            given = below(call.get("expressions")).get(name)
            if given is None:
                return below(self._module(module[:end]).get("variables"), name).get("default")
            if "constant_value" in below(given):
                return below(given)["constant_value"]
            names = _names(given)
            if len(names) != 1 or not names[0].startswith("var."):
                return None
            name = names[0].removeprefix("var.")
        return self.root_variables().get(name)

    def root_variables(self) -> Mapping[str, Node]:
        """Give the values that the plan was made with, without sensitive ones."""
        declared = below(self._module(()).get("variables"))
        found = {}
        for name, node in self._plan.variables.items():
            value, sensitive = below(node).get("value"), below(declared.get(name)).get("sensitive")
            if value is not None and value.content is not None and (sensitive is None or not sensitive.content):
                found[name] = value
        return found

    def secrets(self) -> frozenset[str]:
        """Give the texts that the plan marks as sensitive somewhere, save those so short that they may be anything."""
        if self._secrets is None:
            known = self.root_variables()
            hidden = [below(node).get("value") for name, node in self._plan.variables.items() if name not in known]
            texts = {text for node in hidden for text in _texts(node)}
            for planned in self._plan.resources:
                texts.update(text for mark in planned.sensitive for text in _marked(planned.values, mark))
            self._secrets = frozenset(text for text in texts if len(text) >= _SHORT)
        return self._secrets

    def content(self, expression: Node, planned: Planned) -> Reference | Unknown:
        """Say what an unknown value is: a reference, or an unknown one with the resources that it is made of."""
        found = _Found()
        self._resolve(_names(expression), planned.module, self._user(planned), found, 0)
        if len(found.targets) == 1 and not found.hidden:
            return next(iter(found.targets))
        because = found.hidden[0] if found.hidden else "it is made of several resources" if found.targets else ""
        return Unknown(f"{AFTER_APPLY}: {because}" if because else AFTER_APPLY, references=tuple(found.targets))

    def refers_to(self, planned: Planned) -> tuple[Reference, ...]:
        """Give every resource that the arguments of a resource name, known values included."""
        found = _Found()
        for expression in _expressions((self.resource(planned) or {}).get("expressions")):
            self._resolve(_names(expression), planned.module, self._user(planned), found, 0)
        return tuple(found.targets)

    def _user(self, planned: Planned) -> _User:
        return _User(planned.own.key, (self.resource(planned) or {}).get("for_each_expression"))

    def _resolve(self, names: Sequence[str], module: Path, user: _User, found: _Found, hops: int) -> None:
        """Add what names lead to in a module instance."""
        key = user.key if any(name in _HINTS for name in names) else None
        chosen = False
        for name in names:
            if not found.goes_on(hops):
                return
            whole = any(other != name and other.startswith((f"{name}.", f"{name}[")) for other in names)
            if not whole:  # a plan lists `aws_x.y` beside `aws_x.y.id`
                chosen = self._name(steps_of(name), module, (user, key), found, hops) or chosen
        if key is not None and not chosen:  # it is a part of the value, not of what the value names
            found.hidden.append("it depends on each.key or count.index")

    def _name(self, steps: list[Step], module: Path, user: tuple[_User, Key], found: _Found, hops: int) -> bool:
        """Add what one name leads to; tells whether the key, that of the user if it is named, chose an instance."""
        head = steps[0].name if steps else ""
        second = steps[1].name if len(steps) > 1 else ""
        if head == "var" and second and module:
            self._variable(second, module, found, hops)
        elif head == "module" and len(steps) > 2:  # noqa: PLR2004  (module, its name, an output)
            return self._output(steps, module, user[1], found, hops)
        elif head == "each" and second == "value":
            self._each_value(module, user[0], found)
        elif head == "local":
            found.hidden.append(f"the plan does not tell local.{second}")
        elif head in _NO_RESOURCES or (not second and head not in _CONSTANT):
            found.hidden.append(f"it depends on {'.'.join(map(str, steps[:3]))}")
        elif head not in _CONSTANT:
            return self._resource(steps, module, user[1], found)
        return False

    def _variable(self, name: str, module: Path, found: _Found, hops: int) -> None:
        call = below(self._module(module[:-1]).get("module_calls"), module[-1].name)
        given = below(call.get("expressions")).get(name)
        names = _names(given) if given is not None else []
        if not names:
            found.hidden.append(f"it depends on var.{name} of module.{module[-1]}")
            return
        self._resolve(names, module[:-1], _User(module[-1].key, call.get("for_each_expression")), found, hops + 1)

    def _output(self, steps: list[Step], module: Path, key: Key, found: _Found, hops: int) -> bool:
        keys, chosen = _chosen(steps[1].key, key, self._calls.in_module(module).get(steps[1].name, _SINGLE))
        for one in keys:
            inside = (*module, Step(steps[1].name, one))
            expression = below(self._module(inside).get("outputs"), steps[2].name).get("expression")
            if expression is None:
                found.hidden.append(f"the plan does not tell {'.'.join(map(str, steps[:3]))}")
                break
            self._resolve(_names(expression), inside, _NOBODY, found, hops + 1)
        return chosen

    def _each_value(self, module: Path, user: _User, found: _Found) -> None:
        """Follow `for_each = aws_s3_bucket.all`: the value is the instance of the same key."""
        names = _names(user.over) if user.over is not None else []
        steps = steps_of(names[0]) if len(names) == 1 else []
        if len(steps) == 2 and steps[0].name not in (*_NO_RESOURCES, "local", "module", "each"):  # noqa: PLR2004
            self._resource(steps, module, user.key, found)
        else:
            found.hidden.append("it depends on each.value")

    def _resource(self, steps: list[Step], module: Path, key: Key, found: _Found) -> bool:
        base = f"{prefix_of(module)}{steps[0].name}.{steps[1].name}"
        keys, chosen = _chosen(steps[1].key, key, self._keys.get(base, _SINGLE))
        for one in keys[:_MAX_TARGETS]:
            address = base if one is None else f"{base}{suffix(one)}"
            found.targets[Reference(address, ".".join(map(str, steps[2:])))] = None
        return chosen


def _chosen(written: Key, own: Key, keys: Iterable[Key]) -> tuple[list[Key], bool]:
    """Choose instances: the one whose key is written, that of the user's key, else all; and whether the second did."""
    there = list(keys)
    if written is not None:
        return [written], False
    return ([own], True) if own is not None and own in there else (there, False)


def _marked(node: Node | None, mark: Node) -> Iterator[str]:
    """Give the texts of a value that a mark of the same shape calls sensitive."""
    if mark.content is True:
        yield from _texts(node)
    for key, inner in below(mark).items():
        yield from _marked(below(node).get(key), inner)
    for item, inner in zip(listed(node), listed(mark), strict=False):
        yield from _marked(item, inner)


def _texts(node: Node | None) -> Iterator[str]:
    if word(node):
        yield word(node)
    for inner in (*below(node).values(), *listed(node)):
        yield from _texts(inner)


def is_expression(node: Node) -> bool:
    """Tell whether a node describes the value of an argument, and not a nested block."""
    content = node.content
    return isinstance(content, Entries) and content.nodes.keys() <= {"references", "constant_value"}


def _names(expression: Node) -> list[str]:
    return [name for one in listed(below(expression).get("references"))[:_MAX_STEPS] if (name := word(one))]


def _expressions(node: Node | None) -> Iterator[Node]:
    waiting = [node] if node is not None else []
    while waiting:
        here = waiting.pop()
        if is_expression(here):
            yield here
        elif isinstance(here.content, Entries):
            waiting.extend(here.content.nodes.values())
        elif isinstance(here.content, Items):
            waiting.extend(here.content.nodes)
