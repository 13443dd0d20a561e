"""What was sent to phones: the development server writes messages into a file."""

import json
import re
from pathlib import Path

from tests.given.api import Api

CODE = re.compile(r" is (\d{6})\b")


def messages(api: Api) -> list[tuple[str, str]]:
    """Phone and text of each message, oldest first."""
    outbox = Path(api.runtime.settings.data_dir) / "outbox.jsonl"
    lines = outbox.read_text().splitlines() if outbox.exists() else []
    return [(said["phone"], said["text"]) for said in map(json.loads, lines)]


def newest_code(api: Api) -> str:
    """The one-time code that was sent last; notices may have come after it."""
    return next(found[1] for _, text in reversed(messages(api)) if (found := CODE.search(text)))
