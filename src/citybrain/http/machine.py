"""What this machine is like for us: room on the disks that we write to, certificates that end."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from cryptography import x509
from prometheus_client import Gauge

from citybrain.settings import Settings

FREE = Gauge("citybrain_disk_free_bytes", "Room on the disk of a folder that we write to", ["of"])
WHOLE = Gauge("citybrain_disk_bytes", "Size of that disk", ["of"])
ENDS = Gauge(
    "citybrain_certificate_ends_timestamp_seconds",
    "When the first certificate of a file ends, by the name of its setting",
    ["setting"],
)
NOTHING = float("nan")


def watch_machine(settings: Settings) -> None:
    """From now on `/metrics` tells of the disks and certificates that these settings name.

    Both are looked at with each scrape: a certificate that is replaced is seen.
    """
    folders = {"data": settings.data_dir, "wal_archive": settings.wal_archive}
    for name, folder in folders.items():
        if folder is not None:
            FREE.labels(name).set_function(partial(_disk, folder, lambda usage: usage.free))
            WHOLE.labels(name).set_function(partial(_disk, folder, lambda usage: usage.total))
    for name, path in certificates(settings).items():
        ENDS.labels(name).set_function(partial(first_end, path))


def certificates(settings: Settings) -> dict[str, Path]:
    """The files of certificates that the settings name, by the name of the setting."""
    return {
        name: path
        for name, path in settings
        if name.endswith(("_ca_file", "_certificate_file")) and isinstance(path, Path)
    }


def first_end(path: Path) -> float:
    """When the first certificate of a PEM file ends (Unix time); NaN where it cannot be read."""
    try:
        found = x509.load_pem_x509_certificates(path.read_bytes())
    except (OSError, ValueError):
        return NOTHING
    return min(each.not_valid_after_utc.timestamp() for each in found)


def _disk(folder: Path, of: Callable[[shutil._ntuple_diskusage], int]) -> float:
    try:
        return of(shutil.disk_usage(folder))
    except OSError:
        return NOTHING
