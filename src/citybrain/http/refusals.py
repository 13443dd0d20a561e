"""Whoever is refused again and again is slowed down, and nobody else.

A caller is turned away so often in a second: from there on the answer is 429, which comes late, and
what they go on sending is left on the wire. What they may do, they may do as before: only what is
refused is weighed. Each process counts its own, in memory.
"""

import time
from collections import OrderedDict
from typing import Final

from aiohttp import web

from citybrain.errors import CitybrainError, Forbidden
from citybrain.http.connections import LINGERING_BYTES, Connection
from citybrain.http.limits import caller_of
from citybrain.http.problems import BodyTooLarge, RateLimited, Unauthenticated, UnsupportedMediaType
from citybrain.http.tokens import actor_of

CALLERS: Final = 10_000
PART: Final = 0.1
"""Of a caller's requests: so many may be refused, each second and at once."""

TOKEN_BYTES: Final = 65_536
"""So much of a refused body is taken in for one refusal more: who sends it can read why."""

WEIGHED: Final = (Unauthenticated, Forbidden, BodyTooLarge, UnsupportedMediaType)
"""What nobody meets again and again who goes by the answers."""


class RefusedTooOften(RateLimited):
    """The caller goes on with what was refused."""

    code = "refused-too-often"


class Refusals:
    """A token bucket for each caller who was refused lately."""

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, caller: str, wanted: float) -> float:
        """So many of the tokens that are wanted, as far as there are any."""
        now = time.monotonic()
        left, at = self._left.pop(caller, (self._burst, now))
        left = min(self._burst, left + (now - at) * self._per_second)
        taken = min(wanted, left)
        self._left[caller] = (left - taken, now)
        if len(self._left) > CALLERS:
            self._left.popitem(last=False)
        return taken

    def wait(self, caller: str) -> int:
        """Whole seconds until there is one again."""
        left, _ = self._left[caller]
        return max(1, round((1 - left) / self._per_second))


REFUSALS: web.AppKey[Refusals] = web.AppKey("refusals", Refusals)


LEFT: web.RequestKey[bool] = web.RequestKey("left", bool)
"""Something of the body stays on the wire: the answer ends the connection."""


def weighed(request: web.Request, error: CitybrainError) -> CitybrainError:
    """What a request is refused with, or that the caller was refused too often."""
    if isinstance(error, WEIGHED):
        return refused(request, error.code) or error
    if isinstance(error, RateLimited):
        _pay_for_rest(request)
    return error


def refused(request: web.Request, code: str) -> RefusedTooOften | None:
    """A refusal is taken of the caller's share; what there is where none is left of it.

    The rest of the body is paid for as well, and comes in as far as it is.
    """
    refusals, caller = request.app[REFUSALS], caller_of(request, actor_of(request))
    if refusals.take(caller, 1) < 1:
        _take_in(request, 0)
        said = "too much of what you sent was refused"
        return RefusedTooOften(said, retry_after_seconds=refusals.wait(caller), refused_with=code)
    _pay_for_rest(request)
    return None


def _pay_for_rest(request: web.Request) -> None:
    """What is left of a body comes in as far as its caller's share of refusals goes."""
    if not request.content.is_eof():
        caller = caller_of(request, actor_of(request))
        paid = request.app[REFUSALS].take(caller, _rest(request) / TOKEN_BYTES)
        _take_in(request, int(paid * TOKEN_BYTES))


def _take_in(request: web.Request, most: int) -> None:
    """So many bytes of a body that has not come yet; all of a small one, which is on its way."""
    rest = 0 if request.content.is_eof() else _rest(request)
    if max(most, TOKEN_BYTES) < rest and isinstance(request.protocol, Connection):
        request.protocol.linger(most)
        request[LEFT] = True


def _rest(request: web.Request) -> int:
    """Bytes of the body that are still to come, as far as they would be taken in."""
    announced = request.content_length
    if announced is None:
        return LINGERING_BYTES
    return min(LINGERING_BYTES, max(0, announced - request.content.total_bytes))
