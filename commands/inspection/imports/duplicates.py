"""Which rows of a 311 extract report one problem: near and soon enough by the rule of their class.

It follows from the file alone, whatever has been imported before. What was reported after a closing
is not the problem that was closed: such a chain of reports ends there. Neither does what is open at
the source go on in what is closed there. All readable rows are kept in memory as places and times.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from pydantic import ValidationError

from citybrain.definitions.inspection.cases import CaseDefinitions
from citybrain.definitions.inspection.imports_311 import Import311
from commands.csv_rows import CsvRows, open_rows
from commands.inspection.grouping import Sighting, plan
from commands.inspection.imports.record_311 import COLUMNS, WANTED, BadRecord, Record, read_record


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a file before its rows are brought in.

    `first_of`: the key of the earliest report of each problem that several rows report, by their
    keys; `apart`: the keys of those that do not go on in a row of this file, although their source
    says so; `seen_again`: the keys of those that were reported where one of their class had been
    closed not long before; `as_of`: the latest moment that any row speaks of, which the file
    cannot be older than.
    """

    first_of: dict[str, str]
    apart: frozenset[str]
    seen_again: frozenset[str]
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class _Row:
    sighting: Sighting
    over_at: datetime | None
    """When its source closed it; None where it is open there."""
    merged_into: str | None


def rows_of(file: BinaryIO, path: Path, mapping: Import311) -> CsvRows:
    """The rows of an extract; raises `InvalidInput` on a file of another kind."""
    return CsvRows(file, str(path), COLUMNS, wanted=WANTED, also=mapping.columns)


def outline(path: Path, mapping: Import311, definitions: CaseDefinitions, now: datetime) -> Outline:
    """Read the file once; raises `InvalidInput` on a file of another kind."""
    found: dict[str, _Row] = {}
    as_of: datetime | None = None
    with open_rows(path) as file:
        for row in rows_of(file, path, mapping):
            try:
                record = read_record(row, mapping)
            except (BadRecord, ValidationError):
                continue
            dates = (record.dates.created, record.dates.closed, record.dates.updated)
            as_of = max((at for at in (*dates, as_of) if at and at <= now), default=as_of)
            over_at = record.dates.closed if record.is_closed else None
            sighting = _sighting(record, definitions)
            found.setdefault(record.key, _Row(sighting, over_at, record.merged_into))
    first_of, seen_again = _groups(found)
    first_of = _told(found, first_of)
    apart = frozenset(
        key
        for key, row in found.items()
        if row.merged_into in found and first_of.get(key, key) == key
    )
    return Outline(first_of, apart, frozenset(seen_again), as_of)


def _groups(found: Mapping[str, _Row]) -> tuple[dict[str, str], set[str]]:
    """The first report of each, by the rules of their classes, and what was seen again."""
    first_of: dict[str, str] = {}
    seen_again: set[str] = set()
    left = [row.sighting for row in found.values()]
    while left:
        again: list[Sighting] = []
        for first, group in _planned(left).items():
            joined = [each for each in group if _may_join(found, each.detection_id, first)]
            whole = _planned(joined).get(first, []) if len(joined) < len(group) else group
            if len(whole) > 1:
                first_of |= {each.detection_id: first for each in whole}
            if len(whole) < len(group):
                keys = {each.detection_id for each in whole}
                others = [each for each in group if each.detection_id not in keys]
                over_at = found[first].over_at
                seen_again |= {e.detection_id for e in others if over_at and e.at >= over_at}
                again += others
        left = again
    return first_of, seen_again


def _planned(sightings: Sequence[Sighting]) -> dict[str, list[Sighting]]:
    """Chains of sightings, each under the key of its first."""
    case_of = plan(sightings, {}, lambda key: key).case_of
    groups: dict[str, list[Sighting]] = defaultdict(list)
    for each in sightings:
        groups[case_of[each.detection_id]].append(each)
    return groups


def _may_join(found: Mapping[str, _Row], key: str, first: str) -> bool:
    """Whether a report may go on in the first one: while that was open, and not beyond it."""
    over_at = found[first].over_at
    if key == first or over_at is None:
        return True
    return found[key].sighting.at < over_at and found[key].over_at is not None


def _told(found: Mapping[str, _Row], first_of: dict[str, str]) -> dict[str, str]:
    """Beside what the rules say, what the source has merged itself."""
    for key, row in found.items():
        parent = row.merged_into
        if parent is None or parent not in found or first_of.get(key) == key:
            continue
        if not _may_join(found, key, first_of.get(parent, parent)):
            continue
        first = first_of.setdefault(parent, parent)
        if first != key:
            first_of[key] = first
    return first_of


def _sighting(record: Record, definitions: CaseDefinitions) -> Sighting:
    report = record.report
    assert report.occurred_at is not None
    return Sighting(
        record.key,
        report.class_code,
        report.latitude,
        report.longitude,
        report.occurred_at,
        definitions.merge_rule(report.class_code),
    )
