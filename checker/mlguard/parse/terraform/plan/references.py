"""What the `configuration` of a plan says that an unknown value is made of: names of resources, never expressions.

A plan lists the names that an expression uses and nothing of how it uses them. One name of one resource is taken for
a reference to it; several names, or one that leads nowhere, make a value of which only the resources are known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from mlguard.parse.terraform.expand import Key
from mlguard.parse.terraform.plan.addresses import Step, prefix_of, steps_of
from mlguard.parse.terraform.plan.document import Plan, Planned, below, listed, word
from mlguard.value import Entries, Items, Node, Reference, Unknown

AFTER_APPLY = "known after apply"
_MAX_HOPS = 40
_MAX_TARGETS = 50
_HINTS = ("each.key", "count.index")
_NO_RESOURCES = ("var", "data", "terraform", "self", "ephemeral")
Path = tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class _User:
    """Who uses a name: the key of its instance, and what its `for_each` goes over."""

    key: Key = None
    over: Node | None = None


_NOBODY = _User()


@dataclass(slots=True)
class _Found:
    """What a name leads to: resources, and in words what hides the rest."""

    targets: dict[Reference, None] = field(default_factory=dict)
    hidden: list[str] = field(default_factory=list)

    @property
    def is_open(self) -> bool:
        """Tell whether enough was found."""
        return len(self.targets) < _MAX_TARGETS


class Configured:
    """The configuration of a plan, in which the expressions of its resources are looked up."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._modules: dict[tuple[str, ...], Mapping[str, Node]] = {}
        self._keys: dict[str, dict[Key, None]] = {}
        self._calls: dict[Path, dict[Key, None]] = {}
        for planned in plan.resources:
            name = f"{prefix_of(planned.module)}{planned.type}.{planned.own.name}"
            self._keys.setdefault(name, {})[planned.own.key] = None
            for end in range(1, len(planned.module) + 1):
                *above, call = planned.module[:end]
                self._calls.setdefault((*above, Step(call.name)), {})[call.key] = None

    def resource(self, planned: Planned) -> Mapping[str, Node] | None:
        """Give what the configuration holds of a resource; None where it holds nothing."""
        module = self._module(planned.module)
        wanted = f"{planned.type}.{planned.own.name}"
        for one in listed(module.get("resources")):
            entries = below(one)
            if word(entries.get("address")) == wanted and word(entries.get("mode")) in ("managed", ""):
                return entries
        return None

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
        for name in names:
            if not found.is_open or hops > _MAX_HOPS:
                return
            whole = any(other != name and other.startswith((f"{name}.", f"{name}[")) for other in names)
            if not whole:  # a plan lists `aws_x.y` beside `aws_x.y.id`
                self._name(steps_of(name), module, (user, key), found, hops)

    def _name(self, steps: list[Step], module: Path, user: tuple[_User, Key], found: _Found, hops: int) -> None:
        """Add what one name leads to; the key is that of the user where the names around say so."""
        head = steps[0].name if steps else ""
        second = steps[1].name if len(steps) > 1 else ""
        if head == "var" and second and module:
            self._variable(second, module, found, hops)
        elif head == "module" and len(steps) > 2:  # noqa: PLR2004  (module, its name, an output)
            self._output(steps, module, user[1], found, hops)
        elif head == "each" and second == "value":
            self._each_value(module, user[0], found)
        elif head in ("path", "count", "each", ""):
            return
        elif head == "local":
            found.hidden.append(f"the plan does not tell local.{second}")
        elif head in _NO_RESOURCES or not second:
            found.hidden.append(f"it depends on {'.'.join(map(str, steps[:3]))}")
        else:
            self._resource(steps, module, user[1], found)

    def _variable(self, name: str, module: Path, found: _Found, hops: int) -> None:
        call = below(self._module(module[:-1]).get("module_calls"), module[-1].name)
        given = below(call.get("expressions")).get(name)
        names = _names(given) if given is not None else []
        if not names:
            found.hidden.append(f"it depends on var.{name} of module.{module[-1]}")
            return
        self._resolve(names, module[:-1], _User(module[-1].key, call.get("for_each_expression")), found, hops + 1)

    def _output(self, steps: list[Step], module: Path, key: Key, found: _Found, hops: int) -> None:
        called = (*module, Step(steps[1].name))
        keys = [steps[1].key] if steps[1].key is not None else list(self._calls.get(called, {None: None}))
        if len(keys) > 1 and key in keys:
            keys = [key]
        for one in keys:
            inside = (*module, Step(steps[1].name, one))
            expression = below(self._module(inside).get("outputs"), steps[2].name).get("expression")
            if expression is None:
                found.hidden.append(f"{'.'.join(map(str, steps[:3]))} is not told by the plan")
                return
            self._resolve(_names(expression), inside, _NOBODY, found, hops + 1)

    def _each_value(self, module: Path, user: _User, found: _Found) -> None:
        """Follow `for_each = aws_s3_bucket.all`: the value is the instance of the same key."""
        names = _names(user.over) if user.over is not None else []
        steps = steps_of(names[0]) if len(names) == 1 else []
        if len(steps) == 2 and steps[0].name not in (*_NO_RESOURCES, "local", "module", "each"):  # noqa: PLR2004
            self._resource(steps, module, user.key, found)
        else:
            found.hidden.append("it depends on each.value")

    def _resource(self, steps: list[Step], module: Path, key: Key, found: _Found) -> None:
        base = f"{prefix_of(module)}{steps[0].name}.{steps[1].name}"
        attribute = ".".join(map(str, steps[2:]))
        keys = list(self._keys.get(base, {None: None}))
        if steps[1].key is not None:
            keys = [steps[1].key]
        elif len(keys) > 1 and key in keys:
            keys = [key]
        for one in keys[:_MAX_TARGETS]:
            found.targets[Reference(f"{prefix_of(module)}{steps[0].name}.{Step(steps[1].name, one)}", attribute)] = None


def is_expression(node: Node) -> bool:
    """Tell whether a node describes the value of an argument, and not a nested block."""
    content = node.content
    return isinstance(content, Entries) and content.nodes.keys() <= {"references", "constant_value"}


def _names(expression: Node) -> list[str]:
    return [name for one in listed(below(expression).get("references")) if (name := word(one))]


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
