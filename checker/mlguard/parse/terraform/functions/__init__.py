"""Terraform's functions: https://developer.hashicorp.com/terraform/language/functions.

A pure function of known values is computed. One that depends on the moment, on chance, or on a provider is unknown.
"""

from __future__ import annotations

from mlguard.parse.terraform.failure import FailureError, NotEvaluatedError
from mlguard.parse.terraform.functions.collection import COLLECTION
from mlguard.parse.terraform.functions.dates import DATES
from mlguard.parse.terraform.functions.documents import DOCUMENTS
from mlguard.parse.terraform.functions.encoding import ENCODING
from mlguard.parse.terraform.functions.files import FILES
from mlguard.parse.terraform.functions.formatting import FORMATTING
from mlguard.parse.terraform.functions.matching import MATCHING
from mlguard.parse.terraform.functions.networks import NETWORKS
from mlguard.parse.terraform.functions.numeric import NUMERIC
from mlguard.parse.terraform.functions.sets import SETS
from mlguard.parse.terraform.functions.signature import Function
from mlguard.parse.terraform.functions.strings import STRINGS
from mlguard.parse.terraform.functions.yaml_text import YAML
from mlguard.parse.terraform.scope import Scope
from mlguard.source import Span
from mlguard.value import Node, Unknown

FUNCTIONS: dict[str, Function] = {
    **COLLECTION,
    **DATES,
    **DOCUMENTS,
    **ENCODING,
    **FILES,
    **FORMATTING,
    **MATCHING,
    **NETWORKS,
    **NUMERIC,
    **SETS,
    **STRINGS,
    **YAML,
}
AT_DEPLOYMENT = frozenset(("timestamp", "plantimestamp", "uuid", "bcrypt", "rsadecrypt"))


def call_function(name: str, arguments: list[Node], scope: Scope, span: Span) -> Node:
    """Call a function; FailureError where Terraform would refuse the call, or where a limit is reached."""
    name = name.removeprefix("core::")
    function = FUNCTIONS.get(name)
    if function is None:
        known = name in AT_DEPLOYMENT or "::" in name
        because = "is only known at deployment" if known else "is not a function that mlguard knows"
        return Node(Unknown(f"{name}() {because}"), span)
    try:
        return function.call(arguments, scope, span)
    except FailureError as failure:
        raise type(failure)(f"{name}(): {failure.message}") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, RecursionError):
        raise NotEvaluatedError(f"{name}() cannot be evaluated with these arguments") from None


__all__ = ["AT_DEPLOYMENT", "FUNCTIONS", "call_function"]
