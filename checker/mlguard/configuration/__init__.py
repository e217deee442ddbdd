"""`.mlguard.yaml`: what to check, with which parameters, where. Declarative only; nothing in it is ever executed."""

from mlguard.configuration.model import Budgets, Configuration, Deployment
from mlguard.configuration.reading import FILE_NAMES, find_configuration, parse_configuration, read_configuration

__all__ = [
    "FILE_NAMES",
    "Budgets",
    "Configuration",
    "Deployment",
    "find_configuration",
    "parse_configuration",
    "read_configuration",
]
