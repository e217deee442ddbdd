"""Terraform's functions: https://developer.hashicorp.com/terraform/language/functions.

A pure function of known values is computed. One that depends on the moment, on chance, or on a provider is unknown.
"""

from __future__ import annotations

from mlguard.parse.terraform.functions.collection import COLLECTION
from mlguard.parse.terraform.functions.encoding import ENCODING
from mlguard.parse.terraform.functions.files import FILES
from mlguard.parse.terraform.functions.numeric import NUMERIC
from mlguard.parse.terraform.functions.strings import PARTLY, STRINGS
from mlguard.parse.terraform.scope import Scope
from mlguard.parse.terraform.values import FailureError, hidden, is_known, plain, wrapped
from mlguard.source import Span
from mlguard.value import Content, Node, Unknown

_PLAIN = {**NUMERIC, **STRINGS, **ENCODING}
_ON_NODES = {**COLLECTION, **PARTLY}
_AT_DEPLOYMENT = {"timestamp", "plantimestamp", "uuid", "bcrypt", "rsadecrypt", "ephemeralasnull"}


def call_function(name: str, arguments: list[Node], scope: Scope, span: Span) -> Node:
    """Call a function; FailureError where Terraform would refuse the call, or where a limit is reached."""
    name = name.removeprefix("core::")
    try:
        if name in _ON_NODES:
            return _made(_ON_NODES[name](arguments, span), span)
        if name in FILES:
            return _made(FILES[name](arguments, scope, span), span)
        if name in _PLAIN:
            return _plain(name, arguments, span)
    except FailureError as failure:
        raise FailureError(f"{name}(): {failure.message}") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError):
        raise FailureError(f"{name}() cannot take these arguments") from None
    if name in _AT_DEPLOYMENT or "::" in name:
        return Node(Unknown(f"{name}() is only known at deployment"), span)
    return Node(Unknown(f"{name}() is not a function that mlguard knows"), span)


def _plain(name: str, arguments: list[Node], span: Span) -> Node:
    if not all(is_known(argument) for argument in arguments):
        return Node(hidden(arguments), span)
    return wrapped(_PLAIN[name](*(plain(argument) for argument in arguments)), span)


def _made(result: Node | Content, span: Span) -> Node:
    if isinstance(result, Node):
        return Node(result.content, span, None, result.origins)
    return wrapped(result, span) if isinstance(result, str) else Node(result, span)


__all__ = ["call_function"]
