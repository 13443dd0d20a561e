"""The digest of an event as it is stored: what is done because of a decision names it by that.

SHA-256 over canonical JSON (members sorted, no blanks, UTF-8) of `stream_id`, `version`, `topic`
and `state`, where `state` is the stored JSON: whoever reads the log can compute it with any tools
(docs/auditing.md). An event that is named by its digest is never upcast.
"""

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

import orjson

CANONICAL = orjson.OPT_SORT_KEYS | orjson.OPT_PASSTHROUGH_DATETIME
HEX_DIGITS = 64


def event_sha256(topic: str, fields: Mapping[str, Any]) -> str:
    """The digest of an event that is, or is about to be, stored; `fields` are all it has."""
    state = dict(fields)
    stream_id, version = state.pop("originator_id"), state.pop("originator_version")
    return stored_sha256(stream_id, version, topic, state)


def stored_sha256(stream_id: str, version: int, topic: str, state: Mapping[str, Any]) -> str:
    """The digest of an event whose stored JSON says `state`."""
    said = {"stream_id": stream_id, "version": version, "topic": topic, "state": state}
    return sha256(orjson.dumps(said, default=_stored, option=CANONICAL)).hexdigest()


def _stored(value: Any) -> Any:
    """A time as the log spells it."""
    if isinstance(value, datetime):
        return {"_type_": "datetime_iso", "_data_": value.isoformat()}
    raise TypeError(f"{type(value).__name__} is in no event that is named by its digest")
