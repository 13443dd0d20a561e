"""A hundred commands of the centre, of which twelve are refused (S42)."""

from collections.abc import Callable

from citybrain.domain.signals import people
from tests.given.signals.x1 import Street, at

TOO_EARLY, EXPIRED, OF_AN_OLD_EPOCH, COMMANDS = 7, 3, 2, 100


def hundred_commands(street: Street, look: Callable[[Street], None]) -> float:
    """Send them to a street that the centre has; when the last one was sent.

    `look` is called after each refusal. Every refused command is sent again by its number.
    """
    people.change_mode(street.signal, at(1), "centre", by="centre", reason="again")
    t, sequence = 10.0, 0

    def send(stage: str, when: float, *, until: float | None = None, epoch: int = 0) -> None:
        nonlocal sequence
        sequence += 1
        for _ in range(2):  # who heard nothing asks again
            street.command(when, stage, sequence, until=until, epoch=epoch)
        street.collect()

    for number in range(COMMANDS - TOO_EARLY - EXPIRED - OF_AN_OLD_EPOCH):
        send("B" if number % 2 == 0 else "A", t)
        if number % 2 == 0 and number < 2 * TOO_EARLY:
            send("C", street.green_from("L1") + 1)
            look(street)
        elif number < 2 * EXPIRED:
            send("C", t + 40, until=t + 39)
            look(street)
        elif number < 2 * (EXPIRED + OF_AN_OLD_EPOCH):
            sequence += 1
            street.command(t + 40, "C", sequence, epoch=street.signal.epoch - 1)
            street.collect()
            look(street)
        t += 60
    return t
