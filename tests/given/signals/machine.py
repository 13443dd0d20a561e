"""An attack on a junction as a state machine of hypothesis: all that it draws is tried and counted.

`python -m tests.given.signals.machine COMMANDS` tries so many, prints what became of them by kind,
and which rules that are switched off the checker finds.
"""

import sys
import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test
from rich.console import Console
from rich.table import Table

from citybrain.definitions.signals.junctions import DatedJunction
from citybrain.domain.signals.rules import Rule
from citybrain.domain.signals.signal import Signal
from citybrain.domain.stream import register_stream
from tests.given.signals.adversary import EVERY_KIND, Adversary, Tally
from tests.given.signals.attack import CITY
from tests.given.signals.mutations import MUTATIONS, found, no_interruption
from tests.given.signals.permissive import PERMISSIVE
from tests.given.signals.x1 import Street, loaded

STEPS = 50
NUMBERS, SECONDS = st.integers(0, 63), st.floats(0, 60).map(lambda seconds: round(seconds, 1))
AROUND = st.floats(-30, 60).map(lambda seconds: round(seconds, 1))


def machine(city: DatedJunction, tally: Tally) -> type[RuleBasedStateMachine]:
    """A machine that attacks this junction; what becomes of its commands is added to the tally."""

    class Attacked(RuleBasedStateMachine):
        """At the end the checker must find nothing in what was decided."""

        def __init__(self) -> None:
            super().__init__()
            self.adversary = Adversary(Street(city), tally)

        @rule(
            kind=st.sampled_from(EVERY_KIND), pause=SECONDS, one=NUMBERS, other=NUMBERS, by=AROUND
        )
        def attempt(self, kind: str, pause: float, one: int, other: int, by: float) -> None:
            self.adversary.do((kind, pause, one, other, by))

        def teardown(self) -> None:
            self.adversary.end()
            assert self.adversary.found() == []

    return Attacked


def attacked(city: DatedJunction, commands: int, how: settings | None = None) -> Tally:
    """Try so many commands at least; what became of them. Fails where one was unsafe."""
    tally: Tally = Counter()
    while tally.total() < commands:
        run_state_machine_as_test(machine(city, tally), settings=settings(how, max_examples=20))
    return tally


SEARCHING = settings(
    stateful_step_count=STEPS,
    deadline=None,
    derandomize=False,
    database=None,
    suppress_health_check=list(HealthCheck),
)
"""Other examples each time, and no end by the clock."""


def table_of(tally: Tally) -> Table:
    """What was tried, how often, and what became of it."""
    table = Table("tried", "times", "what became of it", title=f"{tally.total()} commands")
    for kind in sorted({kind for kind, _ in tally}, key=EVERY_KIND.index):
        said = {each: times for (of, each), times in tally.items() if of == kind}
        text = ", ".join(f"{each} {said[each]}" for each in sorted(said, key=_order))
        table.add_row(kind, str(sum(said.values())), text)
    rules = Counter[str]()
    for (_, each), times in tally.items():
        rules[each] += times
    text = ", ".join(f"{each} {rules[each]}" for each in sorted(rules, key=_order))
    table.add_row("all", str(tally.total()), text)
    return table


def _order(said: str) -> tuple[int, str]:
    return (int(said.split()[1]) if said.startswith("rule ") else 99, said)


def mutation_table(city: DatedJunction, turns: DatedJunction) -> Table:
    """Each rule switched off: which the checker found, in how many attacks of 250 steps.

    `turns`: a junction with left turns that yield.
    """
    table = Table("switched off", "rule", "found", "attacks", "also found", title="mutations")
    for name, (number, mutation) in MUTATIONS.items():
        attacks, all_found = found(mutation, city, number)
        others = " ".join(str(each) for each in sorted(all_found - {int(number)}))
        table.add_row(
            name, str(int(number)), "yes" if attacks else "NO", str(attacks or "-"), others
        )
    attacks, _ = found(no_interruption, turns, Rule.INTERGREEN)
    said = ("yellow traps are nothing", "2", "yes" if attacks else "NO", str(attacks or "-"), "")
    table.add_row(*said)
    return table


def main(commands: int) -> None:
    """Print both tables; fails where the checker found anything unsafe in the attack."""
    register_stream(Signal)
    console = Console(width=140)
    with tempfile.TemporaryDirectory() as folder:
        city, turns = loaded(Path(folder), CITY), loaded(Path(folder), PERMISSIVE)
        tally = attacked(city, commands, SEARCHING)
        console.print(table_of(tally))
        console.print("the checker found nothing in what was decided")
        console.print(mutation_table(city, turns))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
