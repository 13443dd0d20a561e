"""Declarative definitions: what a city changes without changing code.

Files in one folder a kind, in dated versions. A city's own folder overrides: a file of the same
name replaces ours, any other is added. All are checked at start; an error names its file and line.
"""

from citybrain.definitions.loading import Definitions, Files, Loader
from citybrain.definitions.yaml_file import DefinitionError

__all__ = ["DefinitionError", "Definitions", "Files", "Loader"]
