"""A junction's days: put in service once, then closed each night and opened again.

A day is over at midnight in the city. It is closed at the first quiet moment after that, when no
lamp is between two colours; all that goes on is carried into the next day's stream.
"""

from datetime import date, datetime, time, timedelta
from functools import lru_cache

from citybrain.city_day import CITY_ZONE, city_day
from citybrain.domain.signals.junction import Junction
from citybrain.domain.signals.people import power_up
from citybrain.domain.signals.signal import NEVER, Signal
from citybrain.domain.signals.signal_events import milliseconds


def day_of(now: datetime) -> str:
    """The day whose stream takes what happens now."""
    return city_day(now).isoformat()


def put_in_service(
    junction: Junction, now: datetime, first_stage: str, reason: str, *, simulated: bool
) -> Signal:
    """A junction's first day: its lamps come on, flashing first. `simulated`: it is made up."""
    signal = Signal.open(now, junction, day=day_of(now), reason=reason, simulated=simulated)
    power_up(signal, junction, now, first_stage)
    return signal


def day_ends_at(signal: Signal) -> int:
    """Midnight in the city, in milliseconds since 1970."""
    return _midnight_after(signal.day)


@lru_cache(maxsize=8)
def _midnight_after(day: str) -> int:
    following = date.fromisoformat(day) + timedelta(days=1)
    return milliseconds(datetime.combine(following, time(), CITY_ZONE))


def settled_at(signal: Signal, at: int) -> int:
    """From when on no lamp is between two colours, as far as is decided; `at` where none is."""
    if signal.flash is not None:
        return at
    moments = [at] if signal.all_red_until == NEVER else [at, signal.all_red_until]
    for lamp in signal.lamps.values():
        moments += [each for each in (lamp.green_from, lamp.red_from) if each is not None]
    return max(moments)


def turns_at(signal: Signal, at: int) -> int:
    """When the day's stream is to be closed: at midnight, or once the lamps have settled."""
    ends = day_ends_at(signal)
    return max(ends, settled_at(signal, at)) if at >= ends else ends


def next_day(signal: Signal, junction: Junction, now: datetime, first_stage: str) -> Signal:
    """The stream that goes on; `signal` is closed. A controller that was changed is powered up."""
    now = max(now, signal.modified_on)
    following = Signal.open(
        now, junction, day=day_of(now), carried=signal.carried, simulated=signal.simulated
    )
    if following.all_red_until == NEVER and following.flash is None:
        power_up(following, junction, now, first_stage)
    return following
