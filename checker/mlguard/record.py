"""The classes of plain values: what `dataclasses` offers and mlguard needs, made ten times faster.

A scan of one file makes a hundred such classes before it reads a line, for which `dataclasses` takes a third of its
time. To the type checker they are dataclasses, frozen unless said otherwise; at run time nothing is frozen, because
that makes each value four times as dear.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from types import CodeType, FunctionType
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform


class _Default:
    """What a field is when nobody says, where that is more than a plain value."""

    __slots__ = ("compare", "init", "make", "value")

    def __init__(self, value: object, make: Callable[[], object] | None, *, init: bool, compare: bool) -> None:
        self.value = value
        self.make = make
        self.init = init
        self.compare = compare


if TYPE_CHECKING:
    from dataclasses import field, replace  # noqa: TID251  (for the type checker, which knows them)
else:

    def field(
        *, default: object = None, default_factory: Callable[[], object] | None = None, init: bool = True, **more: bool
    ) -> _Default:
        """Give a field a default that is made anew for each value; keep it out of comparisons, or of the arguments."""
        return _Default(default, default_factory, init=init, compare=more.get("compare", True))

    def replace(one: Any, /, **changes: Any) -> Any:  # noqa: ANN401  (the type checker sees that of dataclasses)
        """Give a record like this one with some fields changed."""
        for name in one.__record_fields__:
            if name not in changes:
                changes[name] = getattr(one, name)
        return one.__class__(**changes)


__all__ = ["field", "field_names", "record", "replace"]
T = TypeVar("T")
_FIELDS = "__record_fields__"


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def record(
    *, eq: bool = True, order: bool = False, frozen: bool = True, slots: bool = True
) -> Callable[[type[T]], type[T]]:
    """Make a class of its annotations: `__init__`, slots, and equality, hash and order by its fields.

    `frozen` is for the type checker alone. A class without `slots` can hold a `cached_property`. A field that is not
    an argument (`init=False`) takes no part in comparisons either.
    """
    del frozen

    def make(written: type[T]) -> type[T]:
        body = {key: value for key, value in written.__dict__.items() if key not in ("__dict__", "__weakref__")}
        own = tuple(written.__annotations__)
        every = (*getattr(written, _FIELDS, ()), *own)
        defaults = {
            **getattr(written, "__record_defaults__", {}),
            **{name: body.pop(name) for name in own if name in body},
        }
        special = {name: default for name, default in defaults.items() if isinstance(default, _Default)}
        names = tuple(name for name in every if name not in special or special[name].init)
        if slots:
            body["__slots__"] = own
        body |= {_FIELDS: names, "__match_args__": names, "__record_defaults__": defaults}
        body["__init__"] = _initializer(every, defaults, post="__post_init__" in body)
        body.setdefault("__repr__", _repr)
        if eq:
            compared = [name for name in names if name not in special or special[name].compare]
            body |= _comparisons(compared, order=order)
        metaclass: Any = type(written)
        made: type[T] = metaclass(written.__name__, written.__bases__, body)
        return made

    return make


def field_names(kind: type) -> tuple[str, ...]:
    """Name the fields of a record, none of what is no record."""
    names: tuple[str, ...] = kind.__dict__.get(_FIELDS, ())
    return names


def _initializer(names: tuple[str, ...], defaults: dict[str, object], *, post: bool) -> Callable[..., None]:
    if post or any(isinstance(default, _Default) for default in defaults.values()):
        return _written(names, defaults, post=post)
    code = _taking(len(names)).replace(co_varnames=("self", *names), co_names=names)
    return FunctionType(code, {}, "__init__", tuple(defaults[name] for name in names if name in defaults))


@cache
def _taking(count: int) -> CodeType:
    """Compile what takes so many fields and sets them; to change the names in it is ten times as fast."""
    return _written(tuple(f"_{number}" for number in range(count)), {}, post=False).__code__


def _written(names: tuple[str, ...], defaults: dict[str, object], *, post: bool) -> FunctionType:
    parameters, lines = [], []
    scope: dict[str, Any] = {"_absent": object()}
    for name in names:
        parameter, value = name, name
        if name in defaults:
            default = defaults[name]
            make = default.make if isinstance(default, _Default) else None
            scope[f"_{name}_default"] = make or (default.value if isinstance(default, _Default) else default)
            if isinstance(default, _Default) and not default.init:
                lines.append(f"self.{name} = _{name}_default()")
                continue
            parameter = f"{name}=_absent" if make else f"{name}=_{name}_default"
            value = f"_{name}_default() if {name} is _absent else {name}" if make else name
        parameters.append(parameter)
        lines.append(f"self.{name} = {value}")
    if post:
        lines.append("self.__post_init__()")
    text = "\n ".join(lines or ["pass"])
    exec(f"def __init__(self, {', '.join(parameters)}):\n {text}", scope)  # noqa: S102  (names of fields, written here)
    made: FunctionType = scope["__init__"]
    return made


def _comparisons(names: Sequence[str], *, order: bool) -> dict[str, object]:
    content: Callable[[Any], Any] = attrgetter(*names) if names else lambda _one: ()

    def equal(one: object, other: object) -> Any:  # noqa: ANN401  (as the values of the fields have it)
        return content(one) == content(other) if one.__class__ is other.__class__ else NotImplemented

    made: dict[str, object] = {"__eq__": equal, "__hash__": lambda one: hash(content(one))}
    if order:
        made["__lt__"] = lambda one, other: content(one) < content(other)
        made["__gt__"] = lambda one, other: content(one) > content(other)
        made["__le__"] = lambda one, other: content(one) <= content(other)
        made["__ge__"] = lambda one, other: content(one) >= content(other)
    return made


def _repr(one: Any) -> str:  # noqa: ANN401  (any record)
    fields = ", ".join(f"{name}={getattr(one, name)!r}" for name in one.__record_fields__)
    return f"{one.__class__.__qualname__}({fields})"
