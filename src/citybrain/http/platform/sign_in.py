"""Where one signs in: what our pages need to know of the issuer, asked of it and kept.

A page sends people to `authorization_endpoint`, and a request of its own to `token_endpoint`. The
browser lets it do so where the origin is known beforehand (Content-Security-Policy), so an
endpoint of another origin is refused here, where it is told, and not there.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import aiohttp
import structlog
from aiohttp import web
from pydantic import AnyHttpUrl, BaseModel, ConfigDict, TypeAdapter, ValidationError

from citybrain.errors import NotFound, Unavailable
from citybrain.http.issuer_keys import AWAY_SECONDS, fetch_json
from citybrain.http.own_url import own_url
from citybrain.http.paging import Query
from citybrain.http.platform.development.metadata import metadata
from citybrain.http.platform.operations import check_caller
from citybrain.http.routing import Answer, Call, Route, json_response
from citybrain.http.runtime import RUNTIME
from citybrain.http.web_clients import client_id_of, issuer_origins, origin_of
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

WELL_KNOWN: Final = "/.well-known/openid-configuration"
FRESH_SECONDS: Final = 600.0
REACHED: Final = ("token_endpoint", "revocation_endpoint")
"""What pages send requests to; to the others people go themselves."""
URL: Final = TypeAdapter(AnyHttpUrl)


class SignInNotConfigured(NotFound):
    """Nobody signs in to our pages: the settings name no client."""

    code = "sign-in-not-configured"


class IssuerNotAnswering(Unavailable):
    """The issuer does not say where one signs in, or says what we cannot use."""

    code = "issuer-not-answering"


class Endpoints(BaseModel):
    """Of the metadata of an issuer (OpenID Connect Discovery 1.0, 3) what our pages use."""

    model_config = ConfigDict(extra="ignore")
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    revocation_endpoint: str | None = None
    end_session_endpoint: str | None = None


class SignIn(Endpoints):
    """Where one signs in, and as which client."""

    client_id: str
    scope: str


class NotUsable(ValueError):
    """What the issuer says of itself is not what we can use."""


class IssuerMetadata:
    """What the issuer says of itself: asked once in `FRESH_SECONDS`, kept while it is away."""

    def __init__(
        self, settings: Settings, fetch: Callable[[str], Awaitable[Any]] = fetch_json
    ) -> None:
        self._settings, self._fetch = settings, fetch
        self._known: Endpoints | None = None
        self._again_at = 0.0
        self._asking = asyncio.Lock()

    async def endpoints(self) -> Endpoints:
        """Raises `SignInNotConfigured`, `IssuerNotAnswering`."""
        issuer = self._settings.oidc_issuer
        if not (issuer and self._settings.oidc_client_id):
            raise SignInNotConfigured("no client of the issuer is set (CITYBRAIN_OIDC_CLIENT_ID)")
        async with self._asking:
            if time.monotonic() >= self._again_at:
                await self._ask(issuer)
        if self._known is None:
            raise IssuerNotAnswering(
                "where one signs in cannot be read now", retry_after_seconds=round(AWAY_SECONDS)
            )
        return self._known

    async def _ask(self, issuer: str) -> None:
        try:
            answer = await self._fetch(issuer.rstrip("/") + WELL_KNOWN)
            self._known = endpoints_of(answer, issuer, issuer_origins(self._settings))
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            reason = str(error) if isinstance(error, NotUsable) else None
            log.warning("issuer_metadata_not_read", error=type(error).__name__, reason=reason)
            self._again_at = time.monotonic() + AWAY_SECONDS
        else:
            self._again_at = time.monotonic() + FRESH_SECONDS


def endpoints_of(answer: Any, issuer: str, origins: list[str]) -> Endpoints:
    """The endpoints that an issuer names; raises `NotUsable`."""
    if not isinstance(answer, Mapping):
        raise NotUsable("the metadata are no object")
    try:
        found = Endpoints.model_validate(dict(answer))
        named = found.model_dump(exclude={"issuer"}, exclude_none=True)
        for url in named.values():
            URL.validate_python(url)
    except ValidationError:
        raise NotUsable("an endpoint is missing, or no URL") from None
    if found.issuer != issuer:  # OpenID Connect Discovery 1.0, 4.3
        raise NotUsable("the metadata are of another issuer")
    if "S256" not in answer.get("code_challenge_methods_supported", ["S256"]):
        raise NotUsable("the issuer does not know PKCE with S256")
    for name in REACHED:
        if name in named and origin_of(named[name]) not in origins:
            raise NotUsable(f"{name} is of an origin that CITYBRAIN_OIDC_ORIGINS does not name")
    return found


METADATA: web.AppKey[IssuerMetadata] = web.AppKey("issuer_metadata", IssuerMetadata)


def mount(app: web.Application) -> None:
    """What the issuer says is kept in the application."""
    app[METADATA] = IssuerMetadata(app[RUNTIME].settings)


async def sign_in(call: Call) -> web.Response:
    """Where one signs in."""
    settings = call.runtime.settings
    if call.runtime.development is not None:
        check_caller(call.request)
        found = Endpoints.model_validate(metadata(own_url(call.request)))
    else:
        found = await call.request.app[METADATA].endpoints()
        if call.runtime.verifier.keys.failing:  # nobody is sent to where nobody answers
            raise IssuerNotAnswering(
                "the issuer does not answer now", retry_after_seconds=round(AWAY_SECONDS)
            )
    answer = SignIn(
        **found.model_dump(), client_id=client_id_of(settings), scope=settings.oidc_scope
    )
    return json_response(answer)


ROUTES = (
    Route(
        method="GET",
        path="/v1/sign-in",
        summary="Where one signs in to our pages: the issuer's endpoints, and our client of it",
        tag="operations",
        handler=sign_in,
        query=Query,
        may_be_missing=True,
        answers={
            200: Answer("where one signs in", SignIn),
            403: Answer("not-from-here: in development, where Host is a name that is not ours"),
        },
    ),
)
