"""The release before runs on while a migration is applied, and after it: migrations only add.

Its statements name columns, functions and tables as they were. What no release uses any more may go
with the release after the next one; then its number is named in `LATER_THAN`.
"""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from citybrain.eventstore.migrations import Migration, load_migrations, migrations_folder

RELEASED = Path(__file__).with_name("released_migrations.sha256")
"""As `sha256sum` writes it. What a database has had applied is held to it: it never changes."""
LATER_THAN = 18
"""Since then releases were tried side by side (tests/faults/test_roll_out.py)."""

COMMENT = re.compile(r"--[^\n]*")
QUOTED = re.compile(r"\$\$.*?\$\$", re.DOTALL)
CREATED = re.compile(r"\bCREATE TABLE (?:IF NOT EXISTS )?(\w+)", re.IGNORECASE)
REFUSED = {
    "something goes": r"\b(?:DROP|RENAME|TRUNCATE)\b",
    "a type changes": r"\bALTER COLUMN \w+ (?:SET DATA )?TYPE\b",
    "older rows do not fit": (
        r"\bSET NOT NULL\b|\bADD (?:CONSTRAINT|CHECK|UNIQUE|FOREIGN|PRIMARY)\b"
    ),
    "older inserts do not fit": (
        r"\bADD COLUMN (?:IF NOT EXISTS )?\w+ (?![^,;]*\bDEFAULT\b)[^,;]*\bNOT NULL\b"
    ),
    "what the release before calls does something else": r"\bCREATE OR REPLACE\b",
}
ON_A_TABLE = re.compile(
    r"\bCREATE (UNIQUE INDEX|INDEX|TRIGGER)\b.*?\bON (\w+)", re.IGNORECASE | re.DOTALL
)


def not_additive(sql: str) -> Iterator[str]:
    """What a migration does that the release before may not bear."""
    text = QUOTED.sub("''", COMMENT.sub("", sql))
    ours = set(CREATED.findall(text))
    for statement in filter(str.strip, text.split(";")):
        for why, pattern in REFUSED.items():
            if re.search(pattern, statement, re.IGNORECASE):
                yield why
        for what, table in ON_A_TABLE.findall(statement):
            if table not in ours and (what != "INDEX" or table == "stored_events"):
                yield f"{what.lower()} on {table}, which is there already"


@pytest.mark.parametrize(
    "migration",
    [each for each in load_migrations(migrations_folder()) if each.number > LATER_THAN],
    ids=lambda each: f"{each.number:04}",
)
def test_migrations_only_add(migration: Migration) -> None:
    assert list(not_additive(migration.sql)) == []


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        ("CREATE TABLE new (id int); CREATE UNIQUE INDEX ON new (id);", 0),
        ("ALTER TABLE old ADD COLUMN more int;", 0),
        ("ALTER TABLE old ADD COLUMN more int NOT NULL DEFAULT 0;", 0),
        ("CREATE INDEX ON old (id); -- DROP nothing", 0),
        ("CREATE FUNCTION f() RETURNS void AS $$ BEGIN DROP TABLE x; END $$ LANGUAGE plpgsql;", 0),
        ("ALTER TABLE old ADD COLUMN more int NOT NULL;", 1),
        ("ALTER TABLE old DROP COLUMN less;", 1),
        ("ALTER TABLE old RENAME TO older;", 1),
        ("ALTER TABLE old ALTER COLUMN id TYPE bigint;", 1),
        ("ALTER TABLE old ALTER COLUMN id SET NOT NULL;", 1),
        ("ALTER TABLE old ADD CONSTRAINT positive CHECK (id > 0);", 1),
        ("CREATE UNIQUE INDEX ON old (id);", 1),
        ("CREATE INDEX ON stored_events (recorded_at);", 1),
        ("CREATE TRIGGER t BEFORE INSERT ON old EXECUTE FUNCTION f();", 1),
        ("CREATE OR REPLACE FUNCTION f() RETURNS int AS $$ SELECT 1 $$ LANGUAGE sql;", 1),
    ],
)
def test_what_does_more_than_add_is_found(sql: str, found: int) -> None:
    assert len(list(not_additive(sql))) == found


def test_a_released_migration_never_changes() -> None:
    """A new one is added with `sha256sum`: once it is on main, somebody has applied it."""
    folder = migrations_folder()
    there = {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.sql")
    }
    lines = RELEASED.read_text(encoding="utf-8").splitlines()
    released = {name: digest for digest, name in (line.split("  ") for line in lines)}
    assert {name: there.get(name) for name in released} == released
    newer = sorted(name for name in there.keys() - released.keys() if "/" not in name)
    assert not newer or newer[0] > max(name for name in released if "/" not in name)
