"""The bytes of an event: the stock `eventsourcing` JSON, written and read by orjson.

What this writes is byte for byte what the stock `JSONTranscoder` writes (UTF-8, `,` and `:`
without spaces, no ASCII escaping, `{"_type_":…,"_data_":…}` for datetime, UUID and Decimal).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import Any
from uuid import UUID

import orjson
from eventsourcing.persistence import DatetimeAsISO, DecimalAsStr, JSONTranscoder, Mapper, UUIDAsHex
from eventsourcing.utils import get_topic

from citybrain.domain.times import written

# Between these magnitudes Python's and orjson's shortest floats are spelled alike.
PLAIN_FLOAT_MIN, PLAIN_FLOAT_BOUND = 1e-4, 1e16
INTEGER_BOUND = 1 << 63
USUAL_TIMES = ("timestamp", "occurred_at")
TEXTS = frozenset({str})
AS_THEY_ARE = frozenset({str, bool, type(None)})  # spelled alike whatever they are
USUAL = AS_THEY_ARE | {datetime}


class _SpelledDifferently(Exception):
    """A value that orjson spells unlike the stock library, or does not know."""


class OrjsonTranscoder(JSONTranscoder):
    """The stock transcoder's format at orjson's speed.

    Raises `ValueError` for what JSON cannot carry or a reader could misread: NaN, infinities
    and integers beyond 64 bits.
    """

    def __init__(self) -> None:
        super().__init__()
        for transcoding in (UUIDAsHex(), DecimalAsStr(), DatetimeAsISO()):
            self.register(transcoding)

    def encode(self, obj: Any) -> bytes:
        """The stored bytes of `obj`."""
        if type(obj) is dict and _usual((obj,)):
            return orjson.dumps(obj, default=_time, option=orjson.OPT_PASSTHROUGH_DATETIME)
        try:
            return orjson.dumps(_wrap(obj))
        except _SpelledDifferently:
            return super().encode(obj)

    def decode(self, data: bytes) -> Any:
        """The object that was stored as `data`; raises `ValueError` on other bytes."""
        value = orjson.loads(data)
        return self._unwrap(value) if b'"_type_"' in data else value

    def decode_all(self, states: Sequence[bytes]) -> list[dict[str, Any]]:
        """Many objects at once, with one call of the parser: half the cost of one by one.

        Raises `ValueError` when any of them is not a JSON object; use `decode` to find it.
        """
        joined = b"[" + b",".join(states) + b"]"
        values: list[dict[str, Any]] = orjson.loads(joined)
        if len(values) != len(states):
            raise ValueError("a state is not one JSON object")
        typed = joined.count(b'"_type_"')
        fromisoformat = datetime.fromisoformat
        text, at = "", datetime.min
        for value in values:
            # Nearly every typed value is one of these two times, and both are alike: the short way.
            for key in USUAL_TIMES:
                member = value.get(key)
                if type(member) is dict and member.get("_type_") == "datetime_iso":
                    if member["_data_"] != text:
                        text = member["_data_"]
                        at = fromisoformat(text)
                    value[key] = at
                    typed -= 1
        return [self._unwrap(value) for value in values] if typed else values

    def _unwrap(self, value: Any) -> Any:
        """Put typed values in the place of their `_type_` objects; in place, depth first."""
        if type(value) is dict:
            if len(value) == 2 and "_type_" in value and "_data_" in value:
                return self._decode_obj(value)
            for key, member in value.items():
                value[key] = self._unwrap(member)
        elif type(value) is list:
            value[:] = map(self._unwrap, value)
        return value


def _usual(values: Iterable[Any]) -> bool:
    """Whether orjson spells all of them like the stock library, but for times: see `_time`."""
    for value in values:
        kind = type(value)
        if kind in USUAL:
            continue
        if kind is dict:
            members: Iterable[Any] = value.values()
            if not TEXTS.issuperset(map(type, value)):
                return False
            if not (USUAL.issuperset(map(type, members)) or _usual(members)):
                return False
        elif kind is list or kind is tuple:
            if not (USUAL.issuperset(map(type, value)) or _usual(value)):
                return False
        elif kind is float:
            if value and not PLAIN_FLOAT_MIN <= abs(value) < PLAIN_FLOAT_BOUND:
                return False
        elif kind is not int or not -INTEGER_BOUND <= value < INTEGER_BOUND:
            return False
    return True


def _time(value: Any) -> dict[str, str]:
    """A `datetime`, which is all that orjson is told not to spell and `_usual` lets pass."""
    return {"_type_": "datetime_iso", "_data_": written(value)}


def _wrap(value: Any) -> Any:
    """`value` in types that orjson spells like the stock library. Exact types only."""
    kind = type(value)
    if kind in AS_THEY_ARE:
        return value
    if kind is int:
        if not -INTEGER_BOUND <= value < INTEGER_BOUND:
            raise ValueError("an event's integers must fit 64 bits")
        return value
    if kind is float:
        if not isfinite(value):
            raise ValueError("an event's numbers must be finite")
        if value and not PLAIN_FLOAT_MIN <= abs(value) < PLAIN_FLOAT_BOUND:
            raise _SpelledDifferently
        return value
    if kind is datetime:
        return _time(value)
    if kind is dict:
        if not TEXTS.issuperset(map(type, value)):
            raise _SpelledDifferently
        return {key: _wrap(member) for key, member in value.items()}
    if kind is list or kind is tuple:
        return [_wrap(member) for member in value]
    if kind is UUID:
        return {"_type_": "uuid_hex", "_data_": value.hex}
    if kind is Decimal:
        return {"_type_": "decimal_str", "_data_": str(value)}
    raise _SpelledDifferently


@cache
def transcoder() -> OrjsonTranscoder:
    """The one transcoder of the process."""
    return OrjsonTranscoder()


def stored(event: Any) -> tuple[str, bytes]:
    """The topic of a domain event and its bytes, which are those of the mapper's stored event."""
    kind, state = type(event), dict(vars(event))
    del state["originator_id"], state["originator_version"]
    if (version := getattr(kind, "class_version", 1)) > 1:
        state["class_version"] = version
    return get_topic(kind), transcoder().encode(state)


@cache
def mapper() -> Mapper[str]:
    """The stock mapper between domain events and stored events, over our transcoder."""
    return Mapper(transcoder())


def decode_state(state: bytes) -> dict[str, Any]:
    """The fields of a stored event; raises `ValueError` where the bytes are not its JSON."""
    fields = transcoder().decode(state)
    if not isinstance(fields, dict):
        raise ValueError("the state of an event is not a JSON object")
    return fields
