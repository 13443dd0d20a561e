"""What request handlers find in the application: the parts that `citybrain.app` put together."""

import asyncio
from dataclasses import dataclass, field

from aiohttp import web

from citybrain.eventstore import EventStore
from citybrain.http.tokens import DevelopmentIssuer, TokenVerifier
from citybrain.settings import Settings
from commands.services import Services


@dataclass
class Runtime:
    """The parts of a serving process."""

    settings: Settings
    store: EventStore
    services: Services
    verifier: TokenVerifier
    development: DevelopmentIssuer | None = None
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the process is asked to stop: readiness says no, streams of events end."""


RUNTIME: web.AppKey[Runtime] = web.AppKey("runtime", Runtime)
