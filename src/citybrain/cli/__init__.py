"""The `citybrain` command. Each group of commands is a module; this one puts them together."""

from citybrain.cli.main import main

__all__ = ["main"]
