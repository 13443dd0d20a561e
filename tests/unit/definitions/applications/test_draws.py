"""What an item draws on: keys that are one however they are written, and never none."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from citybrain.definitions import DefinitionError
from citybrain.definitions.applications.catalogue import Catalogue, load_catalogue
from citybrain.definitions.applications.deciding import Decision, Outcome, decide
from citybrain.definitions.applications.draws import drawn_on
from citybrain.definitions.applications.keys import canonical
from citybrain.definitions.applications.trying import changed, problems_of
from tests.given.grant import GRANT
from tests.given.services import DEFINITIONS

CATALOGUE = DEFINITIONS.of(Catalogue)
ITEMS = [item for item in CATALOGUE.on(date(2026, 3, 1)) if item.payout is not None]
SPELT = ["L-77/2020", "L-77/2020 ", " l-77 / 2020", "Ｌ－７７／２０２０", "L–77∕2020", "l77/2020"]
SPELT += ["L-٧٧/٢٠٢٠", "L-۷۷/२०२०", "L-77/2020\ufe0f", "L\u034f-77/2020", "L-77/2020\u3164"]
SPELT += ["L\u204377\u29f82020", "L\u2800\u02d777/2020"]
SPELT += ["L-77/2020.", "L-77/2020。", "L─77/2020", "Lー77/2020", "L_77/2020", "L·77/2020"]
SPELT += ["[L-77/2020]", "#L-77//2020", "L-77\\2020", "Ĺ-77/2020", "L-77/2020\ufffc", "L➖77/2020/"]
SPELT += ["⒧-77/2020"]
BLANK = [
    None,
    "",
    " ",
    "\u3000",
    "-",
    "—",
    "None",
    "null",
    "Ｎ/Ａ",
    "0",
    "0000",
    "无",
    "\u200b",
    "/",
    "0/0",
    "٠٠٠",
    "N.A.",
    "(无)",
    "不详",
    "\u3164",
    "待定",
    "没有",
    "xxx",
    "?",
    "...",
    "\ue000",
]
NO_TEXT = [True, False, 0, -1, 1.5, [], {}]
DRAWN = "draws_on:\n  - {kind: person, key: applicant, source: a test}\n"
LINE = GRANT[: GRANT.index(DRAWN)].count("\n") + 1


def decided(code: str, **change: Any) -> Decision:
    """The item's good example, changed."""
    item = next(item for item in ITEMS if item.code == code)
    assert item.examples is not None
    form, evidence = changed(item.examples, change)
    return decide(item, form, evidence, item.examples.day)


@pytest.mark.parametrize("spelt", SPELT)
def test_a_key_is_the_same_however_it_is_written(spelt: str) -> None:
    assert canonical(spelt) == "L77/2020"


@pytest.mark.parametrize("nothing", [*BLANK, *NO_TEXT])
def test_what_says_nothing_is_no_key(nothing: Any) -> None:
    assert canonical(nothing) is None


def test_letters_of_another_alphabet_that_look_the_same_are_the_same() -> None:
    assert canonical("АВ-77") == canonical("ΑΒ-77") == canonical("AB-77")


@given(st.text())
def test_a_canonical_key_stays_as_it_is(key: str) -> None:
    said = canonical(key)
    assert said is None or canonical(said) == said


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.code)
def test_every_item_that_pays_says_what_it_draws_on(item: Any) -> None:
    assert item.draws_on
    assert any(each.kind == "person" and each.key == "applicant" for each in item.draws_on)


def test_both_withdrawals_draw_on_the_same_account_and_person() -> None:
    drawn = [
        {draw.thing for draw in decided(code).draws.draws}
        for code in ("housing-fund-repayment", "housing-fund-purchase")
    ]
    assert drawn[0] & drawn[1] == {"account/housing-fund:APPLICANT", "person/:APPLICANT"}
    assert len(drawn[0] | drawn[1]) == 4


@pytest.mark.parametrize("number", [None, "", " ", "-", "none", "000"])
def test_without_a_key_an_officer_decides(number: Any) -> None:
    decision = decided("housing-fund-repayment", **{"loan.number": number})
    assert (decision.outcome, decision.reasons) == (Outcome.REFERRED, ("draws-on-unknown",))
    assert decision.amount_fen is None
    (step,) = (step for step in decision.steps if step.name == "draws_on")
    assert (step.expression, bool(step.because)) == ("loan.number", True)


def test_a_payout_leaves_the_reserve_on_the_account() -> None:
    decision = decided("housing-fund-repayment")
    (account,) = (draw for draw in decision.draws.draws if draw.thing.startswith("account/"))
    assert account.available_fen == 5_000_000 - 100
    assert decision.draws.lacking(account.available_fen) is None
    assert decision.draws.lacking(account.available_fen + 1) == "more-than-there-is"


