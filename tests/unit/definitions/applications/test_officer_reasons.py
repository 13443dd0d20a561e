"""Reasons that officers may give: the rules of the service, and a list of the city's."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.definitions.applications.officer_reasons import (
    OfficerReasons,
    ReasonUnknown,
    load_officer_reasons,
)
from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.services import DEFINITIONS

NOW = datetime(2026, 3, 2, 2, 30, tzinfo=UTC)
LISTED = DEFINITIONS.of(OfficerReasons)
ITEM = DEFINITIONS.of(Catalogue).item("housing-fund-repayment", NOW.date())
REASON = "{code: one, reason: 一, reason_en: One, source: a test}"


def load(folder: Path, *files: str) -> OfficerReasons:
    (folder / "review").mkdir()
    for number, text in enumerate(files):
        (folder / "review" / f"{number}.yaml").write_text(text)
    return load_officer_reasons(Files(folder), Definitions())


def test_rules_of_the_service_and_listed_reasons_are_taken() -> None:
    LISTED.check([], ITEM, NOW)
    LISTED.check([ITEM.rules[0].code, "conditions-not-met"], ITEM, NOW)


@pytest.mark.parametrize("code", ["made-up", "because-i-say-so", "own-roof"])
def test_a_code_that_is_in_neither_is_refused_with_the_list(code: str) -> None:
    with pytest.raises(ReasonUnknown) as refused:
        LISTED.check(["conditions-not-met", code], ITEM, NOW)
    known = refused.value.details["known"]
    assert {"account-normal", "conditions-not-met"} <= set(known)
    assert code not in known


def test_a_citys_list_holds_from_its_day_on(tmp_path: Path) -> None:
    reasons = load(tmp_path, f"valid_from: 2026-03-02\nreasons: [{REASON}]\n")
    assert [each.code for each in reasons.at(NOW).reasons] == ["one"]
    before = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)
    assert "conditions-not-met" in [each.code for each in reasons.at(before).reasons]
    assert {"one", "conditions-not-met"} <= set(reasons.words())
    left = LISTED.with_gone(reasons.kept(), Definitions()).of(OfficerReasons)
    assert (left.words()["one"].reason_en, left.at(NOW)) == ("One", LISTED.at(NOW))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ((f"valid_from: 2030-01-01\nreasons:\n- {REASON}\n- {REASON}\n",), "0.yaml:4: 'one' is"),
        ((f"valid_from: 2020-01-01\nreasons: [{REASON}]\n",), "0.yaml:1: there is a list of"),
        (("valid_from: 2030-01-01\nreasons: []\n",), "0.yaml:2"),
    ],
)
def test_a_wrong_list_is_refused_with_its_line(
    tmp_path: Path, files: tuple[str, ...], said: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        load(tmp_path, *files)
    assert said in str(refused.value)
