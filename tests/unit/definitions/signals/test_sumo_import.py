"""Junctions that are made of SUMO networks: each trap of a network, and that all of them load."""

from collections.abc import Callable
from pathlib import Path

import pytest

from citybrain.definitions.loading import Definitions, Files
from citybrain.definitions.signals.checking import needed_wait, wrong
from citybrain.definitions.signals.checking_layout import wrong_layout
from citybrain.definitions.signals.clearing import Way, intergreen_s
from citybrain.definitions.signals.junctions import dated, load_signals
from citybrain.definitions.signals.sumo_import import (
    NETWORKS_OWN,
    Imported,
    SafetyTimes,
    import_net,
)
from citybrain.definitions.signals.sumo_links import signals_of
from citybrain.definitions.signals.sumo_net import read_net
from citybrain.definitions.signals.sumo_stages import MOST_STAGES, Ways, stages_of, units_of
from citybrain.definitions.signals.writing import as_yaml, write_junction
from citybrain.definitions.yaml_file import DefinitionError
from citybrain.domain.signals.layout import Turn
from tests.given.signals.nets import CROSSING, installed
from tests.given.signals.x1 import ZERO


@pytest.fixture(scope="module")
def junctions() -> dict[str, Imported]:
    return import_net(CROSSING)


@pytest.mark.parametrize("times", [SafetyTimes(), NETWORKS_OWN, SafetyTimes(7, 4, 2)])
def test_what_is_imported_is_written_and_loads(tmp_path: Path, times: SafetyTimes) -> None:
    found = import_net(CROSSING, times)
    for each in found.values():
        write_junction(tmp_path, each.file, each.notes)
    loaded = load_signals(Files(tmp_path), Definitions())
    for code, each in found.items():
        version = loaded.at(code, ZERO)
        assert version is not None
        assert version.file == each.file
        assert version.warnings == ()


@pytest.mark.parametrize("net", installed(), ids=lambda net: net.name)
def test_every_network_at_hand_is_imported_and_in_order(net: Path) -> None:
    for times in (SafetyTimes(), NETWORKS_OWN):
        for code, each in import_net(net, times).items():
            file = each.file
            assert (file.junction, wrong(file), wrong_layout(file)) == (code, [], [])
            assert needed_wait(file) <= min(group.longest_wait for group in file.groups.values())
            assert all(each.links[link] for link in each.free)


RINGS = """<tlLogic id="E" type="NEMA" programID="0" offset="0">
        <param key="ring1" value="2,4"/><param key="ring2" value="6,8"/>
        <phase duration="99" maxDur="40" yellow="4" red="2" name="2" state="rrrGGGGrrrr"/>
        <phase duration="99" maxDur="30" yellow="4" red="2" name="4" state="GGgGrrrrrrr"/>
        <phase duration="99" maxDur="40" yellow="4" red="2" name="6" state="rrrGrrrgGgg"/>
    </tlLogic>"""


def test_phases_of_two_rings_follow_one_another_with_their_own_yellow_and_red(
    tmp_path: Path,
) -> None:
    """What SUMO shows at a time of two rings is not told by the file: nobody is green by it."""
    text = CROSSING.read_text()
    begins = text.index('<tlLogic id="E"')
    ends = text.index("</tlLogic>", begins) + len("</tlLogic>")
    net = tmp_path / "rings.net.xml"
    net.write_text(text[:begins] + RINGS + text[ends:])
    found = import_net(net, NETWORKS_OWN)["e"]
    assert any("(NEMA)" in note for note in found.notes)
    assert found.file.plans["day"].cycle == 40 + 30 + 40 + 3 * 6
    yellows = {each.yellow for each in found.file.groups.values() if each.kind == "vehicle"}
    assert yellows == {4.0}
    assert min(s for by in found.file.intergreens.values() for s in by.values()) == 6
    assert wrong(found.file) == []


def test_waiting_places_inside_a_junction_are_no_junctions() -> None:
    """Read like the others they empty the conflict matrix, and all is green at once."""
    net = read_net(CROSSING)
    (signal, _) = signals_of(net)
    assert any(len(net.inside(each)) == 2 for each in signal.connections)
    assert all(signal.held - stage for stage in stages_of(signal.ways))
    text = CROSSING.read_text()
    assert 'type="internal"' in text
    assert len(signal.ways.foes) == 2 * len({frozenset(pair) for pair in signal.ways.foes}) > 40


def test_a_waiting_turn_has_the_right_of_way_of_its_second_lane() -> None:
    net = read_net(CROSSING)
    (signal, _) = signals_of(net)
    (left,) = signal.by_link[12]
    first, second = net.inside(left)
    assert net.request(left) == ("C", 12)
    assert net.lanes[first].function == net.lanes[second].function == "internal"
    assert (12, 4) in signal.ways.yields  # left from the west lets go first who comes from the east


def test_all_links_of_a_lane_are_green_together(junctions: dict[str, Imported]) -> None:
    for code, each in junctions.items():
        made = {stage: set(groups) for stage, groups in each.file.stages.items() if stage[0] == "S"}
        for lane in each.file.lanes:
            groups = {
                way.group for way in each.file.movements.values() if way.lane == lane and way.group
            }
            for stage, green in made.items():
                assert not groups & green or groups <= green, (code, lane, stage)


