"""What was sent to phones: the development server writes messages into a file."""

import json
from pathlib import Path

from tests.given.api import Api


def messages(api: Api) -> list[tuple[str, str]]:
    """Phone and text of each message, oldest first."""
    outbox = Path(api.runtime.settings.data_dir) / "outbox.jsonl"
    lines = outbox.read_text().splitlines() if outbox.exists() else []
    return [(said["phone"], said["text"]) for said in map(json.loads, lines)]


def code_in(text: str) -> str:
    """The one-time code in a message."""
    return text.split(" is ")[1][:6]
