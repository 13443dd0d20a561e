"""Plates at rest: sealed with a key each, found by a keyed digest, shown as a pseudonym.

Two things that are not the same: the id of a plate, by which its sessions are found as long as it
is not erased, and the pseudonym that people without the right see in its place. The pseudonym
is made with a key that is thrown away after its time; nobody, we included, can tell then which
of the old ones is which of the new ones.
"""

import hmac
from collections.abc import Collection, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from hashlib import sha256
from uuid import uuid4

import orjson

from citybrain.asking import AskingTogether
from citybrain.city_day import CITY_ZONE, city_day
from citybrain.definitions.parking.plates import PlateReadingDefinitions, grammar_at
from citybrain.domain.actor import Actor
from citybrain.domain.parking.plate_grammar import PlateClass
from citybrain.domain.parking.plates import Plate, read_plate
from citybrain.domain.parking.reading_rights import may_see_plates
from citybrain.domain.parking.sealed_plates import SealedPlate
from citybrain.vault import Vault
from commands.services import Services

PURPOSE = "parking-plate"
PSEUDONYMS = "parking-plate-pseudonyms"
PSEUDONYM_BYTES = 16


@dataclass(frozen=True, slots=True)
class ShownPlate:
    """What somebody sees: the plate where they may, and where it is not erased."""

    pseudonym: str
    plate: Plate | None


class PlateKeeper:
    """Seals, opens and finds plates, and gives pseudonyms."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._vault = services.vault

    async def seal(self, plate: Plate) -> SealedPlate:
        """The plate for an event."""
        (sealed,) = await self.seal_many([plate])
        return sealed

    async def seal_many(self, plates: Sequence[Plate]) -> list[SealedPlate]:
        """Plates for events, in their order, by few looks at the database."""
        ids = await self._ids(plates)
        texts = await self._vault.seal_many(
            PURPOSE, list(zip(ids, map(_said, plates), strict=True))
        )
        erased = [place for place, text in enumerate(texts) if text is None]
        anew = await self.seal_many([plates[place] for place in erased]) if erased else []
        again = dict(zip(erased, anew, strict=True))  # from now on plates that were never seen
        return [
            again[place] if text is None else _with(text, plate_id, plate)
            for place, (text, plate_id, plate) in enumerate(zip(texts, ids, plates, strict=True))
        ]

    async def open(self, sealed: SealedPlate) -> Plate | None:
        """The plate again; None where it has been erased."""
        (found,) = await self.open_many([sealed])
        return found

    async def open_many(self, sealed: Sequence[SealedPlate]) -> list[Plate | None]:
        """As `open`, by one look at their keys."""
        wanted = [(each.plate_id, each.plate_sealed) for each in sealed]
        texts = await self._vault.open_many(PURPOSE, wanted)
        return [
            None if text is None else _plate(text, each)
            for text, each in zip(texts, sealed, strict=True)
        ]

    async def find(self, plate: Plate) -> str | None:
        """The id of a complete plate that was sealed before and is not erased."""
        return await self._vault.find(PURPOSE, plate.key) if plate.complete else None

    async def erase(self, plate_id: str) -> None:
        """Destroy the key of a plate: what was sealed with it is never read again."""
        await self._vault.erase(plate_id)

    async def pseudonyms(self, plate_ids: Sequence[str]) -> list[str]:
        """For each plate what stands in its place: the same as long as one key is valid."""
        key = await self._vault.named_key(*self._key_of_now())
        return [
            hmac.digest(key, plate_id.encode(), sha256)[:PSEUDONYM_BYTES].hex()
            for plate_id in plate_ids
        ]

    async def renew_pseudonyms(self) -> None:
        """Throw the key of now away: from now on all pseudonyms are others."""
        await self._vault.forget_named_key(self._key_of_now()[0])

    async def shown(self, sealed: Sequence[SealedPlate], actor: Actor) -> list[ShownPlate]:
        """What somebody sees of plates; whoever shows them records who has looked."""
        pseudonyms = await self.pseudonyms([each.plate_id for each in sealed])
        found: list[Plate | None] = [None] * len(sealed)
        if may_see_plates(actor, self.departments()):
            found = await self.open_many(sealed)
        return list(map(ShownPlate, pseudonyms, found))

    async def shown_to(
        self, owned: Sequence[tuple[SealedPlate, str | None]], actor: Actor
    ) -> list[ShownPlate]:
        """As `shown`, and whose a plate is sees it, too; whose it is stands beside each."""
        seen = await self.shown([sealed for sealed, _ in owned], actor)
        own = [
            sealed if owner is not None and owner == actor.subject else None
            for sealed, owner in owned
        ]
        opened = iter(await self.open_many([each for each in own if each is not None]))
        return [
            each if mine is None else ShownPlate(each.pseudonym, next(opened))
            for each, mine in zip(seen, own, strict=True)
        ]

    def departments(self) -> tuple[str, ...]:
        """The departments that look after parking now."""
        definitions = self._services.definitions.of(PlateReadingDefinitions)
        return definitions.departments(self._services.clock())

    async def _ids(self, plates: Sequence[Plate]) -> list[str]:
        """Who each plate is; an incomplete one is nobody's yet, and has an id of its own."""
        together = self._services.held(KnownPlates, lambda each: KnownPlates(each.vault))
        known = await together.ids({plate.key for plate in plates if plate.complete})
        ids = [known[plate.key] if plate.complete else _new_id() for plate in plates]
        unknown = [each for each, plate in zip(ids, plates, strict=True) if not plate.complete]
        if unknown:
            await self._vault.create_keys(unknown)
        return ids

    def _key_of_now(self) -> tuple[str, datetime]:
        """The name of the key of now, and until when it is kept."""
        days = self._services.settings.parking_pseudonym_days
        today = city_day(self._services.clock()).toordinal()
        ends = date.fromordinal(today - today % days) + timedelta(days)
        return f"{PSEUDONYMS}:{ends}", datetime.combine(ends, time(), CITY_ZONE)


