"""What the board shows of a system at any minute, and what there waits for a person: from the log.

A `BoardModel` follows subjects: cases, junctions, detectors, one state each. From it follow what of
it waits for a person, now or from a known moment on (`Concern`), and what stands (so many open
cases). Nothing is written because time passes: whether a deadline is missed at a moment is asked of
the moments that are kept. A row a minute has what stood at its end, and what the city's day had
counted until then. Both are kept for 90 days. Moments are those at which the log had an event.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import date, datetime, timedelta
from functools import cached_property
from operator import attrgetter
from typing import Any, Protocol

import asyncpg
import orjson

from citybrain.city_day import city_day
from citybrain.columns import array, columns, recordset
from citybrain.eventstore import RecordedEvent

KEPT = timedelta(days=90)
SOON = timedelta(hours=1)
MINUTE = timedelta(minutes=1)

TABLES = """
CREATE TABLE subjects (
    subject text COLLATE "C" PRIMARY KEY,
    state   jsonb NOT NULL
);
CREATE TABLE concerns (
    subject     text COLLATE "C" NOT NULL,
    kind        text COLLATE "C" NOT NULL,
    code        text COLLATE "C" NOT NULL,
    stream_id   text COLLATE "C" NOT NULL,
    shown_as    text COLLATE "C" NOT NULL,
    limited_at  timestamptz,
    now_at      timestamptz,
    due_at      timestamptz,
    counts_at   timestamptz,
    owner       text COLLATE "C",
    about       text COLLATE "C",
    place_id    text COLLATE "C",
    latitude    double precision,
    longitude   double precision,
    simulated   boolean NOT NULL,
    known_from  timestamptz NOT NULL,
    known_until timestamptz,
    began_at    timestamptz,
    begins_at   timestamptz GENERATED ALWAYS AS (least(limited_at, now_at)) STORED
);
CREATE INDEX ON concerns (subject) WHERE known_until IS NULL;
CREATE INDEX ON concerns (begins_at) WHERE known_until IS NULL;
CREATE INDEX ON concerns (counts_at) WHERE known_until IS NULL;
CREATE INDEX ON concerns (known_until) WHERE known_until IS NOT NULL;
CREATE INDEX ON concerns (began_at) WHERE began_at IS NOT NULL;
CREATE TABLE minutes (
    minute   timestamptz PRIMARY KEY,
    day      date NOT NULL,
    last_at  timestamptz NOT NULL,
    counted  jsonb NOT NULL,
    standing jsonb NOT NULL
);
"""

State = dict[str, Any]
"""What is kept of a subject: plain JSON, times as texts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Concern:
    """Something that waits for a person, or will.

    `code`: which of those of its kind that the subject has. Those of one `shown_as` are one thing
    to whoever looks; it is the stream's id where nothing is said. From `limited_at` on there is a
    limit to keep, from `now_at` on it is to be done at once; None: never. `counts_at`: since when
    it is counted, though nobody has to act yet. `about`: its class or service, a code of
    definitions.
    """

    kind: str
    code: str = ""
    stream_id: str
    shown_as: str = ""
    limited_at: datetime | None = None
    now_at: datetime | None = None
    due_at: datetime | None = None
    counts_at: datetime | None = None
    owner: str | None = None
    about: str | None = None
    place_id: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    simulated: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "shown_as", self.shown_as or self.stream_id)

    @property
    def begins_at(self) -> datetime | None:
        """From when on somebody has to act."""
        return min(filter(None, (self.limited_at, self.now_at)), default=None)

    def was_seen(self, at: datetime) -> bool:
        """Whether it was shown or counted before `at`: then it is history, else it never was."""
        moments = (self.limited_at, self.now_at, self.counts_at)
        return any(moment is not None and moment < at for moment in moments)


class Subjects(Protocol):
    """One kind of thing that a model follows."""

    @property
    def topics(self) -> frozenset[str]:
        """The topics of its events."""

    @property
    def keeps_unseen(self) -> bool:
        """Whether a concern that is over is kept though nobody had to act on it or count it."""

    def keys(self, event: RecordedEvent) -> Iterable[str]:
        """The things that an event is about: unique among all kinds of a model."""

    def take(
        self, state: State | None, event: RecordedEvent, key: str, counts: Counter[str]
    ) -> State | None:
        """The state after the event, None where nothing is to be kept; adds to the day's counts."""

    def concerns(self, state: State) -> Iterable[Concern]:
        """What of it waits for a person, or will."""

    def standing(self, state: State) -> Mapping[str, int]:
        """What it adds to what stands."""


