"""What strangers ran into: nothing is left out of the table, and each of its tests is there."""

import re

import pytest

from tests.given.documents import CHECKOUT

TABLE = (CHECKOUT / "docs" / "faults.md").read_text()
ENTRIES = {"The edge": 17, "The street": 22, "The store": 16, "The first day": 18}


@pytest.mark.parametrize("file", ENTRIES)
def test_each_entry_has_what_comes_now_and_tests_that_there_are(file: str) -> None:
    part = TABLE.split(f"## {file}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (\d+) \| .+ \| .+ \| (.+) \|$", part, re.MULTILINE)
    assert [int(number) for number, _ in rows] == list(range(1, ENTRIES[file] + 1))
    for number, tests in rows:
        named = re.findall(r"`(\S+?\.py)`: ((?:`test_\w+`(?:, )?)+)", tests)
        assert named or tests == "no test", number
        for path, names in named:
            text = (CHECKOUT / path).read_text()
            for name in re.findall(r"`(\w+)`", names):
                assert re.search(rf"^\s*(async )?def {name}\(", text, re.MULTILINE), name
