"""What is handed to those who operate: each name in it is one that there is."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from prometheus_client import REGISTRY

from citybrain.cli.main import app
from citybrain.eventstore import measuring
from citybrain.http import machine
from citybrain.intake import reading
from citybrain.kafka import publisher
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from projections import kafka_feed
from tests.given.documents import CHECKOUT, anchors_in

MEASURED = (kafka_feed, machine, measuring, publisher, reading, SYSTEMS)
"""What counts and is loaded by commands only: here it is, and so are its metrics."""
OPS = CHECKOUT / "ops"
RUNBOOK = CHECKOUT / "docs" / "runbook.md"
BOARDS = sorted((OPS / "grafana" / "boards").glob("*.json"))
UNITS = sorted((OPS / "systemd").glob("*.service"))
METRIC = re.compile(r"\bcitybrain_[a-z_]+")
OURS = re.compile(r"\bCITYBRAIN_[A-Z0-9_]+")
LABELS = re.compile(r"(citybrain_[a-z_]+)\{([^}]*)\}|by \(([^)]*)\)")


def metrics() -> set[str]:
    """Every series that `/metrics` may have."""
    return set(REGISTRY._names_to_collectors)


def settings() -> set[str]:
    """Every variable of the environment that is a setting."""
    return {f"CITYBRAIN_{name.upper()}" for name in Settings.model_fields}


def compose() -> dict[str, Any]:
    """The file of all parts."""
    found: dict[str, Any] = yaml.safe_load((OPS / "compose" / "compose.yaml").read_text())
    return found


def alerts() -> list[dict[str, Any]]:
    """Every alert."""
    rules = yaml.safe_load((OPS / "prometheus" / "alerts.yml").read_text())
    return [rule for group in rules["groups"] for rule in group["rules"]]


def asked() -> Iterator[tuple[str, str]]:
    """Every expression that is asked of Prometheus, and who asks."""
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for path in BOARDS:
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                yield f"{path.name}: {panel['title']}", target["expr"]


def runs(words: list[str]) -> None:
    """`citybrain WORDS` is a command with these options; nothing is run."""
    command: Any = typer.main.get_command(app)
    rest = list(words)
    while hasattr(command, "get_command"):
        command = command.get_command(None, rest.pop(0))
        assert command is not None, words
    command.make_context("citybrain", rest)


@pytest.mark.parametrize(
    ("whose", "expression"), [pytest.param(*each, id=each[0]) for each in asked()]
)
def test_what_is_asked_of_prometheus_is_measured(whose: str, expression: str) -> None:
    named = set(METRIC.findall(expression))
    assert named or "up{" in expression, whose
    assert named <= metrics()
    known = {label for name in named for label in _labels(name)} | {"le", "instance", "job"}
    for _, inside, by in LABELS.findall(expression):
        of = re.findall(r"(\w+)\s*[=!]~?", inside) + re.findall(r"\w+", by)
        assert set(of) <= known


def _labels(metric: str) -> tuple[str, ...]:
    collector: Any = REGISTRY._names_to_collectors[metric]  # the library has no public way to ask
    found: tuple[str, ...] = collector._labelnames
    return found


def test_every_alert_has_an_entry_in_the_runbook_and_the_other_way_round() -> None:
    known, named = anchors_in(RUNBOOK), set()
    for rule in alerts():
        path, _, anchor = rule["annotations"]["runbook_url"].partition("#")
        assert path == "docs/runbook.md"
        assert anchor in known, rule["alert"]
        assert f"`{rule['alert']}`" in RUNBOOK.read_text(), rule["alert"]
        named.add(rule["alert"])
    assert set(re.findall(r"`(Citybrain\w+)`", RUNBOOK.read_text())) == named
    assert len(named) == len(alerts())


def test_every_entry_of_the_runbook_was_tried() -> None:
    """Its last line names the tests that bring the symptom about, and they are there."""
    entries = re.split(r"^### ", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    assert entries
    for entry in entries:
        tried = re.search(r"^Tried: (.+(?:\n.+)*)", entry, re.MULTILINE)
        assert tried is not None, entry.splitlines()[0]
        files = re.findall(r"`([^`]+\.py)`", tried[1])
        assert files, entry.splitlines()[0]
        assert all("def test_" in (CHECKOUT / path).read_text() for path in files), files


def test_boards_and_panels_have_names_of_their_own() -> None:
    boards = [json.loads(path.read_text()) for path in BOARDS]
    assert len({board["uid"] for board in boards}) == len(boards) > 0
    for board in boards:
        titles = [panel["title"] for panel in board["panels"]]
        assert len(set(titles)) == len(titles)


def test_compose_names_settings_and_commands_that_there_are() -> None:
    services = compose()["services"]
    ours = {name: each for name, each in services.items() if each.get("image") == "citybrain"}
    assert {"api", "worker", "publisher", "migrate"} <= ours.keys()
    for each in ours.values():
        assert set(each["environment"]) <= settings()
        runs(each["command"])
        values = {name[10:].lower(): _filled(text) for name, text in each["environment"].items()}
        Settings(**{name: _parsed(value) for name, value in values.items()})
    assert set(OURS.findall((OPS / "compose" / "compose.yaml").read_text())) <= settings()


def test_compose_names_files_that_there_are() -> None:
    found = compose()
    for config in found["configs"].values():
        assert (OPS / "compose" / config["file"]).exists()
    for service in found["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            if source.startswith("."):
                assert (OPS / "compose" / source).exists(), volume
            else:
                assert source in found["volumes"], volume
        for secret in service.get("secrets", ()):
            assert secret in found["secrets"]
    asked_for = set(re.findall(r"\$\{(\w+)", (OPS / "compose" / "compose.yaml").read_text()))
    given = (OPS / "compose" / "example.env").read_text()
    assert asked_for == set(re.findall(r"^(\w+)=", given, re.MULTILINE))


def _filled(text: str) -> str:
    return re.sub(r"\$\{\w+(?::[-?]([^}]*))?\}", r"\1", text)


def _parsed(value: str) -> Any:
    return json.loads(value) if value.startswith("[") else value


def test_prometheus_asks_at_the_ports_that_compose_serves_at() -> None:
    config = yaml.safe_load((OPS / "prometheus" / "prometheus.yml").read_text())
    (job,) = config["scrape_configs"]
    at = {each["names"][0]: each["port"] for each in job["dns_sd_configs"]}
    defaults = Settings()
    assert at["api"] == defaults.http_port
    assert at["worker"] == defaults.work_port
    assert str(at["publisher"]) in compose()["services"]["publisher"]["command"]
    assert config["rule_files"] == ["alerts.yml"]


def test_the_image_is_made_by_targets_that_are_tested() -> None:
    text = (CHECKOUT / "Dockerfile").read_text()
    makefile = (CHECKOUT / "Makefile").read_text()
    targets = re.findall(r"^RUN make (\w+)$", text, re.MULTILINE)
    assert targets == ["pages", "venv"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    assert set(OURS.findall(text)) <= settings()
    (entrypoint,) = re.findall(r"^ENTRYPOINT (.+)$", text, re.MULTILINE)
    (command,) = re.findall(r"^CMD (.+)$", text, re.MULTILINE)
    assert json.loads(entrypoint) == ["citybrain"]
    runs(json.loads(command))


def test_what_is_missing_is_said_before_anything_is_made(tmp_path: Path) -> None:
    """A Python that is too old, none at all, no Node.js: a sentence, and no environment is left."""
    lock = tmp_path / "src" / "web" / "package-lock.json"
    lock.parent.mkdir(parents=True)
    for needed in ("requirements.lock", "requirements-sumo.lock", "pyproject.toml"):
        (tmp_path / needed).touch()
    lock.touch()
    for target, python, needs in (
        ("venv", "/bin/false", "Python 3.11 or newer"),
        ("venv", "no-such-python", "Python 3.11 or newer"),
        ("venv", "", "Python 3.11 or newer"),
        ("run", sys.executable, "Node.js 20.19 or newer"),
    ):
        done = subprocess.run(
            [str(shutil.which("make")), "-f", CHECKOUT / "Makefile", target, f"PYTHON={python}"],
            cwd=tmp_path,
            env={"PATH": "/no/programs"},
            capture_output=True,
            text=True,
        )
        assert done.returncode != 0
        assert needs in done.stderr
        assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("unit", UNITS, ids=[unit.stem for unit in UNITS])
def test_units_run_commands_that_there_are(unit: Path) -> None:
    (line,) = re.findall(
        r"^ExecStart=/opt/citybrain/.venv/bin/citybrain (.+)$", unit.read_text(), re.MULTILINE
    )
    runs(line.split())
    if "ExecReload" in unit.read_text():
        assert "--processes" in line  # one process alone ends at SIGHUP
    grace = re.search(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE)
    assert grace is None or int(grace[1]) > Settings().shutdown_grace_seconds + 10
    environment = (OPS / "systemd" / "citybrain.env").read_text()
    assert set(re.findall(r"^(CITYBRAIN_\w+)=", environment, re.MULTILINE)) <= settings()


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd-analyze")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    for path in (*UNITS, *(OPS / "systemd").glob("*.timer")):
        text = path.read_text().replace("/opt/citybrain/.venv/bin/citybrain", "/bin/true")
        text = re.sub(r"^(User|Group)=.*", r"\1=root", text, flags=re.MULTILINE)
        (tmp_path / path.name).write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", *map(str, tmp_path.iterdir())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (
        done.returncode,
        [line for line in done.stderr.splitlines() if str(tmp_path) in line],
    ) == (0, [])
