"""`.mlguard.yaml`: what to check, with which parameters, where. Declarative only; nothing in it is ever executed."""

from mlguard.configuration.folders import FILE_NAMES, Configurations, configuration_file
from mlguard.configuration.model import Assignment, Budgets, Configuration, Deployment
from mlguard.configuration.reading import parse_configuration, read_configuration

__all__ = [
    "FILE_NAMES",
    "Assignment",
    "Budgets",
    "Configuration",
    "Configurations",
    "Deployment",
    "configuration_file",
    "parse_configuration",
    "read_configuration",
]
