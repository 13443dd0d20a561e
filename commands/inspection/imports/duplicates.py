"""Which rows of a 311 extract report one problem: near and soon enough by the rule of their class.

It follows from the file alone, whatever has been imported before. All readable rows are kept in
memory as places and times.
"""

from pathlib import Path

from pydantic import ValidationError

from citybrain.definitions.inspection.cases import CaseDefinitions
from citybrain.definitions.inspection.imports_311 import Import311
from commands.csv_rows import CsvRows, open_rows
from commands.inspection.grouping import Sighting, plan
from commands.inspection.imports.record_311 import COLUMNS, BadRecord, Record, read_record


def first_reports(path: Path, mapping: Import311, definitions: CaseDefinitions) -> dict[str, str]:
    """The key of the earliest report of each problem that several rows report, by their keys.

    Raises `InvalidInput` on a file of another kind.
    """
    found: dict[str, Sighting] = {}
    with open_rows(path) as file:
        for row in CsvRows(file, str(path), COLUMNS):
            try:
                record = read_record(row, mapping)
            except (BadRecord, ValidationError):
                continue
            found.setdefault(record.key, _sighting(record, definitions))
    first_of = plan(list(found.values()), {}, lambda key: key).case_of
    several = {first for key, first in first_of.items() if key != first}
    return {key: first for key, first in first_of.items() if first in several}


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
