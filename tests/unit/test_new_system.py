"""Names of a new system: which are refused, and that the templates bear all others."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ops.new_system import LIST, ROOT, listed, main, new_files, tidy, why_not


@pytest.mark.parametrize(
    ("name", "stream", "because"),
    [
        ("Trees", "tree", "not 2 to 20 letters"),
        ("trees", "fruit-tree", "not 2 to 20 letters"),
        ("../trees", "tree", "not 2 to 20 letters"),
        ("lessons", "class", "in Python"),
        ("lists", "list", "in Python or in the templates"),
        ("people", "actor", "in the templates"),
        ("trees", "trees", "two names"),
        ("order", "item", "in PostgreSQL"),
        ("public", "place", "in PostgreSQL"),
        ("inspection", "tree", "src/citybrain/domain/inspection is there"),
        ("processes", "tree", "commands/processes is there"),
        ("settlement", "case", "streams case-"),
        ("history", "snapshot", "streams snapshot-"),
        ("photos", "picture", "/v1/photos"),
    ],
)
def test_a_name_that_cannot_be_used_is_refused(name: str, stream: str, because: str) -> None:
    assert because in "; ".join(why_not(name, stream))


@pytest.mark.parametrize(("name", "stream"), [("bells", "bell"), ("belfry", "bell")])
def test_other_names_can_be_used(name: str, stream: str) -> None:
    assert list(why_not(name, stream)) == []


@pytest.mark.parametrize("name", ["parking", "benches", "cities", "buses", "glass"])
def test_what_one_of_them_is_called_is_asked_and_not_guessed(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["new_system", name])
    with pytest.raises(SystemExit):
        main()
    assert f"{name} STREAM" in capsys.readouterr().err


@pytest.mark.parametrize("length", [2, 20])
def test_lines_are_not_too_long_whatever_the_names(length: int, tmp_path: Path) -> None:
    name, stream = "y" * length, "z" * length
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    written: list[Path] = []
    for path, text in new_files(name, stream).items():
        written.append(tmp_path / path.relative_to(ROOT))
        written[-1].parent.mkdir(parents=True, exist_ok=True)
        written[-1].write_text(text)
    tidy(written)
    checked = [sys.executable, "-m", "ruff", "check", "--output-format=concise", str(tmp_path)]
    ended = subprocess.run(checked, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout


def test_a_second_one_comes_after_the_first() -> None:
    source = listed(listed(LIST.read_text(), "trees"), "wells")
    assert "    TREES,\n    WELLS,\n)\n" in source


def test_a_list_that_is_not_understood_is_left_alone() -> None:
    with pytest.raises(SystemExit, match="no list of systems"):
        listed("SYSTEMS = ()\n", "trees")
