"""Events are set at once, and are what the library's dataclasses would be."""

from dataclasses import FrozenInstanceError, field
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from citybrain.domain.stream import StreamAggregate, StreamCreated, register_stream

NOW = datetime(2026, 9, 1, tzinfo=UTC)


class KiteFlown(StreamCreated):
    TOPIC: ClassVar[str] = "test_stream.flown"
    colour: str
    metres: float | None = field(default=None, kw_only=True)


class Kite(StreamAggregate):
    TOPIC: ClassVar[str] = "test_stream"
    category: ClassVar[str] = "kite"
    EVENTS: ClassVar[tuple[Any, ...]] = (KiteFlown,)

    def __init__(self, colour: str, metres: float | None = 5.0) -> None:
        self.colour, self.metres = colour, metres


register_stream(Kite)


def flown(**said: Any) -> KiteFlown:
    made = Kite._create(KiteFlown, id="kite-1", timestamp=NOW, **said).pending_events[0]
    assert isinstance(made, KiteFlown)
    return made


def test_members_are_in_the_order_of_the_class_whatever_order_they_are_given_in() -> None:
    event: Any = flown(metres=3.0, colour="red")
    event_class: Any = KiteFlown
    assert list(vars(event)) == [
        "originator_id",
        "originator_version",
        "timestamp",
        "originator_topic",
        "colour",
        "metres",
    ]
    assert event == event_class("kite-1", 1, NOW, "test_stream", "red", metres=3.0)
    with pytest.raises(FrozenInstanceError):
        event.colour = "blue"


@pytest.mark.parametrize("said", [{}, {"color": "red"}, {"colour": "red", "length": 3}])
def test_a_member_that_lacks_or_is_not_known_is_told(said: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"colour|color|length"):
        flown(**said)


def test_a_stream_begins_with_what_its_state_takes_of_the_first_event() -> None:
    kite = Kite._create(KiteFlown, timestamp=NOW, colour="red")
    assert (kite.version, kite.colour, kite.metres) == (1, "red", None)
    assert kite.id.startswith("kite-")
    assert flown(colour="red").mutate(None).created_on == NOW
