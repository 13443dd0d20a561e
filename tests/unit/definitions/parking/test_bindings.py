"""On what terms plates are bound: dated, sane, and named in events by their version."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.parking.bindings import PlateBindingDefinitions, load_plate_bindings
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.services import DEFINITIONS

TERMS = """
valid_from: 2027-01-01
registry: {department: police, record: vehicle}
per_debit_ceiling_fen: 30000
per_day_ceiling_fen: 60000
most_plates: 3
adults_from: 18
ask_again_minutes: 5
waits_days: 7
prove_again_days: 10
proof_good_days: 20
hired_out_uses: [rental]
source: assumed
"""


def loaded(folder: Path, *texts: str) -> PlateBindingDefinitions:
    place = folder / "plate-binding"
    place.mkdir()
    for number, text in enumerate(texts):
        (place / f"later-{number}.yaml").write_text(text)
    return load_plate_bindings(Files(folder), Definitions())


def test_the_terms_of_a_day_are_those_that_are_in_force(tmp_path: Path) -> None:
    terms = loaded(tmp_path, TERMS)
    before, after = (terms.at(datetime(year, 6, 1, tzinfo=UTC)) for year in (2026, 2027))
    assert (before.per_debit_ceiling_fen, after.per_debit_ceiling_fen) == (20_000, 30_000)
    assert before == DEFINITIONS.of(PlateBindingDefinitions).versions[0]
    assert after.version.startswith("2027-01-01+")
    assert before.version != after.version


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("prove_again_days: 21", "prove_again_days: 10"),
        ("per_debit_ceiling_fen: 300.5", "per_debit_ceiling_fen: 30000"),
        ("per_debit_ceiling_fen: 0", "per_debit_ceiling_fen: 30000"),
        ('most_plates: "3"', "most_plates: 3"),
        ("registry: {department: police}", "registry: {department: police, record: vehicle}"),
        ("anything: 1", "source: assumed"),
    ],
)
def test_terms_that_cannot_be_meant_are_refused_with_file_and_line(
    tmp_path: Path, wrong: str, right: str
) -> None:
    with pytest.raises(DefinitionError, match=r"later-0\.yaml:\d+"):
        loaded(tmp_path, TERMS.replace(right, wrong))


def test_there_is_one_of_a_day(tmp_path: Path) -> None:
    with pytest.raises(
        DefinitionError, match=r"later-1\.yaml:2: plate-binding of 2027-01-01 is defined twice"
    ):
        loaded(tmp_path, TERMS, TERMS)
