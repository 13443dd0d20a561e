"""A replay is read by people: values without Python, and what is sealed without its letters."""

import base64
from datetime import UTC, datetime

from citybrain.cli.replay import _shown


def test_values_are_shown_as_people_read_them() -> None:
    sealed = base64.b64encode(b"v2" + bytes(36)).decode()
    assert _shown(sealed, "form_sealed") == "sealed (38 bytes)"
    assert _shown({"signed_sealed": sealed, "none": None, "n": 1}) == (
        "(signed_sealed sealed (38 bytes), n 1)"
    )
    assert _shown(["a", {"b": True}]) == "a, (b yes)"
    assert _shown(datetime(2026, 3, 1, 8, tzinfo=UTC)) == "2026-03-01 08:00:00+00:00"
