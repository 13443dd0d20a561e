"""What is usual at an hour: quartiles of the same weekday and half hour over the last six weeks."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import quantiles

from pydantic import AwareDatetime, BaseModel, Field

from citybrain.http.board import Figures, Followed
from citybrain.http.runtime import Runtime
from projections.board_reading import Reading, readings
from projections.platform import log_minutes
from projections.reading import Pool

WEEK, HALF_HOUR = timedelta(weeks=1), timedelta(minutes=30)
WEEKS = 6
ENOUGH_WEEKS = 3
WITHIN = (timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=25))
"""Where in the half hour figures are taken."""
FOUND_KEPT = 100


class Quartiles(BaseModel):
    """A quarter is below `low`, half below `middle`, a quarter above `high`."""

    low: float
    middle: float
    high: float


class BoardMoment(BaseModel):
    """How it was at a moment, and what is usual in its half hour."""

    at: AwareDatetime
    systems: dict[str, dict[str, int | float | None]] = Field(
        description="figures by system; none before the history begins"
    )
    usual: dict[str, dict[str, Quartiles | None]]


class BoardSeries(BaseModel):
    """Moments of the past, the earliest first."""

    moments: list[BoardMoment]


class BoardUsual(BaseModel):
    """What is usual; of a figure of which less than three weeks are known: null."""

    since: AwareDatetime = Field(description="when the half hour began")
    until: AwareDatetime
    weeks: int = Field(description="so many before were looked at")
    systems: dict[str, dict[str, Quartiles | None]]


class UsualBefore:
    """What was found, by the half hour: the past does not change."""

    def __init__(self) -> None:
        self._found: dict[datetime, BoardUsual] = {}

    async def at(
        self, runtime: Runtime, at: datetime, systems: Sequence[tuple[str, Followed]]
    ) -> BoardUsual:
        """What is usual in the half hour of a moment."""
        since = at.replace(minute=at.minute - at.minute % 30)
        found = self._found.get(since)
        if found is None:
            pool = runtime.store.models
            moments = _known(since, await log_minutes.first(pool))
            found = self._found[since] = BoardUsual(
                since=since,
                until=since + HALF_HOUR,
                weeks=WEEKS,
                systems={name: await _usual(pool, each, moments) for name, each in systems},
            )
            if len(self._found) > FOUND_KEPT:
                self._found.pop(next(iter(self._found)))
        return found

    async def series(
        self, runtime: Runtime, moments: Sequence[datetime], systems: Sequence[tuple[str, Followed]]
    ) -> BoardSeries:
        """Figures of whole minutes that are over, with what was usual then."""
        pool = runtime.store.models
        first = await log_minutes.first(pool)
        known = [at for at in moments if first is not None and first < at]
        figures: dict[datetime, dict[str, Figures]] = {at: {} for at in moments}
        for name, followed in systems:
            found = await readings(pool, followed.model.name, known)
            for at, reading in zip(known, found, strict=True):
                figures[at][name] = followed.figures(reading)
        return BoardSeries(
            moments=[
                BoardMoment(
                    at=at, systems=figures[at], usual=(await self.at(runtime, at, systems)).systems
                )
                for at in moments
            ]
        )


def _known(since: datetime, first: datetime | None) -> list[list[datetime]]:
    """Where figures are taken, week by week, as far back as the log's history is kept."""
    weeks = [[since - WEEK * week + within for within in WITHIN] for week in range(1, WEEKS + 1)]
    return [[at for at in week if first is not None and first < at] for week in weeks]


async def _usual(
    pool: Pool, followed: Followed, weeks: Sequence[Sequence[datetime]]
) -> dict[str, Quartiles | None]:
    if sum(map(bool, weeks)) < ENOUGH_WEEKS:
        return dict.fromkeys(followed.figures(Reading()))
    moments = [at for week in weeks for at in week]
    found = dict(zip(moments, await readings(pool, followed.model.name, moments), strict=True))
    figures = [[followed.figures(found[at]) for at in week] for week in weeks]
    return {name: quartiles(name, figures) for name in followed.figures(Reading())}


def quartiles(name: str, weeks: Sequence[Sequence[Figures]]) -> Quartiles | None:
    """Of a figure in the same half hour of several weeks; None where too few have one."""
    values = [[each[name] for each in week if each[name] is not None] for week in weeks]
    if sum(map(bool, values)) < ENOUGH_WEEKS:
        return None
    low, middle, high = quantiles((v for week in values for v in week if v is not None), n=4)
    return Quartiles(low=low, middle=middle, high=high)
