"""Read policy files; what is wrong in one is refused with its place and, where it helps, a suggestion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import cast, get_args

from mlguard.bundled import policies_folder
from mlguard.compiled import compiled
from mlguard.errors import MlguardError, PolicyError, SourceError, suggestion
from mlguard.parse.yaml_document import load_yaml
from mlguard.patterns import lazy_pattern
from mlguard.policy.clauses import ClauseReader
from mlguard.policy.fixes import read_fixes
from mlguard.policy.housekeeping import HOUSEKEEPING
from mlguard.policy.model import (
    Check,
    Combined,
    Enforcement,
    Example,
    Expectation,
    Fix,
    Guardrail,
    Judging,
    Operand,
    ParameterOperand,
    Policy,
    Pricing,
    Quantified,
    Recipe,
    Severity,
    Statement,
    placeholders,
)
from mlguard.policy.parameters import Parameters, bundled_parameters
from mlguard.source import Document, Root
from mlguard.value import Entries, Items, Node
from mlguard.vocabulary.load import bundled_vocabulary
from mlguard.vocabulary.model import Vocabulary

COMPILED = (Policy, Severity, Check, Quantified, Combined, ParameterOperand, Guardrail, Statement, Fix, Recipe)
"""The classes of a policy, in the order by which its compiled form numbers them."""
_EXAMPLES = lazy_pattern(r"(?m)^examples:[ \t]*$")
_KEYS = (
    "id", "title", "severity", "raise_severity_when", "since", "pack", "recommended", "aliases", "applies_to",
    "judged_by", "when", "require", "message", "why", "fix_by_hand", "fix", "exposure", "scp", "references", "examples",
)  # fmt: skip
_REQUIRED = ("id", "title", "severity", "pack", "applies_to", "require", "message", "why", "fix_by_hand", "scp")
_NOT_POLICIES = frozenset(("schema", "vocabulary", "data"))
_MAX_POLICY = 1_000_000
_ID = lazy_pattern(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*\Z")


@cache
def bundled_policies() -> tuple[Policy, ...]:
    """Give the policies that ship with mlguard, without their examples, in the order of their ids."""
    ready: tuple[Policy, ...] | None = compiled("policies", COMPILED)
    if ready is not None:
        return ready
    folder = policies_folder()
    paths = [path for path in folder.glob("*/*.yaml") if path.parent.name not in _NOT_POLICIES]
    policies = [read_policy(path, f"{path.parent.name}/{path.name}", examples=False) for path in paths]
    return tuple(sorted(policies, key=lambda policy: policy.id))


def load_folder(root: Root, folder: str, shown: str, others: Iterable[Policy] = ()) -> tuple[Policy, ...]:
    """Read a user's own policies below a folder; PolicyError when one is wrong or takes the id of another.

    `others` are policies of the user that have been read already.
    """
    own: dict[str, Policy] = {}
    taken = {name for policy in (*bundled_policies(), *HOUSEKEEPING, *others) for name in (policy.id, *policy.aliases)}
    for path in policy_files(root, folder):
        where = f"{shown}/{path}" if shown else path
        policy = _read_own(root, f"{folder}/{path}" if folder else path, where)
        for name in (policy.id, *policy.aliases):
            if name in taken:
                raise PolicyError(f'the id "{name}" belongs to another policy: choose one of your own', where, 1)
            taken.add(name)
        own[policy.id] = policy
    return tuple(own[name] for name in sorted(own))


def policy_files(root: Root, folder: str) -> list[str]:
    """Give the policy files below a folder, relative to it, sorted; links are passed over."""
    found: list[str] = []
    pending = [""]
    while pending:
        here = pending.pop()
        try:
            entries = root.entries("/".join(part for part in (folder, here) if part))
        except SourceError as error:
            raise PolicyError(error.message, error.path) from None
        for entry in entries:
            path = f"{here}/{entry.name}" if here else entry.name
            if entry.kind == "folder":
                pending.append(path)
            elif entry.kind == "file" and entry.name.endswith(".yaml"):
                found.append(path)
    return sorted(found)


def _read_own(root: Root, path: str, shown: str) -> Policy:
    try:
        text = root.read(path, _MAX_POLICY).text
    except SourceError as error:
        raise PolicyError(f"cannot be read: {error.message}", shown, error.line) from None
    return parse_policy(Document(shown, text), built_in=False)


def read_policy(path: Path, shown: str, *, examples: bool = True, built_in: bool = True) -> Policy:
    """Read one policy file; PolicyError with file and line when it is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(f"cannot be read: {error}", shown) from None
    match = None if examples else _EXAMPLES.search(text)  # examples are the larger half and only tests need them
    return parse_policy(Document(shown, text[: match.start()] if match else text), built_in=built_in)


