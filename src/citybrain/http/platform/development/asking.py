"""What an OAuth request says: read, checked, and told apart by where the answer may go.

As long as it is not sure that `redirect_uri` is one of ours, nobody is sent there (RFC 6749,
4.1.2.1): that is a problem of ours. Everything else is told to the client, with its `state`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from multidict import MultiMapping

from citybrain.http.bodies import body_place, read_body
from citybrain.http.own_url import own_url
from citybrain.http.platform.development.grants import Asked, OAuthError
from citybrain.http.problems import BodyTooLarge, Malformed
from citybrain.http.runtime import RUNTIME
from citybrain.http.web_clients import PAGES, client_id_of

FORM: Final = "application/x-www-form-urlencoded"
FORM_BYTES: Final = 16 << 10
CHALLENGE: Final = re.compile(r"[A-Za-z0-9_-]{43}")
VERIFIER: Final = re.compile(r"[A-Za-z0-9._~-]{43,128}")  # RFC 7636, 4.1
LONGEST: Final = 512
PROMPTS: Final = frozenset({"none", "login", "select_account", "consent"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """An authorisation request."""

    page: str
    asked: Asked
    state: str | None
    prompt: frozenset[str]
    max_age: float | None


def redirects(request: web.Request) -> dict[str, str]:
    """The pages by where their codes are sent, exactly."""
    return {f"{own_url(request)}/{page}/signed-in": page for page in PAGES}


def wanted(request: web.Request) -> Wanted:
    """The authorisation request; raises `Malformed` and `RedirectedError`."""
    given = _once(request.query)
    redirect_uri = given.get("redirect_uri", "")
    page = redirects(request).get(redirect_uri)
    if given.get("client_id") != client_id_of(request.app[RUNTIME].settings) or page is None:
        raise Malformed("client_id and redirect_uri are not those of a page of ours")
    state = given.get("state")
    try:
        return _wanted(given, page, redirect_uri, state)
    except OAuthError as error:
        raise RedirectedError(error, redirect_uri, state) from None


class RedirectedError(Exception):
    """An authorisation request is refused, and the client is told."""

    def __init__(self, error: OAuthError, redirect_uri: str, state: str | None) -> None:
        super().__init__(error.description)
        self.error, self.redirect_uri, self.state = error, redirect_uri, state


def _wanted(given: Mapping[str, str], page: str, redirect_uri: str, state: str | None) -> Wanted:
    if "request" in given or "request_uri" in given:
        raise OAuthError("request_not_supported", "say it in the query")
    if given.get("response_type") != "code":
        raise OAuthError("unsupported_response_type", "response_type is code")
    if given.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "response_mode is query")
    if "openid" not in given.get("scope", "").split():
        raise OAuthError("invalid_scope", "scope has openid in it")
    challenge = given.get("code_challenge", "")
    if given.get("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(challenge):
        raise OAuthError("invalid_request", "code_challenge is one of S256 (RFC 7636)")
    if any(len(given.get(name, "")) > LONGEST for name in ("state", "nonce", "scope")):
        raise OAuthError("invalid_request", f"state, nonce and scope have {LONGEST} characters")
    prompt = frozenset(given.get("prompt", "").split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        raise OAuthError("invalid_request", "prompt is none, or login, select_account, consent")
    max_age = given.get("max_age", "")
    if max_age and not (max_age.isascii() and max_age.isdecimal()):
        raise OAuthError("invalid_request", "max_age is a number of seconds")
    asked = Asked(
        client_id=given["client_id"],
        redirect_uri=redirect_uri,
        scope=given["scope"],
        challenge=challenge,
        nonce=given.get("nonce"),
    )
    return Wanted(page, asked, state, prompt, float(max_age) if max_age else None)


def _once(given: MultiMapping[str]) -> dict[str, str]:
    """Parameters, none of which is given twice (RFC 6749, 3.1)."""
    for name in given:
        if len(given.getall(name)) > 1:
            raise Malformed("a parameter is given twice")
    return dict(given.items())


async def form_of(request: web.Request) -> dict[str, str]:
    """The form that was sent; raises `OAuthError`, `BodyTooLarge` and what `read_body` does."""
    if request.content_type != FORM:
        raise OAuthError("invalid_request", f"the body is {FORM}")
    too_large = BodyTooLarge(f"the body exceeds {FORM_BYTES} bytes", limit_bytes=FORM_BYTES)
    with body_place(request, None, FORM_BYTES):
        raw = await read_body(request, FORM_BYTES, too_large)
    try:
        members = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=50)
    except ValueError as error:
        raise OAuthError("invalid_request", "the body is no form") from error
    form = dict(members)
    if len(form) < len(members):
        raise OAuthError("invalid_request", "a parameter is given twice")
    return form


def back_to(uri: str, **told: str | None) -> web.Response:
    """Send the browser on, with what it is told."""
    query = urlencode({name: value for name, value in told.items() if value is not None})
    return web.Response(status=303, headers={"Location": f"{uri}?{query}" if query else uri})
