"""What somebody changed in the stored log is found, in the database and in an export of it."""

from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from citybrain.audit.applications.explanation import explain
from citybrain.audit.applications.payouts import Payouts
from citybrain.audit.log import (
    Export,
    Exported,
    Finding,
    NotALog,
    Whole,
    behind_the_end,
    verified,
    write_end,
    write_events,
    write_head,
)
from citybrain.audit.treasury.payments import Confirmations
from citybrain.eventstore import EventStore
from citybrain.eventstore.types import Stored
from commands.applications.unsealed import RECEIPT
from tests.given.decided_applications import NOW, applied, registered, signed
from tests.given.services import services_over, take_to_the_end

READ = """
SELECT notification_id, originator_id, originator_version, topic, state, recorded_at
FROM stored_events ORDER BY notification_id
"""
AMOUNT = """
UPDATE stored_events SET state = convert_to(
    (convert_from(state, 'UTF8')::jsonb || '{{"amount_fen": 93492892}}')::text, 'UTF8')
WHERE topic IN ({topics})
"""


def findings(events: Sequence[Stored], after: int | None = 0) -> list[Finding]:
    return list(verified(events, [Whole(after), Payouts(), Confirmations()]))


async def paid_application(store: EventStore) -> str:
    """One that was decided and paid: the last event is the bank's confirmation."""
    services = services_over(store)
    applying = await applied(services, await registered(services))
    amount_fen, payment = applying.application.amount_fen, str(uuid4())
    applying.application.instruct_payout(
        NOW,
        payment_id=payment,
        claims=["entitlement-" + "e" * 32],
        from_account="housing-fund",
        payee_sealed="sealed",
        due_at=NOW + timedelta(seconds=30),
        decision_sha256=applying.application.decision_sha256,
    )
    applying.application.confirm_payout(
        NOW,
        payment_id=payment,
        amount_fen=amount_fen,
        settled_at=NOW,
        receipt_sha256="ab" * 32,
        receipt_sealed=await applying.seal(RECEIPT, signed({})),
    )
    return await applying.save()


@pytest.fixture
async def forging(store: EventStore) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A superuser's connection, to whom no trigger says no."""
    connection = await store.connect()
    await connection.execute("SET session_replication_role = replica")
    yield connection
    await connection.close()


async def test_what_was_changed_is_found_and_where(
    store: EventStore, forging: "asyncpg.Connection[Any]"
) -> None:
    await take_to_the_end(services_over(store))
    application = await paid_application(store)
    head = await store.head()
    await store.pool.execute(
        "INSERT INTO idempotency_records VALUES ('k', '', '', $1, now())", head
    )

    async def found(change: str) -> set[tuple[str, int]]:
        transaction = forging.transaction()
        await transaction.start()
        assert not (await forging.execute(change)).endswith(" 0")
        events = [Exported(*row) for row in await forging.fetch(READ)]
        found = findings(events) + await behind_the_end(forging, events[-1].position)
        await transaction.rollback()
        return {(each.check, each.position) for each in found}

    where = "WHERE notification_id"
    instructed = "'application.payout_instructed'"
    confirmed = "'application.payout_confirmed'"
    assert await found(f"UPDATE stored_events SET topic = topic {where} = 1") == set()
    assert await found(f"DELETE FROM stored_events {where} = 2") == {
        ("positions", 3),
        ("versions", 3),
    }
    assert await found(f"DELETE FROM stored_events {where} = {head}") == {("end", head)}
    assert await found(
        f"UPDATE stored_events SET recorded_at = recorded_at - interval '1 day' {where} = 3"
    ) == {("times", 3)}
    assert await found(f"UPDATE stored_events SET originator_version = 99 {where} = {head}") == {
        ("versions", head)
    }
    assert await found(f"UPDATE stored_events SET state = '{{' {where} = 3") == {("states", 3)}
    assert await found(AMOUNT.format(topics=f"{instructed}, {confirmed}")) == {
        ("payouts", head - 1)
    }
    assert await found(AMOUNT.format(topics=confirmed)) == {("payments", head)}
    assert await found(AMOUNT.format(topics="'application.decided'")) == {("payouts", head - 1)}

    services = services_over(store)
    (paid,) = (await explain(application, services, opened=False))["payments"]
    assert paid["compared"]["same"]
    await forging.execute(AMOUNT.format(topics=f"{instructed}, {confirmed}"))
    explained = await explain(application, services, opened=False)
    (forged,) = explained["payments"]
    assert explained["recomputed"]["same"], "the decision was not touched"
    assert not forged["compared"]["same"]
    assert forged["compared"]["instructed_fen"] == 93_492_892 != forged["compared"]["decided_fen"]


async def test_an_export_says_the_same_and_shows_that_it_is_whole(
    store: EventStore, tmp_path: Path
) -> None:
    await take_to_the_end(services_over(store))
    events = await store.read_all()
    file, head = tmp_path / "log.jsonl", events[-1].position
    with file.open("w") as out:
        write_head(out, "an-incarnation")
        write_events(out, events)
        write_end(out, head)

    def found(lines: Sequence[str]) -> set[tuple[str, int]]:
        file.write_text("".join(lines))
        export = Export(file)
        whole = Whole(0 if export.whole else None)
        return {
            (each.check, each.position)
            for each in (*verified(export, [whole]), *export.cut_off(whole.last or 0))
        }

    lines = file.read_text().splitlines(keepends=True)
    assert found(lines) == set()
    assert [each.state for each in Export(file)] == [each.state for each in events]
    assert found(lines[:-1]) == {("end", head)}
    assert found(lines[:-2] + lines[-1:]) == {("end", head - 1)}
    assert found(lines[:2] + lines[3:]) == {("positions", 3), ("versions", 3)}
    assert found(lines[3:-1]) == set(), "a part of a log, as it is had over HTTP"
    for strange in ("{}\n", "[]\n", "text\n", lines[1].replace('"position":1', '"position":"x"')):
        with pytest.raises(NotALog, match="line 2"):
            found([lines[0], strange])
