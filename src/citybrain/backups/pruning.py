"""Removes old backups, and the write-ahead log that no backup needs any more."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from citybrain.backups.archive import SEGMENT, first_segment
from citybrain.backups.backup import NOTE, backups_in


@dataclass(frozen=True)
class Pruned:
    """What was removed."""

    backups: list[str]
    segments: int


def prune(folder: Path, keep: int, archive: Path | None) -> Pruned:
    """Keep the newest backups of a folder, so many, and what they need of the archive.

    Of a line of the archive that none of them belongs to, nothing is removed: its server may not
    have been backed up yet.
    """
    notes = backups_in(folder)
    old, kept = notes[:-keep], notes[-keep:]
    for note in old:
        (folder / note.name / NOTE).unlink()  # from now on it is none
        shutil.rmtree(folder / note.name)
    if archive is None:
        return Pruned([note.name for note in old], 0)
    needed: dict[str, str] = {}
    for note in kept:
        if note.wal_line is not None:
            begins = first_segment(folder / note.name)
            needed[note.wal_line] = min(begins, needed.get(note.wal_line, begins))
    removed = [
        path
        for line, begins in needed.items()
        if (archive / line).is_dir()
        for path in (archive / line).iterdir()
        if SEGMENT.match(path.name) and path.name[:24] < begins
    ]
    for path in removed:
        path.unlink()
    return Pruned([note.name for note in old], len(removed))