def parse_policy(document: Document, *, built_in: bool = True) -> Policy:
    """Read one policy from its text; PolicyError with line when it is wrong."""
    try:
        nodes = load_yaml(document)
    except MlguardError as error:
        raise PolicyError(error.message, error.path, error.line, error.column) from None
    if len(nodes) != 1 or not isinstance(nodes[0].content, Entries):
        raise PolicyError("a policy file holds one mapping", document.path, 1)
    return _Reader(nodes[0], document, bundled_vocabulary(), bundled_parameters()).policy(built_in=built_in)


class _Reader:
    def __init__(self, node: Node, document: Document, vocabulary: Vocabulary, parameters: Parameters) -> None:
        self._fields: Mapping[str, Node] = node.content.nodes if isinstance(node.content, Entries) else {}
        self._path = document.path
        self._vocabulary = vocabulary
        self._parameters = parameters

    def policy(self, *, built_in: bool) -> Policy:
        self._known_keys(self._fields, _KEYS, "a policy")
        for key in _REQUIRED:
            if key not in self._fields:
                raise PolicyError(f'"{key}" is missing', self._path, 1)
        name = self._text("id")
        if not _ID.match(name):
            raise self._refused("an id is words of a-z and 0-9 joined by -", self._fields["id"])
        applies_to = tuple(self._strings("applies_to"))
        clauses = ClauseReader(self._vocabulary, self._parameters, applies_to)
        self._known_kinds(applies_to, clauses)
        return Policy(
            id=name,
            title=self._text("title"),
            severity=self._severity(),
            pack=self._text("pack"),
            since=self._text("since") if "since" in self._fields else "",
            applies_to=applies_to,
            require=clauses.read(self._fields["require"]),
            when=clauses.read(self._fields["when"]) if "when" in self._fields else None,
            raise_severity_when=(
                clauses.read(self._fields["raise_severity_when"]) if "raise_severity_when" in self._fields else None
            ),
            messages=self._texts("message", "") if "message" in self._fields else {},
            why=self._text("why").strip(),
            fix_by_hand=self._texts("fix_by_hand", "cloudformation"),
            guardrail=self._guardrail(clauses),
            aliases=tuple(self._strings("aliases")) if "aliases" in self._fields else (),
            references=tuple(self._strings("references")) if "references" in self._fields else (),
            examples=tuple(self._examples()),
            path=self._path,
            built_in=built_in,
            exposure=self._exposure(),
            recommended=self._recommended(),
            judged_by=self._judged_by(),
            fixes=read_fixes(self._fields["fix"], clauses, self._parameters) if "fix" in self._fields else (),
        )

    def _severity(self) -> Severity:
        written = self._text("severity")
        if written.upper() not in Severity.__members__:
            names = ", ".join(severity.label for severity in Severity)
            raise self._refused(f'there is no severity "{written}"; there are {names}', self._fields["severity"])
        return Severity.named(written)

    def _recommended(self) -> bool:
        node = self._fields.get("recommended")
        if node is not None and not isinstance(node.content, bool):
            raise self._refused('"recommended" is true or false', node)
        return node is None or bool(node.content)

    def _judged_by(self) -> Judging:
        written = self._text("judged_by") if "judged_by" in self._fields else "domain"
        if written not in get_args(Judging):
            raise self._refused(f'"judged_by" is one of {", ".join(get_args(Judging))}', self._fields["judged_by"])
        return cast("Judging", written)

    def _exposure(self) -> Pricing:
        written = self._text("exposure") if "exposure" in self._fields else "none"
        if written not in get_args(Pricing):
            raise self._refused(f'"exposure" is one of {", ".join(get_args(Pricing))}', self._fields["exposure"])
        return cast("Pricing", written)

    def _known_kinds(self, applies_to: Iterable[str], clauses: ClauseReader) -> None:
        for kind in applies_to:
            if kind not in ("*", "project") and not clauses.native(kind) and kind not in self._vocabulary.kinds:
                near = suggestion(kind, self._vocabulary.kinds)
                raise self._refused(f'there is no kind "{kind}"{near}', self._fields["applies_to"])

    def _guardrail(self, clauses: ClauseReader) -> Guardrail:
        node = self._fields["scp"]
        fields = self._entries(node, "scp")
        self._known_keys(fields, ("enforce", "limits", "statements"), "scp")
        enforce = _string(fields.get("enforce"))
        if enforce not in ("preventive", "protective", "none"):
            raise self._refused('"enforce" is preventive, protective or none', fields.get("enforce") or node)
        listed = fields["statements"].content if "statements" in fields else Items(())
        statements = tuple(self._statement(item, clauses) for item in getattr(listed, "nodes", ()))
        if (enforce == "none") != (not statements):
            raise self._refused("a guardrail has statements, unless it enforces none", node)
        return Guardrail(cast("Enforcement", enforce), (_string(fields.get("limits")) or "").strip(), statements)

    def _statement(self, node: Node, clauses: ClauseReader) -> Statement:
        fields = self._entries(node, "a statement")
        self._known_keys(fields, ("sid", "with", "deny", "resource", "not_resource", "condition"), "a statement")
        condition: dict[str, dict[str, Operand]] = {}
        if "condition" in fields:
            for operator, keys in self._entries(fields["condition"], "condition").items():
                condition[operator] = {
                    key: clauses.operand(value) for key, value in self._entries(keys, operator).items()
                }
        for key in ("sid", "deny"):
            if not _listed_strings(fields.get(key)):
                raise self._refused(f'a statement needs "{key}"', node)
        self._check_resources(fields)
        texts = (*_listed_strings(fields.get("not_resource")), *(key for keys in condition.values() for key in keys))
        self._check_placeholders(texts, node)
        bound = self._entries(fields["with"], "with") if "with" in fields else {}
        return Statement(
            _string(fields.get("sid")) or "",
            tuple(_listed_strings(fields.get("deny"))),
            tuple(_listed_strings(fields.get("resource"))) or ("*",),
            condition,
            {key: str(value.content) for key, value in bound.items()},
            node.span.line,
            tuple(_listed_strings(fields.get("not_resource"))),
        )

    def _check_resources(self, fields: Mapping[str, Node]) -> None:
        for key in ("resource", "not_resource"):
            if key in fields and not _listed_strings(fields[key]):
                raise self._refused(f'"{key}" is an ARN pattern or a list of them', fields[key])
        if "resource" in fields and "not_resource" in fields:
            raise self._refused('a statement has "resource" or "not_resource", not both', fields["not_resource"])

    def _check_placeholders(self, texts: Iterable[str], node: Node) -> None:
        for name in (name for text in texts for name in placeholders(text)):
            if name not in self._parameters.declarations:
                near = suggestion(name, self._parameters.declarations)
                raise self._refused(f'there is no parameter "{name}"{near}', node)

    def _examples(self) -> Iterator[Example]:
        node = self._fields.get("examples")
        for item in node.content.nodes if node is not None and isinstance(node.content, Items) else ():
            fields = self._entries(item, "an example")
            keys = (
                "expect", "at", "title", "environment", "region", "files", "message", "cloudformation", "terraform",
            )  # fmt: skip
            self._known_keys(fields, keys, "an example")
            expect = _string(fields.get("expect"))
            language = next((name for name in ("cloudformation", "terraform") if name in fields), None)
            if expect not in ("fail", "pass", "unknown") or language is None:
                raise self._refused("an example expects fail, pass or unknown, and has code in one language", item)
            at = fields["at"].content if "at" in fields else 0
            files = self._entries(fields["files"], "files") if "files" in fields else {}
            yield Example(
                expect=cast("Expectation", expect),
                language="cloudformation" if language == "cloudformation" else "terraform",
                code=_string(fields[language]) or "",
                line=item.span.line,
                at=at if isinstance(at, int) else 0,
                title=_string(fields.get("title")) or "",
                environment=_string(fields.get("environment")) or "",
                region=_string(fields.get("region")) or "",
                files={key: str(value.content) for key, value in files.items()},
                message=_string(fields.get("message")) or "",
            )

    def _known_keys(self, fields: Mapping[str, Node], known: Iterable[str], what: str) -> None:
        for key, node in fields.items():
            if key not in known:
                raise self._refused(f'{what} has no "{key}"{suggestion(key, known)}', node)

    def _entries(self, node: Node, what: str) -> Mapping[str, Node]:
        if not isinstance(node.content, Entries):
            raise self._refused(f'"{what}" must be a mapping', node)
        return node.content.nodes

    def _text(self, key: str) -> str:
        content = self._fields[key].content
        if not isinstance(content, str):
            raise self._refused(f'"{key}" must be a text', self._fields[key])
        return content

    def _texts(self, key: str, default: str) -> dict[str, str]:
        node = self._fields[key]
        if isinstance(node.content, str):
            return {default: node.content.strip()}
        entries = self._entries(node, key)
        return {name: (_string(value) or "").strip() for name, value in entries.items()}

    def _strings(self, key: str) -> list[str]:
        found = _listed_strings(self._fields[key])
        if not found:
            raise self._refused(f'"{key}" must be a text or a list of texts', self._fields[key])
        return found

    def _refused(self, message: str, node: Node) -> PolicyError:
        at = node.place
        return PolicyError(message, self._path, at.line, at.column)


def _string(node: Node | None) -> str | None:
    return node.content if node is not None and isinstance(node.content, str) else None


def _listed_strings(node: Node | None) -> list[str]:
    nodes = node.content.nodes if node is not None and isinstance(node.content, Items) else ((node,) if node else ())
    return [item.content for item in nodes if isinstance(item.content, str)]