CONCERN = tuple(each.name for each in fields(Concern))
VALUES = attrgetter(*CONCERN)
COLUMNS = ("subject", *CONCERN, "known_from", "known_until", "began_at")
READ = "SELECT subject, state::text FROM subjects WHERE subject = ANY($1::text::text[])"
KEEP = """
INSERT INTO subjects (subject, state)
SELECT * FROM json_to_recordset($1) AS n(subject text, state jsonb)
ON CONFLICT (subject) DO UPDATE SET state = excluded.state
"""
DROP = "DELETE FROM subjects WHERE subject = ANY($1::text::text[])"
OPEN = f"""
SELECT {", ".join(COLUMNS)} FROM concerns
WHERE known_until IS NULL AND subject = ANY($1::text::text[])
"""  # noqa: S608
TAKE_AWAY = "DELETE FROM concerns WHERE known_until IS NULL AND subject = ANY($1::text::text[])"
LAST = """
SELECT minute, day, last_at, counted::text, standing::text FROM minutes
ORDER BY minute DESC LIMIT 1
"""
WRITE = """
INSERT INTO minutes (minute, day, last_at, counted, standing)
SELECT * FROM unnest($1::timestamptz[], $2::date[], $3::timestamptz[], $4::jsonb[], $5::jsonb[])
ON CONFLICT (minute) DO UPDATE
SET last_at = excluded.last_at, counted = excluded.counted, standing = excluded.standing
"""
FORGET_MINUTES = """
DELETE FROM minutes WHERE minute < (SELECT max(minute) FROM minutes WHERE minute <= $1)
"""
"""What was so when the time that is kept begins stays."""
FORGET_CONCERNS = "DELETE FROM concerns WHERE known_until < $1"


@dataclass(frozen=True)
class BoardModel:
    """A read model of the board: one for each system that has something to show there."""

    name: str
    version: int
    kinds: tuple[Subjects, ...]

    @property
    def tables(self) -> str:
        """The same of each."""
        return TABLES

    @cached_property
    def topics(self) -> frozenset[str]:
        """Those of all its subjects."""
        return frozenset().union(*(kind.topics for kind in self.kinds))

    async def apply(
        self, connection: "asyncpg.Connection[Any]", events: Sequence[RecordedEvent]
    ) -> None:
        """Follow each event in the order of the log, and write what has changed."""
        steps = [
            (event, kind, key)
            for event in events
            for kind in self.kinds
            if event.topic in kind.topics
            for key in kind.keys(event)
        ]
        if not steps:
            return
        following = await _resumed(connection, array({key for _, _, key in steps}))
        for event, kind, key in steps:
            following.take(event, kind, key)
        await _write(connection, following)


@dataclass(slots=True)
class _Known:
    """A concern as it is known, and since when; `began_at`: when it was first seen as it is."""

    concern: Concern
    known_from: datetime
    began_at: datetime | None


