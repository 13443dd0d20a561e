"""The JSON line, the targets, and the choice of lines."""

import io
from importlib import import_module
from types import ModuleType

import orjson
import pytest
from rich.console import Console

from citybrain.cli.bench import app
from ops.bench import append, http, project, replay
from ops.bench.figures import NOT_INSTALLED, Sample, Samples
from ops.bench.lines import AtLeast, AtMost, Line, composed, selected
from ops.bench.parking import parking
from ops.bench.run import MODULES, table_of

LINE = Line(
    "512",
    "ours",
    "limit",
    ("stock", "absent"),
    (AtLeast(0.5, "limit"), AtLeast(60, "stock"), AtMost("p99_ms", 60), AtLeast(1, "absent")),
)
SAMPLES: Samples = {
    "ours": Sample(30_000.04, p50_ms=12.345, p99_ms=61.0),
    "limit": Sample(50_000.0),
    "stock": Sample(500.0),
    "absent": NOT_INSTALLED,
}


def test_a_line_is_one_json_object_with_the_agreed_members() -> None:
    text = composed("append", LINE, SAMPLES).to_json()
    assert "\n" not in text
    line = orjson.loads(text)
    targets = line.pop("targets")
    assert line == {
        "bench": "append",
        "line": "512",
        "value": 30000.0,
        "unit": "events/s",
        "limit": 50000.0,
        "of_limit": 0.6,
        "peers": {"stock": 500.0, "absent": "not installed"},
        "p50_ms": 12.35,
        "p99_ms": 61.0,
        "limit_name": "limit",
    }
    assert [target["met"] for target in targets] == [True, True, False, None]
    assert targets[1] == {"target": "≥ 60 × stock", "reached": 60.0, "met": True}


def test_figures_that_do_not_apply_are_left_out() -> None:
    line = composed("b", Line("x", "ours", None), {"ours": Sample(1)}).as_dict()
    assert line["limit"] is None
    assert line["of_limit"] is None
    assert not {"p50_ms", "p99_ms", "rss_mb"} & set(line)


def test_what_was_computed_is_reported_of_both_processes() -> None:
    line = composed("b", Line("x", "ours", None), {"ours": Sample(1, cpu_us=2.5, db_cpu_us=7.125)})
    assert line.as_dict()["cpu_us"] == 2.5
    assert line.as_dict()["db_cpu_us"] == 7.12


def test_memory_is_reported_and_judged() -> None:
    line = Line("rebuild", "ours", None, targets=(AtMost("rss_mb", 300),))
    result = composed("b", line, {"ours": Sample(1, rss_mb=301)})
    assert result.as_dict()["rss_mb"] == 301
    assert [verdict.met for verdict in result.verdicts] == [False]


def test_a_line_without_its_own_figure_is_an_error() -> None:
    with pytest.raises(KeyError):
        composed("b", LINE, {**SAMPLES, "ours": NOT_INSTALLED})


def test_lines_are_chosen_by_name() -> None:
    lines = (Line("1", "a", None), Line("16", "b", None))
    assert selected(lines, None) == list(lines)
    assert selected(lines, "16, 1") == [lines[1], lines[0]]
    with pytest.raises(ValueError, match="no line 17; there are 1, 16"):
        selected(lines, "1,17")


@pytest.mark.parametrize("bench", [append, replay, project, http, parking])
def test_every_line_names_contenders_that_exist(bench: ModuleType) -> None:
    lines, contenders = bench.LINES, bench.CONTENDERS
    names = [name for line in lines for name in line.contenders()]
    assert set(names) == set(contenders)
    assert len({line.name for line in lines}) == len(lines)
    for line in lines:
        for target in line.targets:
            if isinstance(target, AtLeast):
                assert target.contender in line.contenders()


def test_the_table_shows_whether_targets_are_met() -> None:
    shown = io.StringIO()
    console = Console(file=shown, width=160)
    console.print(table_of("append", [composed("append", LINE, SAMPLES)]))
    text = shown.getvalue()
    for expected in ("30,000", "60% of", "12.3 / 61.0", "absent not installed", "missed", "met"):
        assert expected in text


def test_every_command_has_its_benchmark() -> None:
    commands = {command.name for command in app.registered_commands} - {"all"}
    commands -= {
        "signals",
        "signals-outages",
        "profile",
        "commands",
        "pieces",
        "soak",
        "boards",
    }  # with no lines
    assert commands == set(MODULES)
    for module in map(import_module, MODULES.values()):
        assert {line.own for line in module.LINES} <= set(module.CONTENDERS)
