"""What several tests use lives in `tests/given/`: a test is never imported by another."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]


def imported(file: Path) -> Iterator[str]:
    """The modules that a file imports."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom):
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def test_helpers_are_in_the_folder_of_helpers() -> None:
    ours = {"tests", "tests.given"}
    elsewhere = {
        f"{file.relative_to(TESTS)}: {name}"
        for file in TESTS.rglob("*.py")
        for name in imported(file)
        if name.partition(".")[0] == "tests" and ".".join(name.split(".")[:2]) not in ours
    }
    assert elsewhere == set()
    known = ("__init__.py", "conftest.py")
    outside = [file for file in TESTS.rglob("*.py") if "given" not in file.parts]
    helpers = [f.name for f in outside if f.name not in known and not f.name.startswith("test_")]
    assert helpers == []
