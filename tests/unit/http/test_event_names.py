"""Every event and every kind of stream has a name in each language of the pages.

Whoever reads the log is shown them: the auditor all, an official those of what they decide.
"""

import json
from pathlib import Path
from typing import Any

import pytest

from citybrain.systems import SYSTEMS

WORDS = Path(__file__).parents[3] / "src" / "web" / "shared" / "words"
STREAMS = [stream for system in SYSTEMS for stream in system.streams]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_whatever_is_written_has_a_name_and_nothing_else_has(language: str) -> None:
    """Else give it one in `events_zh.json` and `events_en.json`."""
    words: dict[str, Any] = json.loads((WORDS / f"events_{language}.json").read_bytes())
    topics = {
        f"{subject}.{event}": name
        for subject, events in words["topic"].items()
        for event, name in events.items()
    }
    assert set(topics) == {event.TOPIC for stream in STREAMS for event in stream.EVENTS}
    assert set(words["category"]) == {stream.category for stream in STREAMS}
    assert all(name.strip() for name in (*topics.values(), *words["category"].values()))
