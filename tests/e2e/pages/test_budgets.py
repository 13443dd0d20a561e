"""What a browser loads before a client shows anything, packed, against `src/web/budgets.json`."""

import gzip
import json
from pathlib import Path

import pytest

from citybrain.http.clients import CLIENTS, PAGES

BUDGETS: dict[str, int] = json.loads(
    (Path(__file__).parents[3] / "src" / "web" / "budgets.json").read_text(encoding="utf-8")
)
MANIFEST = PAGES / "manifest.json"


def first_load(client: str) -> dict[str, int]:
    """The files of a client's first page, without what is loaded later, and their packed bytes."""
    manifest = json.loads(MANIFEST.read_text(encoding="utf-8"))
    files: set[str] = set()
    open_chunks, seen = [f"{client}/index.html"], set[str]()
    while open_chunks:
        chunk = open_chunks.pop()
        if chunk in seen:
            continue
        seen.add(chunk)
        about = manifest[chunk]
        files |= {about["file"], *about.get("css", ())}
        open_chunks += about.get("imports", ())
    return {name: len(gzip.compress((PAGES / name).read_bytes(), 9)) for name in sorted(files)}


def test_every_client_has_a_budget() -> None:
    assert set(BUDGETS) == set(CLIENTS.values())


@pytest.mark.parametrize("client", sorted(BUDGETS))
def test_the_first_load_is_within_its_budget(client: str) -> None:
    files = first_load(client)
    assert sum(files.values()) <= BUDGETS[client], files


def test_what_gains_by_it_was_packed_beforehand() -> None:
    scripts = [path for path in (PAGES / "static").glob("*.js") if path.stat().st_size >= 1024]
    assert scripts
    for path in scripts:
        assert gzip.decompress(path.with_name(f"{path.name}.gz").read_bytes()) == path.read_bytes()
        assert path.with_name(f"{path.name}.br").is_file()
