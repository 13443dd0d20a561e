"""Puts a new system in place: the rooms in `docs/templates/system`, with its own names.

    python -m ops.new_system trees            # the system `trees`, about streams `tree-…`
    python -m ops.new_system parking berth    # the system `parking`, about streams `berth-…`

It writes new files only, and the system's import and line in `src/citybrain/systems/__init__.py`.
"""

import argparse
import keyword
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

from citybrain.domain.stream import StreamSnapshot
from citybrain.systems import PROJECTIONS, SYSTEMS

ROOT = Path(__file__).resolve().parents[1]
TEMPLATES = ROOT / "docs" / "templates" / "system"
LIST = ROOT / "src" / "citybrain" / "systems" / "__init__.py"
BEFORE_IMPORT = "from citybrain.systems.system import System\n"
START, END = "SYSTEMS: tuple[System, ...] = (\n", "\n)\n"
FLOORS = (
    *(f"src/citybrain/{floor}" for floor in ("domain", "definitions", "audit", "http", "systems")),
    *("commands", "projections", "ops/bench", "ops/simulators"),
)
PLACEHOLDERS = re.compile("LAMPS|Lamps|lamps|Lamp|lamp")
WORD = re.compile(r"[a-z]{2,20}")
NO_PLAIN_PLURAL = re.compile(r"[^s]$|[siu]s$|ies$|[sxz]es$|[cs]hes$")

# Reserved in PostgreSQL (its manual, appendix C), and the schema where the log is.
NO_SCHEMA = """
all analyse analyze and any array as asc asymmetric authorization binary both case cast check
collate collation column concurrently constraint create cross default deferrable desc distinct do
else end except false fetch for foreign freeze from full grant group having ilike in initially
inner intersect into is isnull join lateral leading left like limit localtime localtimestamp
natural not notnull null offset on only or order outer overlaps placing primary public references
returning right select similar some symmetric table tablesample then to trailing true union unique
user using variadic verbose when where window with
"""


def why_not(name: str, stream: str) -> Iterator[str]:
    """Why a system cannot be called so, and one of its streams."""
    for word in (name, stream):
        if not WORD.fullmatch(word):
            yield f"{word!r} is not 2 to 20 letters from a to z"
        elif keyword.iskeyword(word) or word in used_in_templates():
            yield f"{word!r} has a meaning of its own in Python or in the templates"
    if name == stream:
        yield "the system and its stream need two names"
    if name in NO_SCHEMA.split():
        yield f"{name!r} has a meaning of its own in PostgreSQL"
    rooms = [ROOT / floor / path for floor in FLOORS for path in (name, f"{name}.py")]
    if there := next(filter(Path.exists, (*rooms, *new_files(name, stream))), None):
        yield f"{there.relative_to(ROOT)} is there already"
    categories = {each.category for system in SYSTEMS for each in system.streams}
    if stream in categories | {StreamSnapshot.TOPIC}:
        yield f"there are streams {stream}-… already"
    if any(name == projection.name for projection in PROJECTIONS):
        yield f"there is a read model {name} already"
    paths = [route.path for system in SYSTEMS for route in system.routes]
    if any(f"{path}/".startswith(f"/v1/{name}/") for path in paths):
        yield f"there are operations under /v1/{name} already"


def used_in_templates() -> set[str]:
    """The names that the templates' code uses beside its placeholders."""
    found = set()
    for path in TEMPLATES.rglob("*.py"):
        with path.open("rb") as source:
            tokens = list(tokenize.tokenize(source.readline))
        found |= {each.string.lower() for each in tokens if each.type == tokenize.NAME}
    return {each for each in found if not PLACEHOLDERS.search(each)}


def renamed(text: str, name: str, stream: str) -> str:
    """A template with the names of the system and of its stream."""
    words = {
        "LAMPS": name.upper(),
        "Lamps": name.capitalize(),
        "lamps": name,
        "Lamp": stream.capitalize(),
        "lamp": stream,
    }
    return PLACEHOLDERS.sub(lambda found: words[found[0]], text)


def new_files(name: str, stream: str) -> dict[Path, str]:
    """What is written where."""
    found = (path for kind in ("*.py", "*.yaml", "*.md") for path in TEMPLATES.rglob(kind))
    about = TEMPLATES / "README.md"
    templates = [path for path in found if "__pycache__" not in path.parts and path != about]
    return {
        ROOT / renamed(str(path.relative_to(TEMPLATES)), name, stream): renamed(
            path.read_text(encoding="utf-8"), name, stream
        )
        for path in sorted(templates)
    }


def listed(source: str, name: str) -> str:
    """The list of systems with one more at its end."""
    imported = f"from citybrain.systems.{name} import {name.upper()}\n"
    head, start, rest = source.replace(BEFORE_IMPORT, imported + BEFORE_IMPORT).partition(START)
    entries, end, tail = rest.partition(END)
    if not (start and end and imported in head):
        raise SystemExit(f"{LIST.relative_to(ROOT)} has no list of systems that is understood here")
    return f"{head}{start}{entries}\n    {name.upper()},{end}{tail}"


def tidy(paths: list[Path]) -> None:
    """Sort and break lines as the names want it."""
    ruff = [sys.executable, "-m", "ruff"]
    paths = [path for path in paths if path.suffix == ".py"]
    subprocess.run([*ruff, "check", "--quiet", "--select", "I", "--fix", *paths], check=True)
    subprocess.run([*ruff, "format", "--quiet", *paths], check=True)


NEXT = """
It is served, replayed, in /openapi.json and on the live board. Look:
    .venv/bin/citybrain systems show {name}
    .venv/bin/pytest tests/unit/domain/{name} tests/integration/http/{name}
    make run ARGS=--no-city                                (then /docs of the server)

Now make it yours, from the ground up, as docs/templates/system/README.md says:
    src/citybrain/domain/{name}/{stream}.py    what can happen, and what is refused
    then commands/{name}, projections/{name}, src/citybrain/http/{name}
    and `make fmt`, `make test`"""


def main() -> None:
    """Check the names, write the files, say what comes next."""
    parser = argparse.ArgumentParser(prog="python -m ops.new_system", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("name", help="of the system and of its rooms: trees, parking")
    parser.add_argument("stream", nargs="?", help="what one stream is about: tree, berth")
    arguments = parser.parse_args()
    name, stream = arguments.name, arguments.stream
    if stream is None and NO_PLAIN_PLURAL.search(name):
        parser.error(f"say what one stream is about, too: {name} STREAM")
    stream = stream or name.removesuffix("s")
    if reasons := list(why_not(name, stream)):
        parser.error("; ".join(reasons))
    files = new_files(name, stream) | {LIST: listed(LIST.read_text(encoding="utf-8"), name)}
    for path, text in files.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    tidy(list(files))
    print(f"The system {name}, about streams {stream}-…, is in place.")
    for path in files:
        print(f"    {'one line more: ' if path == LIST else 'new: '}{path.relative_to(ROOT)}")
    print(NEXT.format(name=name, stream=stream))


if __name__ == "__main__":
    main()
