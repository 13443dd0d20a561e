"""Messages to people: the port for a city's SMS or app push, and a file for development."""

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from citybrain.errors import Unavailable
from citybrain.settings import Settings

OUTBOX = "outbox.jsonl"


class NoNotifier(Unavailable):
    """This installation cannot send messages."""

    code = "no-notifier"


class Notifier(Protocol):
    """Sends a text to a phone number. Raises `Unavailable` where it cannot."""

    async def send(self, phone: str, text: str) -> None:
        """Hand the message over; it may arrive later."""


class FileNotifier:
    """Appends messages to a file, for development: what is in it is not sealed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def send(self, phone: str, text: str) -> None:
        """Append one line of JSON."""
        sent_at = datetime.now(UTC).isoformat()
        line = json.dumps({"sent_at": sent_at, "phone": phone, "text": text}, ensure_ascii=False)
        await asyncio.to_thread(self._append, line)

    def _append(self, line: str) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


class SilentNotifier:
    """Where none is configured: says so."""

    async def send(self, phone: str, text: str) -> None:
        """Raise `NoNotifier`."""
        raise NoNotifier("no notifier is configured; a counter can identify people")


def open_notifier(settings: Settings) -> Notifier:
    """The notifier that the settings name."""
    if settings.notifier is not None:
        notifier: Notifier = settings.notifier()
        return notifier
    if settings.mode == "development":
        return FileNotifier(settings.data_dir / OUTBOX)
    return SilentNotifier()
