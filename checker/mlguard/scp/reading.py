"""Read an SCP, from its own text or from what infrastructure code makes of it.

In code, parts of it may be decided at deployment only: what is not known is left out, and said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mlguard.errors import ParseError, SourceError
from mlguard.parse.json_document import load_json
from mlguard.scenario import Scenario
from mlguard.scp.matching import HOLE
from mlguard.scp.written import OPERATORS, VERSION, Fault, Test, Text, WrittenScp, WrittenStatement
from mlguard.source import Document, Span
from mlguard.value import Entries, Items, Node, Reference, Unknown, settle, text_of

_SID = re.compile(r"[A-Za-z0-9]+")
_ACTION = re.compile(r"\*|[a-z0-9*?-]+:[A-Za-z0-9*?]+")
_OPERATOR = re.compile(r"(?:(ForAnyValue|ForAllValues):)?([A-Za-z]+?)(IfExists)?")
_KEYS = ("Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition")


def read(text: str, path: str = "", *, because: str = "") -> WrittenScp:
    """Read an SCP from its own text; `because` says why parts of it are not known, where holes stand for them."""
    try:
        root = load_json(Document(path, text))
    except (ParseError, SourceError) as error:
        return WrittenScp(faults=[Fault("not-json", error.message, error.line, error.column, path=path)])
    return read_node(_opened(root, because) if because else root)


def _opened(node: Node, because: str) -> Node:
    """Give a value in which each text with a hole is unknown."""
    content = node.content
    if isinstance(content, str) and HOLE in content:
        return node.holding(Unknown(because, content.replace(HOLE, "*")))
    if isinstance(content, Items):
        return node.holding(Items(tuple(_opened(one, because) for one in content.nodes)))
    if isinstance(content, Entries):
        known = {key: _opened(below, because) for key, below in content.nodes.items() if HOLE not in key}
        rest = Unknown(because) if len(known) < len(content.nodes) else None
        return node.holding(Entries(known, rest))
    return node


def read_node(root: Node, scenario: Scenario | None = None) -> WrittenScp:
    """Read an SCP from the mapping that it is, as far as the mapping is known."""
    reader = _Reader(scenario or Scenario())
    reader.document(root)
    return reader.read


class _Reader:
    def __init__(self, scenario: Scenario) -> None:
        self.read = WrittenScp()
        self._scenario = scenario
        self._sid = ""

    def _fault(self, message: str, at: Span) -> None:
        fault = Fault("not-an-scp", message, at.line, at.column, self._sid, "error", at.path)
        self.read.faults.append(fault)

    def _settled(self, node: Node) -> Node | None:
        """Give a node as it is in this scenario; None where only the deployment decides it."""
        settled = settle(node, self._scenario)
        content = settled.content
        if isinstance(content, Reference):
            content = Unknown(f"{content.address} decides it")
        if isinstance(content, Unknown):
            self.read.hidden.append(content)
            return None
        return settled

    def _fields(self, node: Node, what: str) -> tuple[Mapping[str, Node], bool] | None:
        """Give the entries of a mapping, and whether there may be more; None where it is none."""
        settled = self._settled(node)
        if settled is None:
            return None
        if not isinstance(settled.content, Entries):
            self._fault(what, settled.place)
            return None
        rest = settled.content.rest
        self.read.hidden.extend([rest] if rest is not None else [])
        return settled.content.nodes, rest is not None

    def _nodes(self, node: Node) -> tuple[tuple[Node, ...], bool]:
        """Give the items of a list or the single value, and whether there may be more of them."""
        settled = self._settled(node)
        if settled is None:
            return (), True
        if not isinstance(settled.content, Items):
            return (settled,), False
        rest = settled.content.rest
        self.read.hidden.extend([rest] if rest is not None else [])
        return settled.content.nodes, rest is not None

    def document(self, root: Node) -> None:
        found = self._fields(root, "an SCP is a JSON object with Version and Statement")
        if found is None:
            return
        fields, more = found
        for name, node in fields.items():
            if name not in ("Version", "Id", "Statement"):
                self._fault(f'"{name[:60]}" is not part of an SCP; it has Version, Id and Statement', node.place)
        self._version(fields, root, more=more)
        listed, open_list = self._nodes(fields["Statement"]) if "Statement" in fields else ((), more)
        if not listed and not open_list:
            self._fault("an SCP needs at least one Statement", fields.get("Statement", root).place)
        seen: dict[str, int] = {}
        for node in listed:
            self._sid = ""
            statement = self._statement(node)
            if statement is None:
                continue
            if statement.sid and statement.sid in seen:
                message = f'the Sid "{statement.sid}" is taken by the statement at line {seen[statement.sid]}'
                self._fault(message, statement.at)
            seen.setdefault(statement.sid, statement.at.line)
            self.read.statements.append(statement)

    def _version(self, fields: Mapping[str, Node], root: Node, *, more: bool) -> None:
        version = self._settled(fields["Version"]) if "Version" in fields else None
        known = "Version" not in fields or version is not None
        if known and not more and (version is None or _written(version) != VERSION):
            self._fault(f'Version must be "{VERSION}"', fields.get("Version", root).place)

    def _statement(self, node: Node) -> WrittenStatement | None:
        found = self._fields(node, "a statement is a JSON object")
        if found is None:
            return None
        fields, more = found
        sid = self._settled(fields["Sid"]) if "Sid" in fields else None
        self._sid = (text_of(sid.content) or "") if sid is not None else ""
        if sid is not None and not _SID.fullmatch(self._sid):
            self._fault("a Sid consists of letters and digits", sid.place)
        for name, below in fields.items():
            if name in ("Principal", "NotPrincipal"):
                self._fault(f"an SCP cannot have {name}: test aws:PrincipalArn in Condition instead", below.place)
            elif name not in _KEYS:
                self._fault(f'"{name[:60]}" is not part of a statement', below.place)
        place = settle(node, self._scenario).span.first_line()
        effect = self._effect(fields, place, more=more)
        actions, open_actions = self._either(place, fields, "Action", "NotAction", more=more)
        resources, open_resources = self._either(place, fields, "Resource", "NotResource", more=more)
        tests, open_tests = self._tests(fields.get("Condition"))
        if not effect:
            return None
        return WrittenStatement(
            place,
            self._sid,
            effect,
            actions,
            resources,
            tests,
            "NotAction" in fields and "Action" not in fields,
            "NotResource" in fields and "Resource" not in fields,
            open_actions,
            open_resources,
            open_tests or more,
        )

    def _effect(self, fields: Mapping[str, Node], at: Span, *, more: bool) -> str:
        """Give the effect; empty where only the deployment decides it."""
        if "Effect" not in fields:
            if more:
                return ""
            self._fault('Effect must be "Deny" or "Allow"', at)
            return "None"
        node = self._settled(fields["Effect"])
        if node is None:
            return ""
        if node.content not in ("Allow", "Deny"):
            self._fault('Effect must be "Deny" or "Allow"', node.place)
        return str(text_of(node.content))

    def _either(
        self, at: Span, fields: Mapping[str, Node], one: str, other: str, *, more: bool
    ) -> tuple[tuple[Text, ...], bool]:
        named = [name for name in (one, other) if name in fields]
        if len(named) != 1:
            if not named and more:
                return (), True
            self._fault(f"a statement has {one} or {other}, one of them", at)
            return (), False
        texts, more = self._texts(fields[named[0]], named[0])
        for text in texts if one == "Action" else ():
            if not _ACTION.fullmatch(text.value):
                self._fault(f'"{text.value[:60]}" is not an action: write service:Name', text.at)
        return texts, more

    def _tests(self, node: Node | None) -> tuple[tuple[Test, ...], bool]:
        if node is None:
            return (), False
        found = self._fields(node, "Condition is a JSON object of operators")
        if found is None:
            return (), True
        tests: list[Test] = []
        open_tests = found[1]
        for name, keys in found[0].items():
            match = _OPERATOR.fullmatch(name)
            if match is None or match[2] not in OPERATORS or (match[2] == "Null" and match[3]):
                self._fault(f'there is no operator "{name[:60]}"', keys.place)
                continue
            below = self._fields(keys, f"{name} needs a JSON object of condition keys")
            open_tests = open_tests or below is None or below[1]
            if below is not None and not below[0] and not below[1]:
                self._fault(f"{name} needs a JSON object of condition keys", keys.place)
            operator = Text(name, keys.key_span or keys.span)
            for key, values in below[0].items() if below is not None else ():
                named = Text(key, values.key_span or values.span)
                texts, more = self._texts(values, f"{name} on {key[:60]}")
                tests.append(Test(operator, match[1] or "", match[2], bool(match[3]), named, texts, more))
        return tuple(tests), open_tests

    def _texts(self, node: Node, what: str) -> tuple[tuple[Text, ...], bool]:
        found: list[Text] = []
        nodes, more = self._nodes(node)
        wrong = False
        for item in nodes:
            settled = self._settled(item)
            if settled is None:
                more = True
                continue
            text = text_of(settled.content)
            if text is None:
                self._fault(f"{what[:120]} takes texts", settled.place)
                wrong = True
                continue
            found.append(Text(text, settled.span.first_line()))
        if not found and not more and not wrong:
            self._fault(f"{what[:120]} is empty", node.place)
        return tuple(found), more


def _written(node: Node) -> str:
    return text_of(node.content) or ""
