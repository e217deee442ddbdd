"""Functions of regular expressions."""

from __future__ import annotations

import re

from mlguard.parse.terraform.conversion import converted
from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.expression_machine import Machine, Program, Saved, program_of
from mlguard.parse.terraform.functions.signature import Call, Function, Run, function
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.type_system import Object, Tuple, Type, listed
from mlguard.parse.terraform.values import FREE_PARTS, MAX_ITEMS, MAX_TEXT, bounded_text, is_known, plain, text, wrapped
from mlguard.value import Content, Items, Node

_REFERENCE = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})", re.ASCII)


def _pay(machine: Machine, scope: Scope) -> None:
    scope.session.budget.spend(machine.steps // FREE_PARTS)


def _shape(program: Program) -> Type:
    """Give the type of a match; FailureError where only some of the groups have names."""
    if not program.groups:
        return "string"
    if program.names and len(program.names) < program.groups:
        raise FailureError("either all groups of a regular expression have names, or none")
    if program.names:
        return Object(dict.fromkeys(program.names.values(), "string"))
    return Tuple(tuple("string" for _ in range(program.groups)))


def _value(program: Program, subject: str, saved: Saved) -> object:
    """Give a match: its text, or its groups where there are any."""
    if not program.groups:
        return subject[saved[0] : saved[1]]
    if program.names:
        return {name: _group(subject, saved, number) for number, name in program.names.items()}
    return [_group(subject, saved, number) for number in range(1, program.groups + 1)]


def _group(subject: str, saved: Saved, number: int) -> str | None:
    begin, end = saved[2 * number], saved[2 * number + 1]
    return None if begin < 0 else subject[begin:end]


def _regex(call: Call) -> Node | Content:
    if not all(map(is_known, call.arguments)):
        return call.hidden()
    program, subject, machine = program_of(text(call[0].content)), text(call[1].content), Machine()
    shape = _shape(program)
    saved = machine.search(program, subject)
    _pay(machine, call.scope)
    if saved is None:
        raise FailureError("the regular expression does not match")
    return converted(wrapped(_value(program, subject, saved), call.span), shape)


def _regexall(call: Call) -> Node | Content:
    if not all(map(is_known, call.arguments)):
        return call.hidden()
    program, subject, machine = program_of(text(call[0].content)), text(call[1].content), Machine()
    shape = _shape(program)
    found: list[Node] = []
    for saved in machine.matches(program, subject):
        found.append(wrapped(_value(program, subject, saved), call.span))
        if len(found) > MAX_ITEMS:
            raise NotEvaluatedError(f"a list of more than {MAX_ITEMS:,} items")
    _pay(machine, call.scope)
    return converted(Node(Items(tuple(found)), call.span), listed(shape))


def _replace(call: Call) -> Node | Content:
    if not all(map(is_known, call.arguments)):
        return call.hidden()
    subject, search, new = (str(plain(argument)) for argument in call.arguments)
    if len(search) > 1 and search[0] == search[-1] == "/":
        return wrapped(_replaced(subject, program_of(search[1:-1]), new, call.scope), call.span)
    if len(subject) + (subject.count(search) if search else len(subject) + 1) * len(new) > MAX_TEXT:
        raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
    return wrapped(subject.replace(search, new), call.span)


def _replaced(subject: str, program: Program, new: str, scope: Scope) -> str:
    machine = Machine()
    pieces, size = [], 0
    done, position = 0, 0
    while position <= len(subject):
        saved = machine.search(program, subject, position)
        if saved is None:
            break
        begin, end = saved[0], saved[1]
        pieces.append(subject[done:begin])
        if end > done or begin == 0:
            pieces.append(_filled(new, program, subject, saved))
        size += len(pieces[-1])
        if size > MAX_TEXT:
            raise NotEvaluatedError(f"a text of more than {MAX_TEXT:,} characters")
        done = end
        position = max(position + 1, end)
    _pay(machine, scope)
    pieces.append(subject[done:])
    return bounded_text("".join(pieces))


def _filled(new: str, program: Program, subject: str, saved: Saved) -> str:
    """Put the groups of a match into the replacement."""

    def reference(match: re.Match[str]) -> str:
        name = match[1] or match[2]
        if name is None:
            return "$"
        numbers = [number for number, known in program.names.items() if known == name]
        number = int(name) if name.isdecimal() and len(name) <= 4 else (numbers or [-1])[0]  # noqa: PLR2004  (digits)
        return (_group(subject, saved, number) or "") if 0 <= number <= program.groups else ""

    return _REFERENCE.sub(reference, new)


_TABLE: tuple[tuple[str, str, Run], ...] = (
    ("regex", "string string -> any", _regex),
    ("regexall", "string string -> any", _regexall),
    ("replace", "string string string -> string", _replace),
)
MATCHING: dict[str, Function] = {name: function(name, signature, run) for name, signature, run in _TABLE}
