"""Photos in a backup: a photo never changes, so one that the backup before has is linked."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from citybrain.backups.manifest import BackupDamaged
from citybrain.backups.tools import Progress
from citybrain.photos.store import DIGEST


def copy_photos(source: Path, target: Path, before: Path | None, progress: Progress) -> int:
    """Copy all photos of a folder into a new one; how many.

    What `before`, the photos of an earlier backup, has is linked where that is possible. Raises
    `BackupDamaged` for a photo that is not what its name says.
    """
    photos = list(photos_in(source))
    target.mkdir()
    for number, photo in enumerate(photos, 1):
        path = target / photo.relative_to(source)
        path.parent.mkdir(parents=True, exist_ok=True)
        known = before / photo.relative_to(source) if before is not None else None
        if known is None or not _linked(known, path):
            _copied(photo, path)
        progress(number, len(photos))
    return len(photos)


def photos_in(folder: Path) -> Iterator[Path]:
    """Each photo, as `citybrain.photos.store.FolderPhotoStore` keeps it."""
    return (path for path in folder.glob("??/??/*") if DIGEST.fullmatch(path.name))


def _linked(known: Path, path: Path) -> bool:
    try:
        os.link(known, path)
    except OSError:
        return False
    return True


def _copied(photo: Path, path: Path) -> None:
    """Copy one that may be erased meanwhile."""
    try:
        content = photo.read_bytes()
    except FileNotFoundError:
        return
    if hashlib.sha256(content).hexdigest() != photo.name:
        raise BackupDamaged(f"the photo {photo.name} is not what its name says")
    with path.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(photo, path)
