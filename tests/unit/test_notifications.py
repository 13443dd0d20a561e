"""Messages in development's file: one for an id, however often and by whomever it is sent."""

import json
from pathlib import Path
from uuid import UUID

from citybrain.notifications import FileNotifier

ONE, OTHER = UUID(int=1), UUID(int=2)


async def test_one_id_is_one_message_also_from_another_process(tmp_path: Path) -> None:
    path = tmp_path / "data" / "outbox.jsonl"
    first, second = FileNotifier(path), FileNotifier(path)
    for notifier, message_id in ((first, ONE), (first, ONE), (second, ONE), (second, OTHER)):
        await notifier.send("13800000000", "您有一笔停车费", message_id)
    await first.send("13800000000", "您有一笔停车费", OTHER)
    said = [json.loads(line)["message_id"] for line in path.read_text().splitlines()]
    assert said == [str(ONE), str(OTHER)]


async def test_a_file_of_before_is_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "outbox.jsonl"
    path.write_text('{"sent_at": "2026-01-01", "phone": "1", "text": "x"}\n')
    await FileNotifier(path).send("1", "y", ONE)
    assert len(path.read_text().splitlines()) == 2
