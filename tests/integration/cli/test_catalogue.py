"""`citybrain catalogue`: definitions checked, listed, and tried out before they decide."""

import json
from pathlib import Path

import pytest

from tests.given.catalogue import GOOD, new_item
from tests.given.terminal import Terminal


async def test_the_catalogue_is_checked_listed_and_explained(
    terminal: Terminal, tmp_path: Path
) -> None:
    assert "8 service items" in (await terminal.run("catalogue", "check")).out
    folder = str(new_item(tmp_path, "dog.yaml"))
    more = await terminal.run("catalogue", "check", folder)
    assert "9 service items" in more.out
    listed = await terminal.run("catalogue", "list", CITYBRAIN_DEFINITIONS_DIR=folder)
    assert "dog-licence" in listed.out
    assert max(map(len, listed.out.splitlines())) <= 80

    schema = (await terminal.run("catalogue", "schema", "housing-fund-repayment")).json
    assert schema["$defs"]["account"]["properties"]["balance_fen"]["type"] == "integer"

    told = await terminal.run("catalogue", "explain", "residence-permit")
    assert "half-a-year" in told.out
    form, evidence = tmp_path / "form.json", tmp_path / "evidence.json"
    answers, records = GOOD["housing-fund-repayment"]
    form.write_text(json.dumps(answers))
    evidence.write_text(json.dumps(records))
    options = ("--form", str(form), "--evidence", str(evidence), "--on", "2026-03-01")
    decided = await terminal.run("catalogue", "explain", "housing-fund-repayment", *options)
    assert "approved, 29000.00 yuan" in decided.out

    evidence.write_text(json.dumps(records | {"loan": None}))
    referred = await terminal.run(
        "catalogue", "explain", "housing-fund-repayment", *options, "--json"
    )
    assert referred.json["outcome"] == "referred"
    assert "own-loan" in referred.json["reasons"]


async def test_a_mistake_in_a_definition_is_one_line(terminal: Terminal, tmp_path: Path) -> None:
    folder = new_item(tmp_path, "dog.yaml", **{"parameters.months": "parameters.(months"})
    ended = await terminal.run("catalogue", "check", str(folder))
    assert ended.status == 1
    assert "dog.yaml:16:" in ended.err.replace("\n", "")
    assert "Traceback" not in ended.err
    nowhere = await terminal.run("catalogue", "explain", "nothing")
    assert "(unknown-service)" in nowhere.err


@pytest.mark.parametrize("place", ["services/cat.yaml", "service/cat.yml", "cat.yaml"])
async def test_a_file_that_nobody_reads_is_not_called_right(
    terminal: Terminal, tmp_path: Path, place: str
) -> None:
    folder = new_item(tmp_path, "dog.yaml")
    (folder / place).parent.mkdir(exist_ok=True)
    (folder / "service" / "dog.yaml").rename(folder / place)
    ended = await terminal.run("catalogue", "check", str(folder))
    assert ended.status == 1
    assert "nobody reads this" in " ".join(ended.err.split())
