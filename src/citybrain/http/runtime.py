"""What request handlers find in the application: the parts that `citybrain.app` put together."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from citybrain.domain.stream import StreamAggregate
from citybrain.eventstore import EventStore
from citybrain.http.tokens import DevelopmentIssuer, TokenVerifier
from citybrain.settings import Settings
from commands.services import Services

if TYPE_CHECKING:
    from citybrain.http.access_texts import Words
    from citybrain.http.board import BoardPart
    from citybrain.http.connections import Door
    from citybrain.http.routing import Route
    from projections.projection import Projection


@dataclass(repr=False)
class Runtime:
    """The parts of a serving process."""

    settings: Settings
    store: EventStore
    services: Services
    verifier: TokenVerifier
    development: DevelopmentIssuer | None = None
    projections: Sequence["Projection"] = ()
    board_parts: Sequence["BoardPart"] = ()
    routes: Sequence["Route"] = ()
    streams: Sequence[type[StreamAggregate]] = ()
    names: "Words" = field(default_factory=dict)
    """What codes of the systems' definitions are called."""
    mounts: Sequence[Callable[[web.Application], None]] = ()
    checks: Mapping[str, Callable[[], bool]] = field(default_factory=dict)
    """What readiness asks besides, by names of `REASONS`."""
    remarks: Callable[[], Sequence[str]] = tuple
    """What readiness says besides: it serves, and somebody should see to it."""
    registers: Callable[[Mapping[str, Any], Services], Awaitable[str]] | None = None
    """Registers a made-up person who signs in; in development."""
    address_key: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    """Makes pseudonyms of addresses, for the log."""
    door: "Door | None" = None
    """Through which connections come in, once there is one."""
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is asked to stop: readiness says no, streams of events end."""


RUNTIME: web.AppKey[Runtime] = web.AppKey("runtime", Runtime)
