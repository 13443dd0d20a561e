"""How long people on foot stand before red: each person, measured on the street itself."""

from dataclasses import dataclass, field

from ops.simulators.signals.street import Seen
from ops.simulators.signals.waits import Waits


@dataclass
class Pavement:
    """What `Waits` reads of a street: a light with one crossing, and who stands before it."""

    now: int = 0
    state: str = "r"
    standing: dict[str, str] = field(default_factory=dict)

    def shown(self, light: str) -> str:
        assert light == "C2"
        return self.state

    def waiting_at(self, crossings: frozenset[str]) -> dict[str, str]:
        return {one: edge for one, edge in self.standing.items() if edge in crossings}

    def lane(self, lane: str) -> tuple[Seen, ...]:
        return ()

    def next_link(self, vehicle: str) -> int:
        return -1


def waits_of(*seconds: tuple[str, tuple[str, ...]]) -> Waits:
    """A crossing, second by second: what it shows, and who stands before it."""
    waits, street = Waits(_crossings={":C2_c0": ("C2", 0)}), Pavement()
    for state, people in seconds:
        street.now += 1
        street.state, street.standing = state, dict.fromkeys(people, ":C2_c0")
        waits.look(street)
    return waits


def test_each_person_waits_from_red_until_they_go() -> None:
    waits = waits_of(*[("r", ("one",))] * 30, *[("r", ("one", "two"))] * 10, ("G", ()))
    assert sorted(waits.on_foot) == [10, 40]


def test_who_could_not_go_while_it_was_green_waits_on() -> None:
    waits = waits_of(
        *[("r", ("one",))] * 10, *[("G", ("one",))] * 2, *[("r", ("one",))] * 20, ("G", ())
    )
    assert waits.on_foot == (32,)


def test_who_still_stands_at_the_end_counts_and_who_comes_at_green_does_not() -> None:
    waits = waits_of(("G", ("one",)), ("G", ()), *[("r", ("two",))] * 5)
    assert waits.on_foot == (4,)


def test_nobody_on_foot_is_no_wait_of_nothing() -> None:
    assert waits_of(("r", ()), ("G", ())).on_foot == ()