class KnownPlates:
    """Ids of complete plates, looked for and made for all who seal at about the same time."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._together = AskingTogether(self._known)

    async def ids(self, keys: Set[str]) -> dict[str, str]:
        """The id of each; new ones have a key made. Whoever claims one first has it."""
        return await self._together.ask(keys) if keys else {}

    async def _known(self, keys: Collection[str]) -> dict[str, str]:
        known = await self._vault.find_many(PURPOSE, keys)
        while new := set(keys) - known.keys():
            fresh = {_new_id(): key for key in sorted(new)}
            await self._vault.create_keys(list(fresh))
            await self._vault.index_many(PURPOSE, fresh)
            known |= await self._vault.find_many(PURPOSE, new)
        return known


async def read_for_search(text: str, country: str, services: Services) -> str | None:
    """The id of a plate that somebody looks for; None where it was never seen.

    Raises a `PlateUnreadable`.
    """
    plate = read_plate(text, grammar_at(services.definitions, services.clock()), country)
    return await PlateKeeper(services).find(plate)


def _new_id() -> str:
    return f"plate-{uuid4().hex}"


def _said(plate: Plate) -> str:
    return orjson.dumps([plate.text, plate.country, plate.raw]).decode()


def _with(text: str, plate_id: str, plate: Plate) -> SealedPlate:
    return SealedPlate(
        plate_id=plate_id,
        plate_sealed=text,
        plate_class=plate.plate_class.value,
        plate_complete=plate.complete,
        plate_mended=plate.mended,
        plates_version=plate.grammar,
    )


def _plate(text: str, sealed: SealedPlate) -> Plate:
    said, country, raw = orjson.loads(text)
    return Plate(
        text=said,
        plate_class=PlateClass(sealed.plate_class),
        complete=sealed.plate_complete,
        country=country,
        raw=raw,
        mended=sealed.plate_mended,
        grammar=sealed.plates_version,
    )
