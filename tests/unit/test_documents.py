"""What the documents say is there: pages, commands, settings, files, names."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from prometheus_client import REGISTRY
from pydantic import BaseModel

from citybrain.cli.main import app
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.officer_reasons import OfficerReasonsFile
from citybrain.definitions.calendars import CalendarDefinition
from citybrain.definitions.inspection.case_files import CaseFile
from citybrain.definitions.inspection.imports_311 import Import311
from citybrain.definitions.parking.bindings import PlateBindingFile
from citybrain.definitions.parking.imports import CounterImport
from citybrain.definitions.parking.permits import ParkingPermitFile
from citybrain.definitions.parking.plates import PlateFile, PlateReadingFile
from citybrain.definitions.parking.rules import ParkingRulesFile
from citybrain.definitions.parking.tariff_file import TariffFile
from citybrain.http import machine
from citybrain.intake import loud, reading
from citybrain.kafka import publisher
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS, load_definitions
from citybrain.systems.system import System
from projections import kafka_feed
from tests.given import stories
from tests.given.documents import (
    CHECKOUT,
    anchors_in,
    code_in,
    documents,
    links_in,
    name_of,
    spans_in,
)

README, CONTRIBUTING = CHECKOUT / "README.md", CHECKOUT / "CONTRIBUTING.md"
DOCS = CHECKOUT / "docs"
LONGEST_README = 200
OF_TESTS_ONLY = {"CITYBRAIN_TEST_DATABASE_URL", "CITYBRAIN_TEST_NEEDS_KAFKA"}
MEASURED = (kafka_feed, loud, machine, publisher, reading)
"""What counts and is loaded by commands only: here it is, and so are its metrics."""
TARGETS = set(re.findall(r"^([a-z-]+):.* ## ", (CHECKOUT / "Makefile").read_text(), re.MULTILINE))
ROUTES = {
    f"{route.method} {route.path}"
    for system in SYSTEMS
    for route in (*system.routes, *system.development_routes)
}
TOPICS = {
    event.__dict__["TOPIC"]
    for system in SYSTEMS
    for stream in system.streams
    for event in stream.EVENTS
}
MADE_UP = re.compile(r"/lost|[<…*]|NNNN|NAME")  # the example of CONTRIBUTING, and placeholders
FOLDERS = r"(?:src|commands|projections|migrations|ops|tests|docs|\.ci)"
PATH = re.compile(rf"{FOLDERS}/[^\s`]*")

each_document = pytest.mark.parametrize("document", documents(), ids=name_of)


@pytest.mark.parametrize("story", stories.documents(), ids=name_of)
def test_no_comment_stands_behind_a_command_of_a_story(story: Path) -> None:
    """The shell of macOS takes its words for arguments."""
    lines = "\n".join(stories.BLOCK.findall(story.read_text())).splitlines()
    assert [line for line in lines if re.search(r"^\s*[^\s#].*\s# ", line)] == []


def test_the_readme_is_read_to_its_end() -> None:
    assert README.read_text().count("\n") <= LONGEST_README


@each_document
def test_links_lead_somewhere(document: Path) -> None:
    for link in links_in(document):
        path, _, anchor = link.partition("#")
        target = document.parent / path if path else document
        assert target.exists(), link
        assert not anchor or anchor in anchors_in(target), link


def test_every_page_is_found_from_another() -> None:
    linked = {
        (document.parent / link.partition("#")[0]).resolve()
        for document in documents()
        for link in links_in(document)
        if not link.startswith("#")
    }
    pages = {page for page in documents() if page.is_relative_to(DOCS)}
    assert sorted(map(name_of, pages - linked)) == []


@each_document
def test_commands_are_those_that_there_are(document: Path) -> None:
    for line in code_in(document):
        assert not unknown_command(line), line
        for target in re.findall(r"(?:^|&& )make ([a-z-]+)", line):
            assert target in TARGETS, line


def unknown_command(line: str) -> str | None:
    """What a line calls of `citybrain` that is not there."""
    called = re.search(r"(?:^|[\s/])citybrain ((?:[^#`]|`)*)", line.partition(" # ")[0])
    if called is None:
        return None
    words = re.split(r"\s+", called[1].strip())
    return next(filter(None, (_unknown_in(each) for each in _alternatives(words))), None)


def _alternatives(words: list[str]) -> Iterator[list[str]]:
    """`a|b` is one or the other."""
    for place, word in enumerate(words):
        if re.fullmatch(r"[a-z]+(\|[a-z]+)+", word):
            for each in word.split("|"):
                yield [*words[:place], each, *words[place + 1 :]]
            return
    yield words


def _unknown_in(words: list[str]) -> str | None:
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while rest and hasattr(command, "list_commands"):
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", rest[0]):
            return None  # an ellipsis, a placeholder
        found = command.get_command(None, rest[0])
        if found is None:
            return rest[0]
        command = found
        rest.pop(0)
    if command.context_settings.get("ignore_unknown_options"):
        return None
    options = {option for parameter in command.params for option in _options_of(parameter)}
    given = (re.match(r"--[a-z0-9-]+", word) for word in rest)
    return next((each[0] for each in given if each and each[0] not in options), None)


def _options_of(parameter: Any) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


@pytest.mark.parametrize(
    ("line", "unknown"),
    [
        ("citybrain projections rebuild case_desk", None),
        (".venv/bin/citybrain replay STREAM --as-of v3  # then", None),
        ("citybrain bench append|http", None),
        ("citybrain …", None),
        ("citybrain projections mend case_desk", "mend"),
        ("citybrain bench append|fly", "fly"),
        ("citybrain replay STREAM --before v3", "--before"),
    ],
)
def test_a_command_that_is_not_there_is_found(line: str, unknown: str | None) -> None:
    assert unknown_command(line) == unknown


@each_document
def test_settings_are_those_that_there_are(document: Path) -> None:
    named = set(re.findall(r"CITYBRAIN_[A-Z0-9_]+", document.read_text()))
    assert named <= settings() | OF_TESTS_ONLY


def test_whoever_operates_finds_every_setting() -> None:
    named = set(re.findall(r"CITYBRAIN_[A-Z0-9_]+", (DOCS / "operating.md").read_text()))
    assert settings() - named == set()


def settings() -> set[str]:
    return {f"CITYBRAIN_{name.upper()}" for name in Settings.model_fields}


@each_document
def test_metrics_are_those_that_there_are(document: Path) -> None:
    named = {span for span in spans_in(document) if re.fullmatch(r"citybrain_[a-z_]+", span)}
    assert named <= set(REGISTRY._names_to_collectors)


@each_document
def test_files_are_where_the_documents_say(document: Path) -> None:
    named = {path.rstrip(".,") for span in spans_in(document) for path in PATH.findall(span)}
    gone = [path for path in named if not MADE_UP.search(path) and not (CHECKOUT / path).exists()]
    assert gone == []


@each_document
def test_operations_are_those_that_there_are(document: Path) -> None:
    named = {
        f"{method} {path}"
        for span in spans_in(document)
        for method, path in re.findall(r"\b(GET|POST|PUT|DELETE) (/[^\s?]*)", span)
        if "<" not in path  # another's
    }
    assert named - ROUTES == set()


@each_document
def test_topics_are_those_that_there_are(document: Path) -> None:
    categories = "|".join({topic.partition(".")[0] for topic in TOPICS})
    named = {span for span in spans_in(document) if re.fullmatch(rf"({categories})\.[a-z_]+", span)}
    assert {name for name in named if not name.endswith("_file")} <= TOPICS


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.name)
def test_a_page_of_a_system_names_all_of_it(system: System) -> None:
    spans = set(spans_in(DOCS / "systems" / f"{system.name}.md"))
    named = {stream.category for stream in system.streams}
    named |= {event.__dict__["TOPIC"] for stream in system.streams for event in stream.EVENTS}
    named |= {projection.name for projection in system.projections}
    named |= {process.manager.name for process in system.processes}
    assert named - spans == set()


def test_the_members_of_every_record_are_listed() -> None:
    """Who writes a rule finds there how a department calls what it reads."""
    text = (DOCS / "definitions.md").read_text("utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| `([a-z-]+)` \| (.+) \|$", text, re.MULTILINE)
    listed = {(department, record): members for department, record, members in rows}
    read = {
        (each.department, each.record, member)
        for item in load_definitions().of(Catalogue).all_versions()
        for each in item.materials
        for member in each.members
    }
    assert read
    assert {each for each in read if f"`{each[2]}`" not in listed.get(each[:2], "")} == set()


@pytest.mark.parametrize(
    "model",
    [
        CaseFile,
        ServiceItem,
        OfficerReasonsFile,
        CalendarDefinition,
        Import311,
        PlateFile,
        PlateReadingFile,
        PlateBindingFile,
        ParkingPermitFile,
        TariffFile,
        ParkingRulesFile,
        CounterImport,
    ],
)
def test_every_member_of_a_definition_is_explained(model: type[BaseModel]) -> None:
    spans = set(spans_in(DOCS / "definitions.md"))
    assert set(members_of(model)) - spans == set()


def members_of(model: type[BaseModel]) -> Iterator[str]:
    """The members of a model, and of the models within it."""
    schema = model.model_json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        yield from part.get("properties", ())
