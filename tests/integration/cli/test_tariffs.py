"""`citybrain tariffs`: tariffs checked, and a stay explained before it is charged."""

from pathlib import Path

from tests.given.parking.tariffs import STREET_FILE
from tests.given.terminal import Terminal


def city(folder: Path, **changes: str) -> str:
    """A city's own folder with a version of 2027, in which texts are other ones."""
    text = STREET_FILE.read_text().replace("valid_from: 2020-01-01", "valid_from: 2027-01-01")
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (folder / "tariff").mkdir(parents=True, exist_ok=True)
    (folder / "tariff" / "street-2027.yaml").write_text(text)
    return str(folder)


async def test_tariffs_are_checked_and_a_stay_is_explained(
    terminal: Terminal, tmp_path: Path
) -> None:
    assert "street: 1 version(s) in order" in (await terminal.run("tariffs", "check")).out
    folder = city(tmp_path / "city")
    assert "street: 2 version(s)" in (await terminal.run("tariffs", "check", folder)).out

    stay = ("--zone", "1", "--from", "2026-09-14T10:00", "--to", "2026-09-16T10:00")
    told = await terminal.run("tariffs", "explain", *stay)
    assert "10000 fen" in told.out
    assert "11 × 400" in told.out
    assert max(map(len, told.out.splitlines())) <= 80
    as_json = (await terminal.run("tariffs", "explain", *stay, "--json")).json
    assert [line["fen"] for line in as_json["lines"]] == [4000, 5200, 800]
    compared = await terminal.run(
        "tariffs", "explain", *stay, "--compare", "2027-01-01", CITYBRAIN_DEFINITIONS_DIR=folder
    )
    assert "by 2027-01-01 it is the same" in compared.out
    police = await terminal.run("tariffs", "explain", *stay, "--class", "police", "--json")
    assert police.json["total_fen"] == 0
    badge = await terminal.run("tariffs", "explain", *stay, "--permit", "disabled-badge", "--json")
    assert badge.json["lines"][0]["rule"] == "disabled-badge"


async def test_a_mistake_in_a_tariff_is_one_line(terminal: Terminal, tmp_path: Path) -> None:
    wrong = city(tmp_path / "city", **{"{fen: 400, each_minutes: 60, times: 1}": "{fen: 401}"})
    ended = await terminal.run("tariffs", "check", wrong)
    assert ended.status == 1
    assert "street-2027.yaml:" in ended.err.replace("\n", "")
    assert "Traceback" not in ended.err
    (tmp_path / "city" / "tariffs").mkdir()
    (tmp_path / "city" / "tariffs" / "street.yaml").write_text("x: 1")
    ended = await terminal.run("tariffs", "check", wrong)
    assert "nobody reads this" in " ".join(ended.err.split())


async def test_what_nobody_knows_is_said(terminal: Terminal) -> None:
    stay = ("--zone", "1", "--from", "2026-09-14T10:00", "--to", "2026-09-14T11:00")
    for more, code in (
        (("--permit", "gym"), "invalid-input"),
        (("--version", "2021-01-01"), "tariff-version-unknown"),
        (("--tariff", "garage"), "tariff-unknown"),
    ):
        ended = await terminal.run("tariffs", "explain", *stay, *more)
        assert ended.status == 1
        assert code in ended.err.replace("\n", "")
    backwards = await terminal.run("tariffs", "explain", *stay[:4], "--to", "2026-09-14T09:00")
    assert "stay-invalid" in backwards.err