@dataclass(slots=True)
class _Following:
    """All that a batch is about, while it is followed."""

    states: dict[str, State]
    known: dict[str, dict[tuple[str, str], _Known]]
    minute: datetime | None
    last_at: datetime | None
    day: date | None
    counted: Counter[str]
    standing: Counter[str]
    began_with: datetime | None = None
    touched: set[str] = field(default_factory=set)
    concerned: set[str] = field(default_factory=set)
    over: list[tuple[Any, ...]] = field(default_factory=list)
    rows: dict[datetime, tuple[Any, ...]] = field(default_factory=dict)
    stood: dict[str, Mapping[str, int]] = field(default_factory=dict)

    def take(self, event: RecordedEvent, kind: Subjects, key: str) -> None:
        """One more event, for one of those that it is about."""
        at = self._pass(event.recorded_at)
        state = self.states.get(key)
        before = self.stood.get(key)
        if before is None:
            before = {} if state is None else kind.standing(state)
        state = kind.take(state, event, key, self.counted)
        after: Mapping[str, int] = {}
        concerns: Iterable[Concern] = ()
        if state is None:
            self.states.pop(key, None)
        else:
            self.states[key] = state
            after, concerns = kind.standing(state), kind.concerns(state)
        if before != after:
            standing = self.standing
            for what, n in after.items():
                standing[what] = standing.get(what, 0) + n
            for what, n in before.items():
                standing[what] = standing.get(what, 0) - n
        self.stood[key] = after
        self.touched.add(key)
        found = {(each.kind, each.code): each for each in concerns}
        self._compare(key, found, at, keeps_unseen=kind.keeps_unseen)

    def _pass(self, at: datetime) -> datetime:
        """Time passes, and never goes back; a minute that is over has its row."""
        if self.last_at is not None:
            at = max(at, self.last_at)
        if self.minute is not None and at - self.minute < MINUTE:
            self.last_at = at
            return at
        minute = at.replace(second=0, microsecond=0)
        if self.minute is not None:
            self.close_minute()
            if city_day(minute) != self.day:
                self.counted = Counter()
        self.minute, self.last_at, self.day = minute, at, city_day(minute)
        return at

    def close_minute(self) -> None:
        """What is so at the end of the minute, as far as it is known."""
        assert self.minute is not None
        counted, standing = (
            orjson.dumps({what: n for what, n in each.items() if n}).decode()
            for each in (self.counted, self.standing)
        )
        self.rows[self.minute] = (self.minute, self.day, self.last_at, counted, standing)

    def _compare(
        self, key: str, now: Mapping[tuple[str, str], Concern], at: datetime, *, keeps_unseen: bool
    ) -> None:
        """What is so no more was so until now; what is new is so from now on."""
        known = self.known.get(key, {})
        if {which: each.concern for which, each in known.items()} == now:
            return
        self.concerned.add(key)
        found = {}
        for which, concern in now.items():
            before = known.get(which)
            if before is not None and before.concern == concern:
                found[which] = before
            else:
                found[which] = _Known(concern, at, _began(concern, at, before))
        for which, before in known.items():
            was_known = keeps_unseen and before.known_from < at
            if found.get(which) is not before and (was_known or before.concern.was_seen(at)):
                self.over.append(_row(key, before, at))
        self.known[key] = found


def _began(concern: Concern, at: datetime, before: _Known | None) -> datetime | None:
    """When it was, or will be, first seen: with what it was before, where that was seen already."""
    begins = concern.begins_at
    if begins is None:
        return None
    if before is not None and before.began_at is not None and max(before.began_at, begins) <= at:
        return before.began_at
    return max(begins, at)


def _row(key: str, known: _Known, until: datetime | None) -> tuple[Any, ...]:
    """A row of `concerns`, in the order of `COLUMNS`."""
    return (key, *VALUES(known.concern), known.known_from, until, known.began_at)


async def _resumed(connection: "asyncpg.Connection[Any]", keys: str) -> _Following:
    """What is known of the subjects, an `array`, and of the minute that was last."""
    states = {row[0]: orjson.loads(row[1]) for row in await connection.fetch(READ, keys)}
    known: dict[str, dict[tuple[str, str], _Known]] = {}
    for row in await connection.fetch(OPEN, keys):
        concern = Concern(**{name: row[name] for name in CONCERN})
        each = _Known(concern, row["known_from"], row["began_at"])
        known.setdefault(row["subject"], {})[concern.kind, concern.code] = each
    last = await connection.fetchrow(LAST)
    if last is None:
        return _Following(states, known, None, None, None, Counter(), Counter())
    counted, standing = (Counter(orjson.loads(last[name])) for name in ("counted", "standing"))
    return _Following(
        states,
        known,
        last["minute"],
        last["last_at"],
        last["day"],
        counted,
        standing,
        began_with=last["minute"],
    )


async def _write(connection: "asyncpg.Connection[Any]", following: _Following) -> None:
    """Subjects, concerns and minutes as they are now; what is too old goes."""
    states = following.states
    kept = [{"subject": key, "state": states[key]} for key in following.touched & states.keys()]
    if kept:
        await connection.execute(KEEP, recordset(kept))
    if gone := following.touched - states.keys():
        await connection.execute(DROP, array(gone))
    if following.concerned:
        await connection.execute(TAKE_AWAY, array(following.concerned))
        open_ = [
            _row(key, each, None)
            for key in sorted(following.concerned)
            for each in following.known[key].values()
        ]
        await connection.copy_records_to_table(
            "concerns", columns=COLUMNS, records=following.over + open_
        )
    following.close_minute()
    await connection.execute(WRITE, *columns(following.rows.values()))
    hour = _hour(following.minute)
    if hour != _hour(following.began_with):
        await connection.execute(FORGET_MINUTES, hour - KEPT)
        await connection.execute(FORGET_CONCERNS, hour - KEPT)


def _hour(at: datetime | None) -> Any:
    return None if at is None else at.replace(minute=0)
