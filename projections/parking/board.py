"""Parking on the board: berths, stays, the day's money, detectors that are silent, doubled plates.

A berth is taken or free by the last sign of it. Whether its detector is heard at all depends on
the moment, and is asked of that.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from citybrain.domain.parking.claim_events import ChargedBack, PaymentCaptured, Refunded
from citybrain.domain.parking.place import PlaceKind, stream_of
from citybrain.domain.parking.presence import OF_A_CHARGER, Sign
from citybrain.domain.times import as_text, moment
from citybrain.eventstore import RecordedEvent
from projections.board import BoardModel, Concern, State
from projections.parking.berths import DESCRIBED, DETECTED, OPENED, STATE

SILENT, TWICE = "detector-silent", "plate-twice"
SILENT_AFTER = timedelta(minutes=10)
MANY_BERTHS = 10
"""A detector of more is missed at once."""


class Places:
    """Berths and detectors, by the streams of their places."""

    topics = frozenset({OPENED, DESCRIBED, DETECTED})
    keeps_unseen = False

    def keys(self, event: RecordedEvent) -> Iterable[str]:
        """The place that is described; or the berth that is seen, and the detector that sees it."""
        if event.topic != DETECTED:
            return (event.stream_id,)
        data = event.data
        return [stream_of(each) for each in (data["place_id"], data["device_id"]) if each]

    def take(
        self, state: State | None, event: RecordedEvent, key: str, counts: Counter[str]
    ) -> State | None:
        """What holds of a place, or what was said of it."""
        data = event.data
        if event.topic == OPENED:
            return {name: data[name] for name in ("place_id", "kind", "simulated")} | {
                "used": False
            }
        if state is None:
            return None  # nothing was ever said of what it is
        if event.topic == DESCRIBED:
            state["used"] = not data["retired"]
            if state["kind"] == PlaceKind.DEVICE:
                state["watches"] = len(data["watches"])
                state.setdefault("heard_at", as_text(data["valid_from"]))
        elif state["kind"] == PlaceKind.BERTH:
            _see(state, data)
        elif state["kind"] == PlaceKind.DEVICE:
            _hear(state, data)
        return state

    def concerns(self, state: State) -> Iterable[Concern]:
        """A detector from which nothing was heard for long, or that says it sees nothing."""
        if state["kind"] != PlaceKind.DEVICE or not state["used"] or not state["watches"]:
            return
        lost_at, heard_at = state.get("lost_at", ""), state["heard_at"]
        silent_at = moment(lost_at if lost_at >= heard_at else heard_at) + SILENT_AFTER
        many = state["watches"] > MANY_BERTHS
        yield Concern(
            kind=SILENT,
            stream_id=stream_of(state["place_id"]),
            limited_at=silent_at if many else None,
            due_at=silent_at,
            counts_at=silent_at,
            place_id=state["place_id"],
            simulated=state["simulated"],
        )

    def standing(self, state: State) -> Mapping[str, int]:
        """A berth, and whether somebody stands there as far as is known."""
        if state["kind"] != PlaceKind.BERTH or not state["used"]:
            return {}
        seen = state.get("state")
        return {"berths": 1} if seen is None else {"berths": 1, seen: 1}


def _see(state: State, data: Mapping[str, Any]) -> None:
    """The last sign of a berth counts; of two of one moment it is taken, as on the berth board."""
    sign = Sign(data["sign"])
    if sign in STATE and sign not in OF_A_CHARGER:
        seen = [as_text(data["occurred_at"]), STATE[sign]]
        if [state.get("at", ""), state.get("state") or ""] < seen:
            state["at"], state["state"] = seen


def _hear(state: State, data: Mapping[str, Any]) -> None:
    sign, at = Sign(data["sign"]), as_text(data["occurred_at"])
    if data["by_hand"] or sign in OF_A_CHARGER:
        return
    name = "lost_at" if sign is Sign.LOST else "heard_at"
    state[name] = max(state.get(name, ""), at)


class Stays:
    """Sessions that stand, and those of which the plate was seen elsewhere as well."""

    topics = frozenset(
        f"parking.{each}"
        for each in (
            "opened",
            "left",
            "times_corrected",
            "voided",
            "clone_suspected",
            "clone_withdrawn",
            "clone_decided",
        )
    )
    keeps_unseen = False

    def keys(self, event: RecordedEvent) -> Iterable[str]:
        """The session."""
        return (event.stream_id,)

    def take(
        self, state: State | None, event: RecordedEvent, key: str, counts: Counter[str]
    ) -> State | None:
        """Whether it stands, and with which others its plate is in doubt."""
        data, step = event.data, event.topic.partition(".")[2]
        if step == "opened":
            counts["began"] += 1
            return {
                "session_id": event.stream_id,
                "place_id": data["place_id"],
                "simulated": data["simulated"],
                "arrived_at": as_text(data["arrived_at"]),
                "there": True,
                "twice": {},
            }
        if state is None:  # voided
            return None
        if step in ("left", "times_corrected"):
            if step == "left" and data["left_at"] is not None and state["there"]:
                counts["left"] += 1
                stayed = data["left_at"] - moment(state["arrived_at"])
                counts["seconds_stayed"] += max(int(stayed.total_seconds()), 0)
            state["there"] = data["left_at"] is None
        elif step == "voided":
            return None
        elif step == "clone_suspected":
            state["twice"][data["other_session_id"]] = as_text(data["timestamp"])
        else:
            state["twice"].pop(data["other_session_id"], None)
        return state

    def concerns(self, state: State) -> Iterable[Concern]:
        """Somebody has to see which of two cars carries the plate that was issued."""
        for other, since in state["twice"].items():
            yield Concern(
                kind=TWICE,
                code=other,
                stream_id=state["session_id"],
                shown_as="|".join(sorted((state["session_id"], other))),
                limited_at=moment(since),
                place_id=state["place_id"],
                simulated=state["simulated"],
            )

    def standing(self, state: State) -> Mapping[str, int]:
        """A vehicle that stands."""
        return {"stays": 1} if state["there"] else {}


class Money:
    """What came in and went back: counted by events alone."""

    topics = frozenset({PaymentCaptured.TOPIC, Refunded.TOPIC, ChargedBack.TOPIC})
    keeps_unseen = False

    def keys(self, event: RecordedEvent) -> Iterable[str]:
        """The claim; nothing is kept of it."""
        return (event.stream_id,)

    def take(
        self, state: State | None, event: RecordedEvent, key: str, counts: Counter[str]
    ) -> State | None:
        """On the day on which we heard of it."""
        taken = event.topic == PaymentCaptured.TOPIC
        counts["captured_fen" if taken else "returned_fen"] += event.data["amount_fen"]
        return None

    def concerns(self, state: State) -> Iterable[Concern]:
        """Nothing."""
        return ()

    def standing(self, state: State) -> Mapping[str, int]:
        """Nothing."""
        return {}


PARKING_BOARD = BoardModel("parking_board", 1, (Places(), Stays(), Money()))
