"""Agreements: a version is named by its text, and another text is another version."""

from datetime import date
from pathlib import Path

import pytest

from citybrain.definitions.citizens.agreements import (
    FACE_RECOGNITION,
    Agreement,
    Agreements,
    NoSuchAgreement,
    NoticeNotInForce,
    load_agreements,
)
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.agreements import FACE, TODAY

LATER = FACE.model_copy(update={"valid_from": date(2027, 1, 1), "text": "另一文本"})


def test_a_text_that_changes_is_another_version() -> None:
    agreements = Agreements([LATER, FACE])
    assert agreements.on(TODAY) == [FACE]
    assert agreements.on(date(2027, 1, 1)) == [LATER]
    assert agreements.on(date(2000, 1, 1)) == []
    assert FACE.sha256 != LATER.sha256
    for version in (FACE, LATER):
        assert agreements.version(FACE_RECOGNITION, version.sha256) == version


def test_only_the_text_in_force_is_agreed_to() -> None:
    agreements = Agreements([FACE, LATER])
    agreements.check_in_force(FACE_RECOGNITION, FACE.sha256, TODAY)
    with pytest.raises(NoticeNotInForce) as refused:
        agreements.check_in_force(FACE_RECOGNITION, FACE.sha256, date(2027, 1, 1))
    assert refused.value.details == {"sha256": LATER.sha256}


def test_a_text_that_no_file_holds_is_shown_to_who_agreed_to_it() -> None:
    kept = Agreements([FACE]).kept()
    left = Agreements([LATER]).with_gone(kept, Definitions()).of(Agreements)
    assert left.version(FACE_RECOGNITION, FACE.sha256) == FACE
    assert left.on(TODAY) == []


@pytest.mark.parametrize("code", [FACE_RECOGNITION, "marketing"])
def test_what_nobody_was_shown_is_none(code: str) -> None:
    with pytest.raises(NoSuchAgreement):
        Agreements([FACE]).version(code, "0" * 64)


def test_where_a_city_has_no_agreement_any_text_will_do() -> None:
    Agreements([]).check_in_force(FACE_RECOGNITION, "0" * 64, TODAY)


def test_a_name_is_no_text() -> None:
    renamed = FACE.model_copy(update={"name": "x"})
    assert renamed.sha256 == FACE.sha256
    assert Agreement.model_validate(FACE.model_dump()) == FACE


def test_two_of_one_day_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "consent"
    folder.mkdir()
    shipped, *_ = Files().of("consent")
    (folder / "another.yaml").write_text(shipped.read_text())
    with pytest.raises(DefinitionError, match="defined twice"):
        load_agreements(Files(tmp_path), Definitions())
