"""Checks a base backup against its manifest, as `pg_verifybackup` does.

The format: PostgreSQL's documentation, "Backup Manifest Format". We read it ourselves since the
wheel's `pg_verifybackup` crashes; its `pg_waldump` looks through the write-ahead log.
"""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from citybrain.backups.tools import Progress, ToolFailed, run_tool
from citybrain.errors import CitybrainError

NAME = "backup_manifest"
NOT_IN_IT = {NAME, "recovery.signal", "standby.signal", "postgresql.auto.conf"}
SUM_KEY = b'"Manifest-Checksum"'
WAL = "pg_wal"


class BackupDamaged(CitybrainError):
    """The files are not those that were backed up."""

    code = "backup-damaged"


def sha256_of(postgres: Path) -> str:
    """What tells the manifest of one backup from another's; raises `BackupDamaged`."""
    return hashlib.sha256(_read(postgres)).hexdigest()


def check_files(postgres: Path, progress: Progress) -> list[dict[str, Any]]:
    """Every file is there, as it was, and no other; gives the ranges of write-ahead log it needs.

    Raises `BackupDamaged`.
    """
    manifest = _parsed(_read(postgres))
    files = {_path(each): each for each in manifest["Files"]}
    there = {path for path in _files_in(postgres) if _counts(path)}
    for path in sorted(there - files.keys()):
        raise BackupDamaged(f"{postgres / path} was not in the backup")
    whole, done = sum(each["Size"] for each in files.values()), 0
    for path, each in files.items():
        if path not in there and _counts(path):
            raise BackupDamaged(f"{postgres / path} is missing")
        if each.get("Checksum-Algorithm") != "SHA256":
            raise BackupDamaged(f"{postgres / path} has no SHA-256 in the manifest")
        if path in there and _sha256(postgres / path) != each["Checksum"]:
            raise BackupDamaged(f"{postgres / path} is not as it was")
        done += each["Size"]
        progress(done, whole)
    ranges: list[dict[str, Any]] = manifest["WAL-Ranges"]
    return ranges


async def check_wal(postgres: Path, ranges: list[dict[str, Any]], programs: Path) -> None:
    """The write-ahead log without which the files are of no use is whole; raises as above."""
    for each in ranges:
        arguments = ("-q", "-p", str(postgres / WAL), "-t", str(each["Timeline"]))
        try:
            await run_tool(
                programs / "pg_waldump", *arguments, "-s", each["Start-LSN"], "-e", each["End-LSN"]
            )
        except ToolFailed as error:
            raise BackupDamaged(f"{postgres / WAL}: {error.message}") from error


def _read(postgres: Path) -> bytes:
    try:
        return (postgres / NAME).read_bytes()
    except FileNotFoundError:
        raise BackupDamaged(
            f"{postgres / NAME} is missing: nothing says what the files have to be"
        ) from None


def _parsed(content: bytes) -> dict[str, Any]:
    """The manifest; its last line is the SHA-256 of all before it."""
    before, _, _ = content.partition(SUM_KEY)
    try:
        manifest: dict[str, Any] = json.loads(content)
        if manifest["Manifest-Checksum"] != hashlib.sha256(before).hexdigest():
            raise BackupDamaged("the manifest is not as it was")
    except (ValueError, KeyError) as error:
        raise BackupDamaged("the manifest cannot be read") from error
    return manifest


def _path(entry: dict[str, Any]) -> str:
    encoded: str | None = entry.get("Encoded-Path")  # where it is no UTF-8, in hex
    return bytes.fromhex(encoded).decode("utf-8", "surrogateescape") if encoded else entry["Path"]


def _counts(path: str) -> bool:
    return path not in NOT_IN_IT and not path.startswith(f"{WAL}/")


def _files_in(postgres: Path) -> Iterator[str]:
    return (str(path.relative_to(postgres)) for path in postgres.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