def test_conflicting_links_go_together_only_where_the_networks_plan_has_them_so() -> None:
    (signal, _) = signals_of(read_net(CROSSING))
    ways = signal.ways
    for stage in stages_of(ways):
        for one in stage:
            for other in stage:
                assert (one, other) not in ways.foes or ways.approved(one, other)
    assert any((a, b) in ways.foes for stage in stages_of(ways) for a in stage for b in stage)


def test_no_stage_is_done_better_by_another() -> None:
    (signal, _) = signals_of(read_net(CROSSING))
    stages = stages_of(signal.ways)
    yielding = {stage: signal.ways.yielding(stage) for stage in stages}
    for one in stages:
        for other in stages:
            assert not (other < one and yielding[one] & other <= yielding[other])


def test_many_lanes_that_all_fit_with_some_make_few_stages_that_serve_all() -> None:
    """Pairs of lanes of which one may go: 2 ** 6 stages would be possible."""
    units = tuple(frozenset({each}) for each in range(12))
    foes = {(one, one ^ 1) for one in range(12)}
    stages = stages_of(Ways(units, frozenset(foes), frozenset(), ()))
    assert MOST_STAGES <= len(stages) <= MOST_STAGES + 6, "more only where one serves a link alone"
    assert frozenset[int]().union(*stages) == frozenset(range(12))
    assert all(len(stage) == 6 for stage in stages)


def test_a_u_turn_alone_makes_no_pair_that_is_judged_for_yellow_traps() -> None:
    """At `e` those from the east only turn back through those from the west; these turn left."""
    beside = import_net(CROSSING)["e"].file
    assert "W1T" in beside.movements["E1U"].yields_to
    assert [(each.turn, each.against) for each in beside.permissive] == [("WTLU", "ETU")]


def test_lanes_that_share_a_link_are_one() -> None:
    assert units_of([{0, 1}, {2}, {1, 3}, {4}]) == tuple(map(frozenset, ({0, 1, 3}, {2}, {4})))


def test_links_that_nobody_uses_stay_red(junctions: dict[str, Imported]) -> None:
    crossing = junctions["c"]
    assert len(crossing.links) == 16
    assert crossing.links[15] == ()


def test_a_link_that_is_never_red_is_held_by_no_lamp(junctions: dict[str, Imported]) -> None:
    beside = junctions["e"]
    assert beside.free == {3}
    (code,) = beside.links[3]
    movement = beside.file.movements[code]
    assert (movement.group, movement.turn) == (None, Turn.RIGHT)


def test_a_right_turn_goes_on_red_where_the_network_says_so(junctions: dict[str, Imported]) -> None:
    on_red = {
        (code, way)
        for code, each in junctions.items()
        for way, movement in each.file.movements.items()
        if movement.on_red
    }
    assert on_red == {("c", "E1R")}


def test_s25_stubs_are_seen_through_each_lane_behind_them_once(
    junctions: dict[str, Imported],
) -> None:
    net, crossing = read_net(CROSSING), junctions["c"]
    lanes = crossing.file.lanes
    assert lanes["N1"].length == lanes["N2"].length == 0.2
    assert lanes["N1"].upstream == lanes["N2"].upstream == ("N_1",)
    assert crossing.lanes["n2_1"] == "N_1"
    assert lanes["N_1"].length == 142.0
    by_lane = crossing.seen["N1"]
    assert by_lane["n1_1"] == 0
    inside = sum(net.lanes[each].length for each in net.inside(net.into["n1_1"][0]))
    assert by_lane["n2_1"] == pytest.approx(0.2 + inside)  # metres before the stop line
    layout = dated(crossing.file).junction.layout
    assert layout.lanes_seen(["N1", "N2"]) == ("N1", "N_1", "N2")
    assert {each.code for each in layout.reached_from("N_1")} == {"N1R", "N1T", "N2L"}


def test_u_turns_are_no_feeds(junctions: dict[str, Imported]) -> None:
    """The lane behind the stub begins where the border turns back: nothing is behind it."""
    net = read_net(CROSSING)
    assert [each.turn for each in net.into["n2_1"]] == ["t"]
    assert junctions["c"].file.lanes["N_1"].upstream == ()
    assert set(junctions["c"].seen["N1"]) >= {"n1_1", "n2_1"}
    assert "-n_1" not in junctions["c"].seen["N1"]


def test_exits_lead_to_lanes_of_the_next_junction(junctions: dict[str, Imported]) -> None:
    assert junctions["c"].file.exits["XE1"].leads_to == ("e", "W1")
    assert junctions["e"].file.exits["XW2"].leads_to == ("c", "E2")
    assert junctions["c"].file.exits["XS1"].leads_to is None


