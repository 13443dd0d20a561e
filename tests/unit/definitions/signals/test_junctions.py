"""A junction's file is checked when it is loaded: file, line, rule, and what is needed."""

from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.junctions import load_signals
from citybrain.definitions.yaml_file import DefinitionError
from tests.given.signals.x1 import X1, loaded, written

Change = Callable[[dict[str, Any]], None]


def changed(change: Change) -> dict[str, Any]:
    said = deepcopy(X1)
    change(said)
    return said


def refused(folder: Path, change: Change) -> list[str]:
    """What is said of a file, without its path; each line begins with a number of a line."""
    path = written(folder, changed(change))
    with pytest.raises(DefinitionError) as error:
        load_signals(Files(folder), Definitions())
    found = str(error.value).splitlines()
    assert all(each.startswith(f"{path}:") for each in found)
    return [each.removeprefix(f"{path}:") for each in found]


def splits(*seconds: float) -> list[dict[str, Any]]:
    return [{"stage": stage, "seconds": each} for stage, each in zip("ABC", seconds, strict=True)]


def plan(**members: Any) -> Change:
    return lambda said: said["plans"]["day"].update(members)


def test_what_is_shipped_and_what_the_scenarios_have_is_right(tmp_path: Path) -> None:
    assert load_signals(Files(), Definitions()).junctions
    found = loaded(tmp_path)
    assert found.junction.groups["P1"].ending_ms == 20_000
    assert found.junction.groups["P2"].ending_ms == 14_000
    assert found.warnings == ()


def test_s44_splits_that_do_not_add_up(tmp_path: Path) -> None:
    (said,) = refused(tmp_path, plan(cycle=89, splits=splits(42, 18, 30)))
    assert said.endswith("the splits add up to 90, the cycle is 89")


def test_s44_a_split_that_is_too_short_names_the_least(tmp_path: Path) -> None:
    (said,) = refused(tmp_path, plan(splits=splits(52, 8, 30)))
    assert said.endswith("stage B has 8 s and needs 12: L1 needs 7 + 5")


def test_s44_people_on_foot_need_their_walk_and_their_clearance(tmp_path: Path) -> None:
    (said,) = refused(tmp_path, plan(splits=splits(54, 18, 18)))
    assert said.endswith("stage C has 18 s and needs 21: P2 needs 7 + 14")
    by_call = changed(plan(splits=splits(54, 18, 18), walk="by-call"))
    assert loaded(tmp_path, by_call).plans["day"].splits[2] == ("C", 18_000)


def test_s44_an_offset_of_a_whole_cycle_is_none(tmp_path: Path) -> None:
    found = loaded(tmp_path, changed(plan(offset=90)))
    assert found.plans["day"].offset_ms == 0
    (warning,) = found.warnings
    assert warning.endswith("an offset of 90 in a cycle of 90 is read as 0")


def test_s44_a_group_is_served_twice_where_the_plan_says_so(tmp_path: Path) -> None:
    twice = [*splits(42, 18, 30), {"stage": "B", "seconds": 20}]
    (said,) = refused(tmp_path, plan(cycle=110, splits=twice))
    assert said.endswith("plan day serves L1 twice: say so in `twice`")
    assert loaded(tmp_path, changed(plan(cycle=110, splits=twice, twice=["L1"])))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda said: said["intergreens"]["V1"].pop("V2"), "intergreen V1 to V2 is missing, 3 s"),
        (
            lambda said: said["intergreens"]["V1"].update(V2=2.9),
            "intergreen V1 to V2 of 2.9 s is shorter than the yellow of V1: 3 s",
        ),
        (
            lambda said: said["intergreens"]["P1"].update(V2=19),
            "intergreen P1 to V2 of 19 s is shorter than the clearance of P1: 20 s",
        ),
        (lambda said: said["intergreens"]["V1"].update(P1=5), "V1 and P1 have an intergreen and"),
        (lambda said: said["stages"].update(D=["V1", "V2"]), "stage D has V1 and V2, which"),
        (lambda said: said["stages"].update(D=["V9"]), "there is no group 'V9'"),
        (lambda said: said["start"].update(stage="Z"), "there is no stage 'Z'"),
        (lambda said: said["conflicts"].append(["V2", "V1"]), "V2 and V1 stand here twice"),
        (lambda said: said["conflicts"].append(["V1", "V1"]), "V1 does not conflict with itself"),
        (lambda said: said["groups"]["V1"].update(yellow=2.9), "greater than or equal to 3"),
        (lambda said: said["groups"]["V1"].update(yellow=6.1), "less than or equal to 6"),
        (lambda said: said["groups"]["P1"].update(walk=6), "greater than or equal to 7"),
        (lambda said: said["groups"]["V1"].update(minimum=7.05), "multiple of 0.1"),
        (lambda said: said["groups"]["V1"].update(maximum=6), "is below the minimum: 7 s"),
        (lambda said: said["groups"]["V1"].update(lamps=3), "Extra inputs are not permitted"),
        (
            lambda said: said["groups"]["P2"].update(longest_wait=40),
            "longest_wait of P2 is 40 (rule 6)",
        ),
        (
            lambda said: said["stages"].update(C=["V2"], D=["P2"]),
            "plan day never serves P2 (rule 6)",
        ),
        (lambda said: said["stages"].update(C=["V2"]), "no stage serves P2 (rule 6)"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, change: Change, message: str) -> None:
    assert any(message in each for each in refused(tmp_path, change))


