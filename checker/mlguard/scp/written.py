"""An SCP as somebody wrote it: its statements with the place of every part, and the faults of its form."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from mlguard.errors import ParseError, SourceError
from mlguard.parse.json_document import load_json
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node

VERSION = "2012-10-17"
_SID = re.compile(r"[A-Za-z0-9]+")
_ACTION = re.compile(r"\*|[a-z0-9*?-]+:[A-Za-z0-9*?]+")
_OPERATOR = re.compile(r"(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?")
_KEYS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")
_KINDS = {"String": ("Equals", "EqualsIgnoreCase", "Like"), "Arn": ("Equals", "Like")}
_ORDER = ("Equals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals")
NEGATED = frozenset(
    [f"{kind}Not{how}" for kind, ways in _KINDS.items() for how in ways]
    + ["NumericNotEquals", "DateNotEquals", "NotIpAddress"]
)
OPERATORS = (
    NEGATED
    | {f"{kind}{how}" for kind, ways in _KINDS.items() for how in ways}
    | {f"{kind}{how}" for kind in ("Numeric", "Date") for how in _ORDER}
    | {"Bool", "BinaryEquals", "IpAddress", "Null"}
)
ErrorOrWarning = Literal["error", "warning"]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with an SCP: an `error` makes it dangerous or void, a `warning` is worth a look.

    `check` names the check in kebab case; `line` and `column` count from 1; `sid` is empty outside of statements.
    """

    check: str
    message: str
    line: int = 0
    column: int = 0
    sid: str = ""
    severity: ErrorOrWarning = "error"
    path: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of an SCP, and where it stands."""

    value: str
    at: Span


@dataclass(frozen=True, slots=True)
class Test:
    """One condition: `ForAnyValue:StringNotLike` on a key; all tests of a statement must hold together."""

    operator: Text
    qualifier: str
    base: str
    if_exists: bool
    key: Text
    values: tuple[Text, ...]

    @property
    def negated(self) -> bool:
        """Tell whether the test holds for values that are not listed."""
        return self.base in NEGATED

    @property
    def holds_without_key(self) -> bool:
        """Tell whether the test also holds for a request that does not carry the key."""
        if self.base == "Null":
            return any(value.value.lower() == "true" for value in self.values)
        if self.qualifier:
            return self.qualifier == "ForAllValues"
        return self.negated or self.if_exists


@dataclass(frozen=True, slots=True)
class WrittenStatement:
    """One statement; `not_action` and `not_resource` tell that the lists name what it is not about."""

    at: Span
    sid: str
    effect: str
    actions: tuple[Text, ...]
    resources: tuple[Text, ...]
    tests: tuple[Test, ...]
    not_action: bool = False
    not_resource: bool = False

    def fault(self, check: str, message: str, at: Span | None = None, severity: ErrorOrWarning = "error") -> Fault:
        """Make a fault of this statement, at one of its parts or at its beginning."""
        place = at or self.at
        return Fault(check, message, place.line, place.column, self.sid, severity, place.path)


def read(text: str, path: str = "") -> tuple[list[WrittenStatement], list[Fault]]:
    """Read an SCP: the statements that could be read, and what is wrong with its form."""
    try:
        root = load_json(Document(path, text))
    except (ParseError, SourceError) as error:
        return [], [Fault("not-json", error.message, error.line, error.column, path=path)]
    reader = _Reader()
    statements = list(reader.document(root))
    return statements, reader.faults


class _Reader:
    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self._sid = ""

    def _fault(self, message: str, node: Node) -> None:
        at = node.place
        self.faults.append(Fault("not-an-scp", message, at.line, at.column, self._sid, "error", at.path))

    def document(self, root: Node) -> Iterator[WrittenStatement]:
        if not isinstance(root.content, Entries):
            self._fault("an SCP is a JSON object with Version and Statement", root)
            return
        fields = root.content.nodes
        for name, node in fields.items():
            if name not in ("Version", "Id", "Statement"):
                self._fault(f'"{name[:60]}" is not part of an SCP; it has Version, Id and Statement', node)
        if "Version" not in fields or fields["Version"].content != VERSION:
            self._fault(f'Version must be "{VERSION}"', fields.get("Version", root))
        listed = self._nodes(fields.get("Statement"))
        if not listed:
            self._fault("an SCP needs at least one Statement", fields.get("Statement", root))
        seen: dict[str, int] = {}
        for node in listed:
            self._sid = ""
            statement = self._statement(node)
            if statement is None:
                continue
            if statement.sid and statement.sid in seen:
                self._fault(f'the Sid "{statement.sid}" is taken by the statement at line {seen[statement.sid]}', node)
            seen.setdefault(statement.sid, statement.at.line)
            yield statement

    def _statement(self, node: Node) -> WrittenStatement | None:
        if not isinstance(node.content, Entries):
            self._fault("a statement is a JSON object", node)
            return None
        fields = node.content.nodes
        self._sid = str(fields["Sid"].content) if "Sid" in fields else ""
        if "Sid" in fields and not _SID.fullmatch(self._sid):
            self._fault("a Sid consists of letters and digits", fields["Sid"])
        for name, below in fields.items():
            if name in ("Principal", "NotPrincipal"):
                self._fault(f"an SCP cannot have {name}: test aws:PrincipalArn in Condition instead", below)
            elif name not in _KEYS:
                self._fault(f'"{name[:60]}" is not part of a statement', below)
        effect = fields["Effect"].content if "Effect" in fields else None
        if effect not in ("Allow", "Deny"):
            self._fault('Effect must be "Deny" or "Allow"', fields.get("Effect", node))
        return WrittenStatement(
            node.span,
            self._sid,
            str(effect),
            self._either(node, fields, "Action", "NotAction"),
            self._either(node, fields, "Resource", "NotResource"),
            tuple(self._tests(fields.get("Condition"))),
            "NotAction" in fields and "Action" not in fields,
            "NotResource" in fields and "Resource" not in fields,
        )

    def _either(self, node: Node, fields: dict[str, Node] | object, one: str, other: str) -> tuple[Text, ...]:
        named = [name for name in (one, other) if isinstance(fields, dict) and name in fields]
        if len(named) != 1 or not isinstance(fields, dict):
            self._fault(f"a statement has {one} or {other}, one of them", node)
            return ()
        texts = self._texts(fields[named[0]], named[0])
        for text in texts if one == "Action" else ():
            if not _ACTION.fullmatch(text.value):
                at = text.at
                message = f'"{text.value[:60]}" is not an action: write service:Name'
                self.faults.append(Fault("not-an-scp", message, at.line, at.column, self._sid, "error", at.path))
        return texts

    def _tests(self, node: Node | None) -> Iterator[Test]:
        if node is None:
            return
        if not isinstance(node.content, Entries):
            self._fault("Condition is a JSON object of operators", node)
            return
        for name, keys in node.content.nodes.items():
            match = _OPERATOR.fullmatch(name)
            if match is None or match[2] not in OPERATORS or (match[2] == "Null" and match[3]):
                self._fault(f'there is no operator "{name[:60]}"', keys)
            elif not isinstance(keys.content, Entries) or not keys.content.nodes:
                self._fault(f"{name} needs a JSON object of condition keys", keys)
            else:
                operator = Text(name, keys.key_span or keys.span)
                for key, values in keys.content.nodes.items():
                    named = Text(key, values.key_span or values.span)
                    texts = self._texts(values, f"{name} on {key[:60]}")
                    yield Test(operator, match[1] or "", match[2], bool(match[3]), named, texts)

    def _texts(self, node: Node, what: str) -> tuple[Text, ...]:
        found = []
        for item in self._nodes(node):
            content = item.content
            if isinstance(content, bool):
                content = "true" if content else "false"
            if not isinstance(content, str | int | float):
                self._fault(f"{what[:120]} takes texts", item)
                continue
            found.append(Text(str(content), item.span))
        if not found:
            self._fault(f"{what[:120]} is empty", node)
        return tuple(found)

    @staticmethod
    def _nodes(node: Node | None) -> tuple[Node, ...]:
        if node is None:
            return ()
        return node.content.nodes if isinstance(node.content, Items) else (node,)
