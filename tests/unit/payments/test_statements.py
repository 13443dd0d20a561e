"""A statement counts as a whole, signed page by page, of this very day."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from citybrain.exchange.signing import Signer, Verifier, make_key_once, read_signer
from citybrain.payments.receipts import RECEIPT
from citybrain.payments.statements import STATEMENT, StatementUnknown, read_statement

DAY = date(2026, 3, 1)
NOON = int(datetime(2026, 3, 1, 4, tzinfo=UTC).timestamp())

Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def signer(tmp_path: Path) -> Signer:
    make_key_once(tmp_path / "bank.pem")
    return read_signer(tmp_path / "bank.pem", "bank-1")


def line(number: int) -> dict[str, Any]:
    return {
        "payment_id": str(UUID(int=number)),
        "kind": "payout",
        "reference": f"application-{number:032x}",
        "amount_fen": 100,
        "status": "success",
        "booked_at": NOON,
    }


async def read(
    signer: Signer, change: Change = lambda page: None, kind: str = STATEMENT, lines: int = 3
) -> list[int]:
    """The payments of a statement of two lines a page; the last page is changed."""

    async def told(path: str) -> str:
        assert path.startswith(f"/statements/{DAY}?page=")
        number = int(path.rpartition("=")[2])
        pages = max(1, -(-lines // 2))
        page = {
            "iss": "bank",
            "day": str(DAY),
            "page": number,
            "pages": pages,
            "payments": lines,
            "lines": [line(n) for n in range(lines)][(number - 1) * 2 : number * 2],
        }
        if number == pages:
            change(page)
        return signer.sign(page, kind)

    found = await read_statement(DAY, told, Verifier([signer.public_key]))
    assert found.day == DAY
    assert all(each.booked_on == DAY for each in found.lines)
    return [each.payment_id.int for each in found.lines]


@pytest.mark.parametrize("lines", [0, 1, 2, 3, 4])
async def test_a_statement_is_read_to_its_last_page(signer: Signer, lines: int) -> None:
    assert await read(signer, lines=lines) == list(range(lines))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "police"},
        {"day": "2026-03-02"},
        {"page": 1},
        {"pages": 3},
        {"pages": 0},
        {"pages": 10**9},
        {"pages": "2"},
        {"payments": 4},
        {"payments": None},
        {"lines": []},
        {"lines": None},
    ],
)
async def test_a_page_that_is_not_of_this_statement_makes_it_none(
    signer: Signer, change: dict[str, Any]
) -> None:
    with pytest.raises(StatementUnknown):
        await read(signer, lambda page: page.update(change))


@pytest.mark.parametrize(
    "change",
    [
        {"payment_id": "1"},
        {"payment_id": None},
        {"kind": "gift"},
        {"amount_fen": 0},
        {"amount_fen": 1.0},
        {"amount_fen": "100"},
        {"status": "perhaps"},
        {"booked_at": None},
        {"booked_at": "noon"},
        {"booked_at": 10**30},
        {"booked_at": 253_402_300_799},
    ],
)
async def test_a_line_that_is_not_as_agreed_makes_it_none(
    signer: Signer, change: dict[str, Any]
) -> None:
    with pytest.raises(StatementUnknown):
        await read(signer, lambda page: page["lines"][0].update(change))


async def test_what_somebody_else_signed_or_as_something_else_is_none(
    signer: Signer, tmp_path: Path
) -> None:
    with pytest.raises(StatementUnknown):
        await read(signer, kind=RECEIPT)
    make_key_once(tmp_path / "stranger.pem")
    stranger = read_signer(tmp_path / "stranger.pem", "bank-1")

    async def told(path: str) -> str:
        return stranger.sign({"iss": "bank"}, STATEMENT)

    with pytest.raises(StatementUnknown):
        await read_statement(DAY, told, Verifier([signer.public_key]))


@pytest.mark.parametrize("said", ["張三 13800000000", 7, None, "x" * 200])
async def test_a_reference_that_is_none_of_ours_is_not_looked_at(signer: Signer, said: Any) -> None:
    assert await read(signer, lambda page: page["lines"][0].update(reference=said)) == [0, 1, 2]
