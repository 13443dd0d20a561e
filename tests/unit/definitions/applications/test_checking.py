"""Catalogue files that are wrong: each is refused with its file, its line, and what to do."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions import DefinitionError
from citybrain.definitions.applications.catalogue import load_catalogue
from citybrain.definitions.applications.deciding import Finding, decide
from citybrain.definitions.applications.trying import problems_of
from tests.given.grant import GRANT

APP = "channels: [app]\n"
REQUIRE = "job.employed && job.state"
AGE = "years_between(identity.born, today) >= 18"
NEXT_VALUE = """source: a test}
  - {name: months, type: years, value: 1, valid_from: 2027-01-01, source: a test}
values:"""
EXAMPLES = GRANT[GRANT.index("examples:") : GRANT.index("draws_on:")]
BLANKS = GRANT.replace("person: identity_number", "person: {type: identity_number, blank: none}")
BLANKS = BLANKS.replace("months: months}}", "months: months, partner: {type: text, blank: none}}}")
RULES = GRANT[GRANT.index("rules:\n") : GRANT.index("payout:")]


def load(folder: Path, old: str, new: str) -> None:
    assert old in GRANT
    path = folder / "grant.yaml"
    path.write_text(GRANT.replace(old, new, 1))
    load_catalogue([path], problems_of)


def test_the_item_itself_is_in_order(tmp_path: Path) -> None:
    load(tmp_path, "code: grant", "code: grant")


@pytest.mark.parametrize(
    ("old", "new", "line", "problem"),
    [
        (REQUIRE, "jobs.employed && job.state", 33, "nothing is called 'jobs' here"),
        (REQUIRE, "job.employd && job.state", 33, "job.employd is not declared; of job there is"),
        (REQUIRE, "job.employed && job", 33, "say which member of job is meant"),
        (REQUIRE, 'job["employed"] && job.state', 33, "say which member of job is meant"),
        ("parameters.months)", "parameters.month)", 22, "parameters.month is not declared"),
        ("years_between", "years_betwen", 26, "there is no function 'years_betwen'"),
        ("years_between(identity.born, today)", "years_between(today)", 26, "is of two days"),
        ("identity.born, today", "job.months, today", 26, "job.months is not a date"),
        ('form.ground == "job"', 'form.grund == "job"', 32, "form.grund is not declared"),
        ('form.ground == "job"', 'form.ground == "jobs"', 32, "never 'jobs': job, home"),
        ('job.state == "old"', 'job.state == "odl"', 33, "job.state is never 'odl': new, old"),
        ("    needs: [identity]\n", "", 25, "identity is read here and not named in `needs`"),
        ("    needs: [job]\n    applies", "    applies", 32, "job is read here"),
        ("    needs: [job]\n    expression", "    expression", 21, "job is read here"),
        (
            "value: 12, valid_from: 2026-01-01",
            "value: 12, valid_from: 2027-01-01",
            17,
            "months has no value from 2026-01-01 on",
        ),
        ("source: a test\nbaseline", "source: ' '\nbaseline", 8, "source: String should match"),
        ("key: applicant", "key: \"'same'\"", 53, "the same for everybody"),
        ("choices: [job, home]", "choices: [job, job]", 12, "a choice is there twice"),
        ("choices: [new, old]", "choices: [old, old]", 15, "a choice is there twice"),
        ("months: months}}", "months: {type: months, min: 9, max: 3}}}", 15, "min is above max"),
        ("source: a test}\nvalues:", NEXT_VALUE, 18, "months is months elsewhere"),
        ("    type: money_fen\n", "", 19, "amount is paid: its type is money_fen"),
        ("{name: job,", "{name: today,", 15, "'today' is what expressions know already"),
        ("{name: job,", "{name: form,", 15, "'form' is what expressions know already"),
        ("- name: amount", "- name: parameters", 19, "'parameters' is what expressions know"),
        (RULES, "", 1, "without a rule everybody is approved: say `automatic: nobody-is-refused`"),
        ("rules:\n", "automatic: nobody-is-refused\nrules:\n", 23, "there are rules that refuse"),
        (") * 100", ") * 0.5", 20, "amount is a number, no money_fen"),
        ("least(job.months, parameters.months) * 100", "'\"many\"'", 20, "amount is a text"),
        ("    type: money_fen\n", "    type: text\n", 20, "amount is a whole number, no text"),
        ("amount: amount", "amount: amounts", 37, "there is no value 'amounts'"),
        (AGE, "years_between(identity.born, today)", 26, "a whole number and neither true nor"),
        (AGE, "identity.person", 26, "neither true nor false"),
        (AGE, "'true ? 1 : 2'", 26, "neither true nor false"),
        (AGE, "identity.born == null", 26, "nothing is compared with null"),
        (AGE, "identity.born >= 18", 26, "compares identity.born with a whole number"),
        (AGE, 'identity.born == "young"', 26, "identity.born is a date, and 'young' is none"),
        (AGE, "identity.born + 1 == 3", 26, "cannot count with identity.born"),
        (AGE, "'!identity.born'", 26, "identity.born is not true or false"),
        (AGE, "identity.born && true", 26, "identity.born is not true or false"),
        (AGE, "identity.born.isYoung()", 26, "there is no function 'isYoung'"),
        (AGE, "least(identity.born, 3) > 2", 26, "identity.born is not a number"),
        ('form.ground == "job"', "form.ground", 32, "neither true nor false"),
        (APP, f"{APP}identity_level: low\n", 8, "what pays asks for at least `substantial`"),
        (APP, f"{APP}identity_level: sure\n", 8, "identity_level"),
        ("day: 2026-03-01", "day: 2006-03-01", 42, "this is not approved: refused old"),
        ("pays_fen: 1000", "pays_fen: 1001", 42, "this pays 1000 fen, not 1001"),
        ("ground: job}\n  ev", "ground: jobs}\n  ev", 42, "form.ground: one of: job, home"),
        ("identity: {person: A0001,", "identity: {person: a0001,", 0, ""),
        ("born: 2015-05-01}", "born: 1985-05-01}", 46, "this is not refused by old alone: appr"),
        ("    - {rule: works, change: {job.employed: false}}\n", "", 30, "refused by works"),
        ("    - {without: job}\n", "", 15, "no example is referred without job"),
        ('employed: "true"', "employed: true", 51, "this is not referred: approved"),
        ("{without: job}", "{without: jobs}", 15, "no example is referred without job"),
        (
            GRANT[GRANT.index("examples:") : GRANT.index("draws_on:")],
            "",
            1,
            "examples: an item shows what is approved",
        ),
    ],
)
def test_a_mistake_is_found_with_its_line(
    tmp_path: Path, old: str, new: str, line: int, problem: str
) -> None:
    if not problem:  # nothing reads the person: it is no mistake
        load(tmp_path, old, new)
        return
    with pytest.raises(DefinitionError) as wrong:
        load(tmp_path, old, new)
    assert f"grant.yaml:{line}: " in wrong.value.message
    assert problem in wrong.value.message


@pytest.mark.parametrize(
    "require",
    [
        'identity.born < "2010-01-01"',
        "job.months * 2 >= parameters.months || job.employed",
        'form.ground in ["job", "home"] && job.employed',
        'identity.person.startsWith("A")',
        "size(identity.person) > 3",
        "(job.employed ? 1 : 0) == 1",
        "!(-job.months > 0)",
        "[1, 2].all(each, each > 0) && job.employed",
        "identity.born != today",
        'double(job.months) / 2.0 < 6.0 && identity.born != ""',
    ],
)
def test_what_is_right_is_taken(tmp_path: Path, require: str) -> None:
    path = tmp_path / "grant.yaml"
    source = "'" + require.replace("'", "''") + "'"
    text = GRANT.replace("needs: [identity]", "needs: [identity, job]").replace(AGE, source)
    path.write_text(text)
    assert load_catalogue([path]).versions("grant")


@pytest.mark.parametrize(
    ("require", "right"),
    [
        ("identity.person == job.partner", False),
        ("identity.person != job.partner", False),
        ("identity.person <= job.partner", False),
        ("identity.person in [job.partner]", False),
        ("[job.partner].exists(each, each == identity.person)", False),
        ("[identity.person].filter(each, true) == [job.partner]", False),
        ("string(identity.person) == dyn(job.partner)", False),
        ("(job.employed ? identity.person : 'none') == job.partner", False),
        ("(job.employed ? 'none' : '') == job.partner", False),
        ("size(identity.person) == size(job.partner)", False),
        ("'A'.startsWith(job.partner)", False),
        ("identity.person == job.state", True),
        ("identity.person == 'A1' && job.partner == ''", True),
        ("person == job.partner", True),
    ],
)
def test_two_blanks_that_mean_something_are_not_compared(
    tmp_path: Path, require: str, right: bool
) -> None:
    path = tmp_path / "grant.yaml"
    value = "values:\n  - {name: person, needs: [identity], expression: identity.person}\n"
    text = BLANKS.replace("needs: [identity]", "needs: [identity, job, person]")
    path.write_text(text.replace("values:\n", value).replace(AGE, f'"{require}"'))
    if right:
        (item,) = load_catalogue([path]).versions("grant")
        blank = {"identity": {"person": ""}, "job": {"partner": "", "employed": True}}
        step = decide(item, {"ground": "home"}, blank, date(2026, 3, 1)).steps[-2]
        assert step.finding is not Finding.MET
        return
    with pytest.raises(DefinitionError, match=r"may be blank"):
        load_catalogue([path])


def test_an_item_that_refuses_nobody_says_so(tmp_path: Path) -> None:
    text: Any = GRANT.replace(RULES, "automatic: nobody-is-refused\n")
    start, end = text.index("  refuses:"), text.index("  refers:")
    path = tmp_path / "grant.yaml"
    path.write_text((text[:start] + text[end:]).replace("    - {without: identity}\n", ""))
    with pytest.raises(DefinitionError, match="no example is referred without identity"):
        load_catalogue([path], problems_of)
    assert load_catalogue([path]).versions("grant")