def lagging(said: dict[str, Any]) -> None:
    """T1 is a left turn off V1's road that yields to V1; in stage D V1 goes on alone."""
    said["groups"]["T1"] = deepcopy(said["groups"]["V1"])
    for other, there, back in (("V2", 5, 6), ("L1", 5, 5)):
        said["conflicts"].append(["T1", other])
        said["intergreens"].setdefault("T1", {})[other] = there
        said["intergreens"][other]["T1"] = back
    said["stages"]["A"] = ["V1", "T1", "P1"]
    said["stages"]["D"] = ["V1"]
    said["permissive"] = [{"turn": "T1", "against": "V1"}]


def test_s36_a_left_turn_that_ends_before_those_it_yields_to(tmp_path: Path) -> None:
    (said,) = refused(tmp_path, lagging)
    assert "yellow trap: from stage A to D T1 ends while V1 goes on" in said

    def together(said: dict[str, Any]) -> None:
        lagging(said)
        del said["stages"]["D"]

    assert loaded(tmp_path, changed(together))

    def leading(said: dict[str, Any]) -> None:
        lagging(said)
        said["stages"]["D"] = ["T1", "P1"]  # V1 has ended, T1 goes on alone

    assert loaded(tmp_path, changed(leading))


def test_s36_barred_or_protected_there_is_no_trap(tmp_path: Path) -> None:
    def protected(said: dict[str, Any]) -> None:
        lagging(said)
        del said["permissive"]
        said["conflicts"].append(["V1", "T1"])
        said["intergreens"]["V1"]["T1"] = said["intergreens"]["T1"]["V1"] = 5
        said["stages"].update(A=["V1", "P1"], B=["L1"], E=["T1", "P1"])
        said["groups"]["P1"]["longest_wait"] = said["groups"]["P2"]["longest_wait"] = 100
        said["plans"]["day"].update(
            cycle=110, splits=[*splits(42, 18, 30), {"stage": "E", "seconds": 20}], twice=["P1"]
        )

    def barred(said: dict[str, Any]) -> None:
        lagging(said)
        del said["permissive"], said["groups"]["T1"], said["intergreens"]["T1"]
        said["conflicts"] = [pair for pair in said["conflicts"] if "T1" not in pair]
        for by in said["intergreens"].values():
            by.pop("T1", None)
        said["stages"]["A"] = ["V1", "P1"]

    assert loaded(tmp_path, changed(protected))
    assert loaded(tmp_path, changed(barred))


def test_s36_where_only_plans_are_judged_the_plan_is(tmp_path: Path) -> None:
    def by_plan(said: dict[str, Any]) -> None:
        lagging(said)
        said["yellow_traps_by_plan"] = True

    assert loaded(tmp_path, changed(by_plan))

    def in_the_plan(said: dict[str, Any]) -> None:
        by_plan(said)
        stages = (("A", 42), ("D", 20), ("B", 18), ("C", 30))
        said["plans"]["day"].update(
            cycle=110, splits=[{"stage": stage, "seconds": each} for stage, each in stages]
        )

    (said,) = refused(tmp_path, in_the_plan)
    assert "yellow trap: from stage A to D T1 ends while V1 goes on" in said


def test_one_junction_has_one_version_a_day(tmp_path: Path) -> None:
    path = written(tmp_path, X1)
    path.with_name("again.yaml").write_text(path.read_text())
    with pytest.raises(DefinitionError, match="x1 of 2026-01-01 is defined twice"):
        load_signals(Files(tmp_path), Definitions())


def test_two_junctions_have_not_the_same_number(tmp_path: Path) -> None:
    one = written(tmp_path, X1 | {"number": 7})
    other = one.with_name("x2.yaml")
    other.write_text(one.read_text(encoding="utf-8").replace("junction: x1", "junction: x2"))
    with pytest.raises(DefinitionError, match=r"x2.yaml:\d+: x1 has the number 7 already"):
        load_signals(Files(tmp_path), Definitions())
