"""The limiters of servers that start in a test."""

from typing import Any

import pytest

from citybrain.http.limits import RateLimiter


def told_limiters(monkeypatch: pytest.MonkeyPatch) -> list[RateLimiter]:
    """Fills with them, that of requests first."""
    made: list[RateLimiter] = []

    class Told(RateLimiter):
        def __init__(self, *given: Any) -> None:
            super().__init__(*given)
            made.append(self)

    monkeypatch.setattr("citybrain.http.server.RateLimiter", Told)
    return made
