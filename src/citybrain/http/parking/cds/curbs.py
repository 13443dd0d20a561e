"""The Curbs endpoints: zones, areas, spaces, objects and policies, as of a moment."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from citybrain.definitions.parking.rules import parking_rules_at
from citybrain.definitions.parking.tariffs import UnknownTariff, tariff_of
from citybrain.domain.parking.place import PlaceKind
from citybrain.domain.parking.tariff import Tariff, TariffVersion
from citybrain.http.parking.cds import inventory
from citybrain.http.parking.cds.answering import Found, newest
from citybrain.http.parking.cds.asking import IDENTITY, Asked, milliseconds
from citybrain.http.parking.cds.errors import NothingThere
from citybrain.http.parking.cds.identities import uuid_of
from citybrain.http.parking.cds.inventory import Page, Row, Wanted
from citybrain.http.parking.cds.policies import InForce, Policy, over_time, policies_of
from citybrain.http.parking.cds.shapes import longest_side_cm, point_of, polygon_of
from citybrain.http.parking.cds.versions import Version
from commands.parking.pricing import STREET
from projections.parking import curbs
from projections.parking.curbs import BerthState

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Shown:
    """An object of an answer, and when anything of it was last changed."""

    members: Object
    changed_at: datetime


def identity_in_path(asked: Asked) -> UUID:
    """The id in the path; raises `NothingThere` where it is none."""
    text = asked.request.match_info["id"]
    if not IDENTITY.fullmatch(text):
        raise NothingThere("there is nothing of this id")
    return UUID(text)


# --- zones --------------------------------------------------------------------------------


async def zones(asked: Asked) -> Found:
    """Zones in use at a moment; with `show_historic` those as well that were in use before."""
    at = asked.moment("time") or asked.now
    wanted = Wanted(
        kinds=(PlaceKind.ZONE,),
        at=at,
        drawn=_drawn,
        parent=await inventory.named(asked, "area", PlaceKind.AREA),
        ever=asked.flag("show_historic", False),
    )
    with_geometry = asked.flag("include_geometry", True)
    page = await inventory.page(asked, wanted)
    shown = await _zones(asked, page.rows, at, with_geometry)
    return await _many(asked, "zones", shown, page)


async def zone(asked: Asked) -> Found:
    """One zone; a retired one where history is asked for."""
    at = asked.moment("time")
    historic = asked.flag("show_historic", False) and at is None
    rows = await inventory.one(asked, PlaceKind.ZONE, identity_in_path(asked))
    row = _shown(inventory.version_at(rows, at or asked.now, historic=historic), _drawn)
    return _single(await _zones(asked, [row], at or asked.now, with_geometry=True))


async def _zones(
    asked: Asked, rows: Sequence[Row], at: datetime, with_geometry: bool
) -> list[Shown]:
    pool, ids = asked.runtime.store.models, [row["place_id"] for row in rows]
    history = await curbs.history(pool, ids)
    berths = await curbs.within(pool, PlaceKind.BERTH, ids, at)
    states = await _states(
        asked, [each["place_id"] for some in berths.values() for each in some], at
    )
    watching = await curbs.watching(pool, list(states), at) if asked.version > Version.V1_0 else {}
    found = []
    for row in rows:
        versions, inside = history[row["place_id"]], berths[row["place_id"]]
        policies = over_time(_tariff(asked), versions, at)
        devices = {each for berth in inside for each in watching.get(berth["place_id"], ())}
        members = _zone_members(row, versions, policies, inside, states)
        if with_geometry:
            members["geometry"] = polygon_of(row["geometry"], row["length_cm"])
        if asked.version is not Version.V1_0:
            members |= _zone_members_1_1(row, inside, states, devices)
        changed = _changed(versions, policies, asked.now)
        members["last_updated_date"] = milliseconds(changed)
        known = [state.at for each in inside if (state := states.get(each["place_id"]))]
        found.append(Shown(members, max(changed, *known) if known else changed))
    return found


def _zone_members(
    row: Row,
    versions: Sequence[Row],
    policies: Sequence[InForce],
    berths: Sequence[Row],
    states: dict[str, BerthState],
) -> Object:
    (*before, now) = policies
    begins = min(each["valid_from"] for each in versions)
    ends = [each["valid_from"] for each in versions if each["retired"]]
    found = {
        "curb_zone_id": uuid_of(row["place_id"]),
        "curb_policy_ids": now.policy_ids,
        "published_date": milliseconds(min(each["recorded_at"] for each in versions)),
        "start_date": milliseconds(begins),
        "prev_policies": [
            {
                "curb_policy_ids": each.policy_ids,
                "start_date": milliseconds(each.begins),
                "end_date": milliseconds(after.begins),
            }
            for each, after in zip(before, policies[1:], strict=True)
        ][::-1],
        "prev_curb_zone_ids": [uuid_of(each) for each in row["previous"]],
        "name": row["name"],
        "user_zone_id": row["place_id"],
        "num_spaces": len(berths),
        "curb_area_ids": [uuid_of(row["parent"])],
        "curb_space_ids": [uuid_of(each["place_id"]) for each in berths],
    }
    if ends:
        found["end_date"] = milliseconds(min(ends))
    if row["length_cm"] is not None:
        found["length"] = row["length_cm"]
    known = [(each, states[each["place_id"]]) for each in berths if each["place_id"] in states]
    if known:
        found["availability_time"] = milliseconds(max(state.at for _, state in known))
    free = [each["length_cm"] for each, state in known if state.free]
    if any(state.free is not None for _, state in known) and None not in free:
        found["available_space_lengths"] = free
    return found


def _zone_members_1_1(
    row: Row, berths: Sequence[Row], states: dict[str, BerthState], devices: set[str]
) -> Object:
    """`available`: it is in use and something is known of it; how many are free is another."""
    found: Object = {
        "custom_attributes": {"tariff_zone": str(row["tariff_zone"])},
        "curb_object_ids": sorted(map(uuid_of, devices)),
    }
    known = [states[each["place_id"]].free for each in berths if each["place_id"] in states]
    told = [free for free in known if free is not None]
    if told:
        found |= {"available": True, "available_spaces": sum(told)}
    return found


def _changed(versions: Sequence[Row], policies: Sequence[InForce], now: datetime) -> datetime:
    """When what is said of a zone was last another: its own version, or a policy."""
    said: list[datetime] = [each["recorded_at"] for each in versions]
    moments = [each.published for each in policies if each.published is not None]
    moments += [each.begins for each in policies[1:]]
    return max([*said, *(moment for moment in moments if moment <= now)])


# --- spaces, areas, objects ---------------------------------------------------------------


async def spaces(asked: Asked) -> Found:
    """Berths in use at a moment, with what is free then."""
    at = asked.moment("time") or asked.now
    parent = await inventory.named(asked, "zone", PlaceKind.ZONE)
    page = await inventory.page(asked, Wanted((PlaceKind.BERTH,), at, _is_space, parent))
    return await _many(asked, "spaces", await _spaces(asked, page.rows, at), page)


async def space(asked: Asked) -> Found:
    """One berth."""
    at = asked.moment("time") or asked.now
    rows = await inventory.one(asked, PlaceKind.BERTH, identity_in_path(asked))
    row = _shown(inventory.version_at(rows, at), _is_space)
    return _single(await _spaces(asked, [row], at))


async def _spaces(asked: Asked, rows: Sequence[Row], at: datetime) -> list[Shown]:
    pool, ids = asked.runtime.store.models, [row["place_id"] for row in rows]
    history, states = await curbs.history(pool, ids), await _states(asked, ids, at)
    watching = await curbs.watching(pool, ids, at) if asked.version > Version.V1_0 else {}
    found = []
    for row in rows:
        published, changed = _dates(history[row["place_id"]])
        state = states.get(row["place_id"])
        members = {
            "curb_space_id": uuid_of(row["place_id"]),
            "geometry": polygon_of(row["geometry"], row["length_cm"]),
            "name": row["name"],
            "published_date": milliseconds(published),
            "last_updated_date": milliseconds(changed),
            "curb_zone_id": uuid_of(row["parent"]),
            "space_number": row["number"],
            "length": _length_cm(row),
        }
        if state is not None:
            members["availability_time"] = milliseconds(state.at)
            if state.free is not None:
                members["available"] = state.free
        if asked.version is not Version.V1_0:
            members["curb_object_ids"] = [uuid_of(each) for each in watching[row["place_id"]]]
        found.append(Shown(members, changed if state is None else max(changed, state.at)))
    return found


async def areas(asked: Asked) -> Found:
    """Districts."""
    at = asked.moment("time") or asked.now
    page = await inventory.page(asked, Wanted((PlaceKind.AREA,), at, _drawn))
    return await _many(asked, "areas", await _areas(asked, page.rows, at), page)


async def area(asked: Asked) -> Found:
    """One district."""
    at = asked.moment("time") or asked.now
    rows = await inventory.one(asked, PlaceKind.AREA, identity_in_path(asked))
    row = _shown(inventory.version_at(rows, at), _drawn)
    return _single(await _areas(asked, [row], at))


async def _areas(asked: Asked, rows: Sequence[Row], at: datetime) -> list[Shown]:
    pool, ids = asked.runtime.store.models, [row["place_id"] for row in rows]
    history = await curbs.history(pool, ids)
    inside = await curbs.within(pool, PlaceKind.ZONE, ids, at)
    found = []
    for row in rows:
        published, changed = _dates(history[row["place_id"]])
        members = {
            "curb_area_id": uuid_of(row["place_id"]),
            "geometry": polygon_of(row["geometry"], row["length_cm"]),
            "name": row["name"],
            "published_date": milliseconds(published),
            "last_updated_date": milliseconds(changed),
            "curb_zone_ids": [uuid_of(each["place_id"]) for each in inside[row["place_id"]]],
        }
        found.append(Shown(members, changed))
    return found


async def objects(asked: Asked) -> Found:
    """Devices and kiosks that stand at a zone or a space."""
    at = asked.moment("time") or asked.now
    zone_id = await inventory.named(asked, "zone", PlaceKind.ZONE)
    space_id = await inventory.named(asked, "space", PlaceKind.BERTH)
    wanted = Wanted((PlaceKind.DEVICE, PlaceKind.KIOSK), at, _is_object)
    page = await inventory.page(asked, wanted)
    at_places = await _at_places(asked, page.rows, at)
    rows = [
        row
        for row in page.rows
        if (found := at_places[row["place_id"]])
        and (zone_id is None or zone_id in found.values())
        and (space_id is None or space_id in row["watches"])
    ]
    shown = await _objects(asked, rows, at_places)
    return await _many(asked, "objects", shown, page)


async def one_object(asked: Asked) -> Found:
    """One device or kiosk."""
    at = asked.moment("time") or asked.now
    identity = identity_in_path(asked)
    try:
        rows = await inventory.one(asked, PlaceKind.DEVICE, identity)
    except NothingThere:
        rows = await inventory.one(asked, PlaceKind.KIOSK, identity)
    row = _shown(inventory.version_at(rows, at), _is_object)
    at_places = await _at_places(asked, [row], at)
    if not at_places[row["place_id"]]:
        raise NothingThere("there is nothing of this id")
    return _single(await _objects(asked, [row], at_places))


async def _at_places(asked: Asked, rows: Sequence[Row], at: datetime) -> dict[str, dict[str, str]]:
    """The zone, and the space where it is of one only, that each object stands at."""
    watched = {each for row in rows for each in row["watches"]}
    berths = await curbs.parents(asked.runtime.store.models, PlaceKind.BERTH, sorted(watched), at)
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        places = [each for each in row["watches"] if each in berths]
        found[row["place_id"]] = {}
        if places:
            found[row["place_id"]]["curb_zone_id"] = berths[places[0]]
        elif row["parent"] is not None:
            found[row["place_id"]]["curb_zone_id"] = row["parent"]
        if len(places) == 1:
            found[row["place_id"]]["curb_space_id"] = places[0]
    return found


async def _objects(
    asked: Asked, rows: Sequence[Row], at_places: dict[str, dict[str, str]]
) -> list[Shown]:
    history = await curbs.history(asked.runtime.store.models, [row["place_id"] for row in rows])
    found = []
    for row in rows:
        published, changed = _dates(history[row["place_id"]])
        members = {
            "curb_object_id": uuid_of(row["place_id"]),
            "geometry": point_of(row["longitude"], row["latitude"]),
            "object_type": "pay_station" if row["kind"] == PlaceKind.KIOSK else "sensor",
            "name": row["name"],
            "published_date": milliseconds(published),
            "last_updated_date": milliseconds(changed),
        }
        members |= {name: uuid_of(each) for name, each in at_places[row["place_id"]].items()}
        found.append(Shown(members, changed))
    return found


# --- policies -----------------------------------------------------------------------------


async def policies(asked: Asked) -> Found:
    """The policies of all versions that files have, or those of some ids, of whichever version."""
    wanted, limit, cursor = asked.identities("ids"), asked.limit(), asked.cursor()
    tariff = _tariff(asked)
    known = _policies(tariff.offered if wanted is None else tariff.every)
    found = sorted(each for each in known if wanted is None or UUID(each) in wanted)
    rest = [each for each in found if cursor is None or each > cursor[1]]
    shown = rest[:limit]
    following = inventory.cursor_after(shown[-1]) if len(rest) > limit else None
    page = [known[each] for each in shown]
    data = {"policies": [policy.members(asked.version) for policy in page]}
    last = newest(*(policy.published for policy in known.values()))
    return Found(data, last, following, of_many=True)


async def policy(asked: Asked) -> Found:
    """One policy, also of a version that is in force no more."""
    found = _policies(_tariff(asked).every).get(str(identity_in_path(asked)))
    if found is None:
        raise NothingThere("there is nothing of this id")
    return Found(found.members(asked.version), found.published)


def _policies(versions: Iterable[TariffVersion]) -> dict[str, Policy]:
    return {
        str(policy.policy_id): policy
        for version in versions
        for zone in version.zones
        for policy in policies_of(version, zone)
    }


def _tariff(asked: Asked) -> Tariff:
    """The tariff of the street; one without versions where a city has none."""
    try:
        return tariff_of(asked.runtime.services.definitions, STREET)
    except UnknownTariff:
        return Tariff(STREET, ())


# --- what they share ----------------------------------------------------------------------


async def _states(asked: Asked, berths: Sequence[str], at: datetime) -> dict[str, BerthState]:
    """What is known of berths; of a time to come what is known now."""
    rules = parking_rules_at(asked.runtime.services.definitions, at)
    return await curbs.states(asked.runtime.store.models, berths, at, rules.silence_limit)


async def _many(asked: Asked, name: str, shown: Sequence[Shown], page: Page) -> Found:
    latest = await curbs.latest(asked.runtime.store.models)
    last = newest(latest, *(each.changed_at for each in shown))
    data = {name: [each.members for each in shown]}
    return Found(data, last, page.following, of_many=True)


def _single(shown: Sequence[Shown]) -> Found:
    (found,) = shown
    return Found(found.members, found.changed_at)


def _dates(versions: Sequence[Row]) -> tuple[datetime, datetime]:
    """When a place was first published, and when it was last changed."""
    moments = [each["recorded_at"] for each in versions]
    return min(moments), max(moments)


def _shown(row: Row, drawn: Callable[[Row], bool]) -> Row:
    """The row; raises `NothingThere` where it cannot be drawn."""
    if not drawn(row):
        raise NothingThere("there is nothing of this id")
    return row


def _drawn(row: Row) -> bool:
    """Whether it has a place on the map."""
    return polygon_of(row["geometry"], row["length_cm"]) is not None


def _is_space(row: Row) -> bool:
    return _drawn(row) and _length_cm(row) is not None


def _length_cm(row: Row) -> int | None:
    """As it was said, else as it was drawn."""
    said: int | None = row["length_cm"]
    return longest_side_cm(row["geometry"]) if said is None else said


def _is_object(row: Row) -> bool:
    return point_of(row["longitude"], row["latitude"]) is not None