def test_people_on_foot_have_groups_with_the_width_of_their_crossing(
    junctions: dict[str, Imported],
) -> None:
    crossing = junctions["c"]
    assert crossing.crossings == {13: "P1", 14: "P2"}
    assert crossing.file.groups["P2"].kind == "pedestrian"
    assert crossing.file.intergreens["P2"] == {"ET": 9, "WTR": 9, "WL": 9}  # 9.6 m / 1.07 m/s
    assert crossing.file.detectors["BP1"].group == "P1"
    south, west = (crossing.file.crossings[group][0] for group in ("P1", "P2"))
    assert abs(south - 180) < 15
    assert abs(west - 270) < 15
    assert {*crossing.file.intergreens["P1"]} == {"NTR", "STR", "SLU"}


def test_the_networks_plan_is_a_plan(junctions: dict[str, Imported]) -> None:
    plan = import_net(CROSSING, NETWORKS_OWN)["c"].file.plans["day"]
    assert plan.cycle == 90
    assert [split.seconds for split in plan.splits] == [28, 5, 12, 28, 5, 12]


def test_safety_times_are_the_networks_own_or_computed() -> None:
    own = import_net(CROSSING, NETWORKS_OWN)["e"].file
    assert {own.intergreens[one][other] for one, other in own.conflicts} == {3}
    said = import_net(CROSSING, SafetyTimes(7, 4, 2))["e"].file
    assert {said.intergreens[one][other] for one, other in said.conflicts} == {6}
    assert {group.minimum for group in said.groups.values() if group.kind == "vehicle"} == {7}
    computed = import_net(CROSSING)["e"].file
    assert all(computed.intergreens[one][other] >= 3 for one, other in computed.conflicts)
    assert computed.intergreens["NLRU"]["ETU"] > 3


def test_an_intergreen_is_what_clearing_takes_less_what_entering_takes() -> None:
    """RiLSA: 3 + (20 + 6) / 10 - 5 / 11.1 = 5.15 s, rounded up; turning 2 + 26 / 7 - 0.45."""
    east = Way(((0, 0), (40, 0)), turns=False)
    north = Way(((20, -5), (20, 30)), turns=False)
    assert intergreen_s(east, north, 3) == 6
    assert intergreen_s(Way(east.points, turns=True), north, 3) == 6
    assert intergreen_s(north, east, 3) == 3  # 3 + 1.1 - 1.8, and never less than the yellow
    assert intergreen_s(east, Way(((20, -90), (20, 30)), turns=False), 4) == 4


def changed(folder: Path, change: Callable[[str], str]) -> Path:
    path = folder / "changed.net.xml"
    path.write_text(change(CROSSING.read_text()))
    return path


def test_s36_a_network_whose_plan_is_a_yellow_trap_is_refused(tmp_path: Path) -> None:
    """From the east goes on while the left turn from the west, which yields to it, ends."""

    def lagging(text: str) -> str:
        return text.replace(
            '<phase duration="3"  state="rrryygrrrryygrrr"/>',
            '<phase duration="8"  state="rrrGGrrrrryyyrrr"/>'
            '<phase duration="8"  state="rrrGGrrrrrrrrrrr"/>',
        )

    with pytest.raises(DefinitionError, match="yellow trap: from stage F1 to F2 WL ends while ET"):
        import_net(changed(tmp_path, lagging))


def test_of_several_programs_the_last_one_counts(tmp_path: Path) -> None:
    def second(text: str) -> str:
        begin = text.index('<tlLogic id="E"')
        end = text.index("</tlLogic>", begin) + len("</tlLogic>")
        program = text[begin:end].replace('programID="0"', 'programID="1"')
        return text[:end] + program.replace('duration="42"', 'duration="57"') + text[end:]

    plan = import_net(changed(tmp_path, second))["e"].file.plans["day"]
    assert plan.cycle == 120


def test_an_offset_is_when_the_first_green_begins(tmp_path: Path) -> None:
    """As in SUMO: with an offset of 10 s the first phase begins at 10 s."""
    own = import_net(CROSSING, NETWORKS_OWN)["c"].file.plans["day"]
    path = changed(tmp_path, lambda text: text.replace('offset="0"', 'offset="10"'))
    later = import_net(path, NETWORKS_OWN)["c"].file.plans["day"]
    assert (later.offset - own.offset) % 90 == 10


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<net ", "<!DOCTYPE net [<!ENTITY a 'b'>]><net ", "a document type is not read"),
        ("</net>", "", "no element found"),
        ("<net ", "<other ", "mismatched tag"),
        ('duration="28"', 'duration="long"', "could not convert string to float"),
        ('state="rrrGGgrrrrgGgGrr"', 'state="rrrGGg"', "the phases of signal C differ in length"),
    ],
)
def test_what_is_no_network_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = changed(tmp_path, lambda text: text.replace(old, new, 1))
    with pytest.raises(DefinitionError, match=message) as error:
        import_net(path)
    assert str(error.value).startswith(f"{path}:")


def test_a_file_is_written_one_thing_a_line(junctions: dict[str, Imported]) -> None:
    lines = as_yaml(junctions["e"].file, ["a note"]).splitlines()
    assert lines[0] == "# a note"
    assert "  ETU: {NLRU: 6.0}" in lines
    assert "  N1U: {lane: N1, exit: XN1, turn: u-turn, group: NLRU, yields_to: [E1R]}" in lines