def test_an_item_of_before_draws_on_what_it_claimed(tmp_path: Path) -> None:
    def drawn(claim: str) -> list[tuple[str, str | None, str]]:
        path = tmp_path / "grant.yaml"
        path.write_text(GRANT.replace(DRAWN, claim))
        (item,) = load_catalogue([path]).versions("grant")
        return [(each.kind, each.of, each.key) for each in drawn_on(item)]

    said = "claim: {kind: loan, needs: [identity], key: identity.person}\n"
    assert drawn(said) == [("loan", None, "identity.person")]
    assert drawn(said.replace("loan", "gift")) == [("contract", "gift", "identity.person")]
    assert drawn("") == [("person", "grant", "applicant")]


def test_what_is_drawn_on_is_no_part_of_a_version(tmp_path: Path) -> None:
    path = tmp_path / "grant.yaml"
    versions = set()
    for drawn in (DRAWN, "", DRAWN.replace("source", "terms: {once: true}, source")):
        path.write_text(GRANT.replace(DRAWN, drawn))
        versions.add(load_catalogue([path]).versions("grant")[0].version)
    assert len(versions) == 1


def thing(said: str) -> str:
    """One thing that is drawn on."""
    return f"draws_on:\n  - {{{said}, source: x}}\n"


PERSON = "kind: person, key: applicant"


@pytest.mark.parametrize(
    ("new", "line", "problem"),
    [
        ("", 37, "draws_on: an item that pays says what it draws on"),
        (thing("kind: acount, key: applicant"), LINE + 1, "kind"),
        (thing("kind: person"), LINE + 1, "key"),
        (f"draws_on:\n  - {{{PERSON}}}\n", LINE + 1, "source"),
        (thing("kind: loan, key: applicant"), LINE + 1, "a loan is not the applicant"),
        (thing("kind: account, key: applicant"), LINE + 1, "say with `available`"),
        (thing("kind: loan, key: identity.person"), LINE + 1, "not named in `needs`"),
        (thing("kind: loan, needs: [job], key: job.number"), LINE + 1, "is not declared"),
        (thing("kind: loan, needs: [jobs], key: '1'"), LINE + 1, "there is no 'jobs' above"),
        (thing("kind: loan, needs: [job], key: job.employed"), LINE + 1, "is no key"),
        (thing("kind: loan, needs: [job], key: job.state"), LINE + 1, "is no key"),
        (thing("kind: loan, needs: [identity], key: identity.born"), LINE + 1, "is no key"),
        (thing("kind: loan, key: parameters.months"), LINE + 1, "the same for everybody"),
        (thing("kind: loan, key: string(parameters.months)"), LINE + 1, "the same for everybody"),
        (thing("kind: loan, key: -1 * parameters.months"), LINE + 1, "the same for everybody"),
        (thing("kind: loan, key: string(today)"), LINE + 1, "the same for everybody"),
        (DRAWN + DRAWN.partition("\n")[2], LINE + 2, "this person is there twice"),
        (thing(PERSON + ", terms: {once: true, most_times: 2}"), LINE + 1, "once is once"),
        (thing(PERSON + ", terms: {once: false}"), LINE + 1, "once"),
        (thing(PERSON + ", terms: {once_in_months: 0}"), LINE + 1, "once_in_months"),
        (thing(PERSON + ", terms: {most_fen: '\"many\"'}"), LINE + 1, "no whole fen"),
        (thing(PERSON + ", terms: {most_fen: amounts}"), LINE + 1, "nothing is called 'amounts'"),
        (thing(PERSON + ", available: '0.5'"), LINE + 1, "no whole fen"),
        (thing(PERSON + ", available: amount"), LINE + 1, "amount is read here"),
    ],
)
def test_a_mistake_in_what_is_drawn_on_has_its_line(
    tmp_path: Path, new: str, line: int, problem: str
) -> None:
    path = tmp_path / "grant.yaml"
    path.write_text(GRANT.replace(DRAWN, new))
    with pytest.raises(DefinitionError) as wrong:
        load_catalogue([path], problems_of)
    assert wrong.value.message.startswith(f"{path}:{line}: "), wrong.value.message
    assert problem in wrong.value.message


def test_what_pays_nothing_draws_on_nothing(tmp_path: Path) -> None:
    path = tmp_path / "grant.yaml"
    paid = GRANT[GRANT.index("payout:") : GRANT.index("examples:")]
    path.write_text(GRANT.replace(paid, "").replace("  pays_fen: 1000\n", ""))
    with pytest.raises(DefinitionError, match="only an item that pays draws on something"):
        load_catalogue([path], problems_of)


def test_a_value_that_is_the_same_for_everybody_is_no_key_either(tmp_path: Path) -> None:
    path = tmp_path / "grant.yaml"
    values = "values:\n  - {name: limit, expression: parameters.months * 2}\n"
    values += "  - {name: number, needs: [limit], expression: limit + 1}\n"
    drawn = thing("kind: loan, needs: [number], key: number")
    path.write_text(GRANT.replace("values:\n", values).replace(DRAWN, drawn))
    with pytest.raises(DefinitionError, match="the same for everybody"):
        load_catalogue([path])
    path.write_text(path.read_text().replace("limit + 1", "limit + size(form.ground)"))
    assert load_catalogue([path]).versions("grant")
