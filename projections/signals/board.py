"""Signals on the board: how junctions stand, their faults, and those that flash by themselves."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from citybrain.domain.signals.rules import Source
from citybrain.domain.signals.signal import DARK, FLASHING, LOCAL, NEVER, junction_and_day
from citybrain.domain.signals.signal_events import OF_CONTROLLER, moment
from citybrain.eventstore import RecordedEvent
from projections.board import BoardModel, Concern, State

FLASHES = "signal-flashes"
STANDS = "junction-standing"
"""No exception: how a junction stands, so that it is known of every moment."""
STANDING, FAULTY = "standing:", "faulty"
FOLLOWED = (
    "day_opened",
    "refused",
    "mode_changed",
    "taken_in_hand",
    "hand_released",
    "flash_begun",
    "powered_up",
    "reset",
    "fault_raised",
    "fault_cleared",
)


class Junctions:
    """Junctions, by code: the newest day counts."""

    topics = frozenset(f"signal.{each}" for each in FOLLOWED)
    keeps_unseen = True

    def keys(self, event: RecordedEvent) -> Iterable[str]:
        """The junction."""
        return (junction_and_day(event.stream_id)[0],)

    def take(
        self, state: State | None, event: RecordedEvent, key: str, counts: Counter[str]
    ) -> State | None:
        """Fold the event into how the junction stands; of a day that is past, nothing counts."""
        _, day = junction_and_day(event.stream_id)
        data, step = event.data, event.topic.partition(".")[2]
        if state is not None and day < state["day"]:
            return state
        if step == "day_opened":
            return _opened(event.stream_id, day, data)
        assert state is not None
        if step == "refused":
            counts["refused"] += 1
        elif step == "mode_changed":
            state["mode"] = data["mode"]
        elif step in ("taken_in_hand", "hand_released"):
            state["hand"] = step == "taken_in_hand"
        elif step == "flash_begun":
            state["flash"] = {"kind": data["kind"], "since": data["at"]}
        elif step == "powered_up":
            state["dark"] = False
        elif step == "reset":
            state["flash"] = None
            state["faults"] = [each for each in state["faults"] if each not in OF_CONTROLLER]
        else:
            others = [each for each in state["faults"] if each != data["fault"]]
            state["faults"] = others + [data["fault"]] * (step == "fault_raised")
        return state

    def concerns(self, state: State) -> Iterable[Concern]:
        """How it stands; it flashes because the controller began to, until a person ends it."""
        yield Concern(
            kind=STANDS,
            stream_id=state["stream_id"],
            shown_as=state["junction"],
            about=_stands(state),
            place_id=state["junction"],
            simulated=state["simulated"],
        )
        flash = state["flash"]
        if flash is not None and flash["kind"] in OF_CONTROLLER:
            yield Concern(
                kind=FLASHES,
                stream_id=state["stream_id"],
                shown_as=state["junction"],
                now_at=moment(flash["since"]),
                about=flash["kind"],
                place_id=state["junction"],
                simulated=state["simulated"],
            )

    def standing(self, state: State) -> Mapping[str, int]:
        """How it stands, and whether something is wrong."""
        found = {f"{STANDING}{_stands(state)}": 1}
        return found | {FAULTY: 1} if state["faults"] else found


def _opened(stream_id: str, day: str, data: Mapping[str, Any]) -> State:
    carried = data["carried"]
    return {
        "junction": data["junction"],
        "stream_id": stream_id,
        "day": day,
        "simulated": data.get("simulated", False),
        "flash": carried.get("flash"),
        "faults": sorted(carried.get("faults", ())),
        "mode": carried.get("mode", LOCAL),
        "hand": carried.get("hand") is not None,
        "dark": "all_red_until" not in carried or carried["all_red_until"] == NEVER,
    }


def _stands(state: State) -> str:
    """As `Signal.standing` says it, but for who is let through first."""
    if state["flash"] is not None:
        return FLASHING
    if state["dark"]:
        return DARK
    return Source.HAND.name.lower() if state["hand"] else str(state["mode"])


SIGNALS_BOARD = BoardModel("signals_board", 2, (Junctions(),))
