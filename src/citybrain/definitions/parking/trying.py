"""Tries a tariff version on the examples that it carries.

A version is in order where every example costs what it says, and each zone, exemption, cap and the
idle fee is shown by one at least. A version is tried by itself: as if it had always been in force.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from citybrain.definitions.parking.tariff_file import Example, Problem, TariffFile
from citybrain.domain.parking.price import LineKind, Price, Zero
from citybrain.domain.parking.pricing import price
from citybrain.domain.parking.stay import Permit, Span, Stay
from citybrain.domain.parking.tariff import Tariff, TariffVersion
from citybrain.errors import InvalidInput

ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


def problems_of(file: TariffFile, version: TariffVersion) -> Iterator[Problem]:
    """What is wrong with a version's examples, and where in its file."""
    tariff = Tariff(file.tariff, (version,), fixed=version)
    prices: list[Price] = []
    for number, example in enumerate(file.examples):
        try:
            found = price(stay_of(example, version), tariff)
        except InvalidInput as invalid:
            yield ("examples", number), invalid.message
            continue
        if found.total_fen != example.fen:
            said = ", ".join(f"{line.day} {line.rule} {line.fen}" for line in found.lines)
            yield (
                ("examples", number, "fen"),
                f"this costs {found.total_fen}, not {example.fen}: {said}",
            )
        prices.append(found)
    yield from _not_shown(file, prices)


def stay_of(example: Example, version: TariffVersion) -> Stay:
    """The stay of an example."""
    zone = ZoneInfo(version.time_zone)
    begins, ends = _aware(example.begins, zone), _aware(example.ends, zone)
    over = example.charging_ended
    return Stay(
        start=begins,
        end=ends,
        zone=example.zone,
        plate_class=example.plate_class,
        permits=tuple(Permit(kind, ALWAYS) for kind in example.permits),
        charging=() if over is None else (Span(begins, _aware(over, zone)),),
        earlier_fen={begins.astimezone(zone).date(): example.earlier_fen},
    )


def _aware(at: datetime, zone: ZoneInfo) -> datetime:
    return at.replace(tzinfo=zone) if at.tzinfo is None else at


def _not_shown(file: TariffFile, prices: list[Price]) -> Iterator[Problem]:
    """Zones, exemptions and caps, and the idle fee, that no example shows."""
    lines = [line for each in prices for line in each.lines]
    zones = {each.zone for each in prices}
    exempt = {line.rule for line in lines if line.zero is Zero.EXEMPT}
    caps = {line.cap for line in lines}
    for number, zone in enumerate(file.zones):
        if zone.code not in zones:
            yield ("zones", number, "code"), f"no example is of zone {zone.code!r}"
    for number, exemption in enumerate(file.exemptions):
        if exemption.code not in exempt:
            yield ("exemptions", number, "code"), f"no example is free by {exemption.code!r}"
    for number, cap in enumerate(file.caps):
        if cap.code not in caps:
            yield ("caps", number, "code"), f"no example is lowered by {cap.code!r}"
    if file.idle is not None and not any(line.kind is LineKind.IDLE and line.fen for line in lines):
        yield ("idle",), "no example pays the idle fee"
