"""What stays cost beside what they would cost by another version of the tariff.

Each session is folded from its events and priced anew, as it stands; nothing is changed by that.
No plate and nobody's name is in a row.
"""

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from datetime import datetime

from citybrain.domain.parking.session import ParkingSession
from citybrain.errors import InvalidInput
from commands.parking.pricing import OtherStays, price_under
from commands.services import Services
from projections.parking.session_ids import After, ended_between, of_plate

AT_ONCE = 500
OTHERS = OtherStays(of_plate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One session. Without `under_fen` the version cannot price it; `why` is the code."""

    session_id: str
    tariff_zone: str
    arrived_at: datetime
    left_at: datetime
    priced_fen: int
    under_fen: int | None
    difference_fen: int | None
    why: str | None
    payer: str | None
    """Of whom it is asked: for the record of who looked, never shown."""


@dataclass(slots=True)
class Sums:
    """What rows come to. `not_priced` are in no other sum; `difference_fen` is under − priced."""

    sessions: int = 0
    priced_fen: int = 0
    under_fen: int = 0
    difference_fen: int = 0
    dearer: int = 0
    cheaper: int = 0
    not_priced: int = 0

    def add(self, row: Compared) -> None:
        """One more row."""
        if row.under_fen is None or row.difference_fen is None:
            self.not_priced += 1
            return
        self.sessions += 1
        self.priced_fen += row.priced_fen
        self.under_fen += row.under_fen
        self.difference_fen += row.difference_fen
        self.dearer += row.difference_fen > 0
        self.cheaper += row.difference_fen < 0

    def as_dict(self) -> dict[str, int]:
        """By name."""
        return asdict(self)


async def compared(
    services: Services,
    version_id: str,
    since: datetime,
    until: datetime,
    *,
    after: After = None,
    limit: int | None = None,
) -> AsyncIterator[Compared]:
    """Sessions that were there at some time of these and are priced, by their arrival.

    `after` is (arrived_at, session_id) of the row before; `limit` the most rows. Raises
    `UnknownTariffVersion`.
    """
    told = 0
    while limit is None or told < limit:
        rows = await ended_between(
            services.store.models,
            since,
            until,
            after=after,
            limit=AT_ONCE if limit is None else limit,
        )
        for row in rows:
            session = await services.store.load(ParkingSession, row["session_id"])
            found = await _compare(session, version_id, services)
            if found is not None and (limit is None or told < limit):
                told += 1
                yield found
        if not rows:
            return
        after = (rows[-1]["arrived_at"], rows[-1]["session_id"])


async def _compare(session: ParkingSession, version_id: str, services: Services) -> Compared | None:
    if session.left_at is None or session.price_fen is None or session.voided:
        return None
    under_fen, why = None, None
    try:
        under_fen = (await price_under(session, services, OTHERS, version_id)).amount_fen
    except InvalidInput as cannot:  # it has no such zone, or does not know the year
        why = cannot.code
    return Compared(
        session_id=session.id,
        tariff_zone=session.tariff_zone,
        arrived_at=session.arrived_at,
        left_at=session.left_at,
        priced_fen=session.price_fen,
        under_fen=under_fen,
        difference_fen=None if under_fen is None else under_fen - session.price_fen,
        why=why,
        payer=session.payer,
    )
