"""Declarative definitions: what a city changes without changing code.

YAML files in one folder per stream, each with a `valid_from` date. A city's own folder
overrides: a file of the same name replaces ours, any other is added. All are checked at
start; an error names its file and line.
"""

from citybrain.definitions.cases import CaseClass, CaseDefinitions, Department
from citybrain.definitions.registry import Definitions, load_definitions
from citybrain.definitions.services import Catalogue, ServiceItem
from citybrain.definitions.yaml_file import DefinitionError

__all__ = [
    "CaseClass",
    "CaseDefinitions",
    "Catalogue",
    "DefinitionError",
    "Definitions",
    "Department",
    "ServiceItem",
    "load_definitions",
]
