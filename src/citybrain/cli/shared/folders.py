"""A city's folder of definitions, as the commands that check definitions take it."""

from pathlib import Path
from typing import Annotated

import typer

from citybrain.definitions.loading import Files, refuse_unread
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.settings import Settings

Folder = Annotated[
    Path | None, typer.Argument(help="Definitions to put over ours; else the settings'.")
]


def files_over(folder: Path | None) -> Files:
    """Our files with those of the folder, else of the settings' folder, over them.

    Raises `DefinitionError` where there is no such folder, and for a file that nobody reads.
    """
    folder = folder or Settings().definitions_dir
    if folder is not None and not folder.is_dir():
        raise DefinitionError(f"{folder}: no such folder of definitions")
    if folder is not None:
        refuse_unread(folder)
    return Files(folder)
