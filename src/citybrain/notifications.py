"""Messages to people: the port for a city's SMS or app push, and a file for development.

Each message has an id that follows from what it is about. Whoever sends one may be cut short before
it is recorded as sent, and sends it again: the same id is one message.
"""

import asyncio
import fcntl
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Protocol
from uuid import UUID

from citybrain.errors import Unavailable
from citybrain.key_files import for_owner
from citybrain.settings import Settings

OUTBOX = "outbox.jsonl"
SEND_SECONDS: Final = 10.0
"""Whoever takes longer to hand a message over is asked again later."""


class NoNotifier(Unavailable):
    """This installation cannot send messages."""

    code = "no-notifier"


class Notifier(Protocol):
    """Sends a text to a phone number.

    Raises `Unavailable` (or what `citybrain.faults` calls passing) where another try may succeed,
    `NoNotifier` where none will, and anything else where this message cannot be sent.
    """

    async def send(self, phone: str, text: str, message_id: UUID) -> None:
        """Hand the message over; it may arrive later, and once for its id."""


class FileNotifier:
    """Appends messages to a file, for development: what is in it is not sealed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._sent: set[str] = set()
        self._read = 0

    async def send(self, phone: str, text: str, message_id: UUID) -> None:
        """Append one line of JSON, unless one has this id."""
        line = {
            "sent_at": datetime.now(UTC).isoformat(),
            "phone": phone,
            "text": text,
            "message_id": str(message_id),
        }
        await asyncio.to_thread(self._append, line)

    def _append(self, line: dict[str, str]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with open(self._path, "a+", encoding="utf-8", opener=for_owner) as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # of all processes, until it is closed
            file.seek(self._read)
            self._sent.update(json.loads(each).get("message_id", "") for each in file)
            if line["message_id"] not in self._sent:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")
            self._read = file.tell()
            self._sent.add(line["message_id"])


class SilentNotifier:
    """Where none is configured: says so."""

    async def send(self, phone: str, text: str, message_id: UUID) -> None:
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
