"""The provider's paths in the application, where there is a development issuer."""

import time
from collections.abc import Awaitable, Callable
from functools import cache, wraps
from typing import Final

import jwt
from aiohttp import web

from citybrain.http.documents import Made, add_document, made
from citybrain.http.limits import LIMITER, caller_of
from citybrain.http.own_url import own_url
from citybrain.http.platform.development import page
from citybrain.http.platform.development.asking import (
    VERIFIER,
    RedirectedError,
    Wanted,
    back_to,
    form_of,
    wanted,
)
from citybrain.http.platform.development.grants import Grants, OAuthError, SignedIn, new_browser
from citybrain.http.platform.development.metadata import BASE, metadata
from citybrain.http.platform.development.people import Person, people
from citybrain.http.platform.operations import NotFromHere, check_caller
from citybrain.http.problem_texts import language_of
from citybrain.http.problems import Malformed
from citybrain.http.routing import json_response
from citybrain.http.runtime import RUNTIME
from citybrain.http.tokens import DevelopmentIssuer
from citybrain.http.web_clients import PAGES, client_id_of

COOKIE: Final = "citybrain-development"
ACCESS_SECONDS: Final = 600
BEARER: Final = "Bearer"

GRANTS: web.AppKey[Grants] = web.AppKey("development_grants", Grants)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def mount(app: web.Application) -> None:
    """Add the provider, in development."""
    if app[RUNTIME].development is None:
        return
    app[GRANTS] = Grants()
    add = app.router.add_route
    app.router.add_get("/.well-known/openid-configuration", _here(configuration))
    add("GET", f"{BASE}/authorize", _here(_redirecting(authorise)))
    add("POST", f"{BASE}/authorize", _here(_redirecting(choose)))
    add("POST", f"{BASE}/token", _here(_telling(token)))
    add("POST", f"{BASE}/revoke", _here(_telling(revoke)))
    add("GET", f"{BASE}/end-session", _here(end_session))
    add_document(app, page.STYLE, _style, "text/css")


async def configuration(request: web.Request) -> web.Response:
    """The provider's metadata."""
    return json_response(metadata(own_url(request)))


async def authorise(request: web.Request) -> web.Response:
    """A code for whoever has signed in, or the page on which one says who one is."""
    asked = wanted(request)
    known = request.app[GRANTS].signed_in(request.cookies.get(COOKIE, ""), asked.page)
    if known is not None and _is_enough(known, asked):
        return _sent_on(request, asked, known)
    if "none" in asked.prompt:
        error = OAuthError("login_required", "nobody has signed in")
        raise RedirectedError(error, asked.asked.redirect_uri, asked.state)
    return _page(request, asked)


def _is_enough(known: SignedIn, asked: Wanted) -> bool:
    """Whether somebody need not be asked again who they are."""
    fresh = asked.max_age is None or time.time() <= known.at + asked.max_age
    return fresh and asked.prompt <= {"none", "consent"}


async def choose(request: web.Request) -> web.Response:
    """Somebody has said who they are."""
    if request.headers.get("Origin", own_url(request)) != own_url(request):
        raise NotFromHere("this form is sent by our own page")
    asked = wanted(request)
    try:
        person = people().get((await form_of(request)).get("person", ""))
    except OAuthError as error:
        raise Malformed(error.description) from None
    if person is None:
        return _page(request, asked, missing=True)
    browser = request.cookies.get(COOKIE) or new_browser()
    subject = await _subject_of(person, request)
    known = request.app[GRANTS].sign_in(browser, asked.page, person, subject)
    answer = _sent_on(request, asked, known)
    answer.set_cookie(
        COOKIE, browser, path=BASE, httponly=True, samesite="Strict",
        secure=own_url(request).startswith("https:"),
    )  # fmt: skip
    return answer


async def _subject_of(person: Person, request: web.Request) -> str:
    """Who a person is here: a citizen's id comes with being registered."""
    runtime = request.app[RUNTIME]
    if person.registered is None or runtime.registers is None:
        return person.key
    runtime.store.check_writable()
    return await runtime.registers(person.registered | {"name": person.name.zh}, runtime.services)


def _page(request: web.Request, asked: Wanted, *, missing: bool = False) -> web.Response:
    given = dict(request.query)
    accepted = language_of(request.headers.get("Accept-Language", ""))
    language = page.language_named(given.get("ui_locales")) or accepted
    html = page.sign_in_page(asked.page, language, given, missing=missing)
    # With no-referrer a browser would not say of which origin the form is (Fetch, 3.2).
    headers = {"Referrer-Policy": "same-origin"}
    status = 422 if missing else 200
    return web.Response(text=html, content_type="text/html", status=status, headers=headers)


def _sent_on(request: web.Request, asked: Wanted, known: SignedIn) -> web.Response:
    code = request.app[GRANTS].code(known, asked.asked)
    uri = asked.asked.redirect_uri
    return back_to(uri, code=code, state=asked.state, iss=own_url(request))


async def token(request: web.Request) -> web.Response:
    """Tokens for a code, or for a refresh token."""
    form = await _form_of_client(request)
    grants, nonce = request.app[GRANTS], None
    if form.get("grant_type") == "authorization_code":
        verifier = form.get("code_verifier", "")
        if not VERIFIER.fullmatch(verifier):
            raise OAuthError("invalid_request", "code_verifier is 43 to 128 characters")
        known, asked, refresh = grants.redeem(
            form.get("code", ""),
            client_id=form["client_id"],
            redirect_uri=form.get("redirect_uri", ""),
            verifier=verifier,
        )
        scope, nonce = asked.scope, asked.nonce
    elif form.get("grant_type") == "refresh_token":
        sent = form.get("refresh_token", "")
        known, scope, refresh = grants.refresh(sent, client_id=form["client_id"])
    else:
        raise OAuthError("unsupported_grant_type", "authorization_code or refresh_token")
    return json_response(
        {
            "access_token": _access_token(request, known, form["client_id"]),
            "token_type": BEARER,
            "expires_in": ACCESS_SECONDS,
            "refresh_token": refresh,
            "id_token": _id_token(request, known, form["client_id"], nonce),
            "scope": scope,
        },
        headers={"Cache-Control": "no-store", "Pragma": "no-cache"},
    )


def _access_token(request: web.Request, known: SignedIn, client_id: str) -> str:
    claims = known.person.claims | {"client_id": client_id}
    return _issuer(request).access_token(known.subject, claims, seconds=ACCESS_SECONDS)


def _id_token(request: web.Request, known: SignedIn, client_id: str, nonce: str | None) -> str:
    """Who has signed in (OpenID Connect Core 1.0, 2)."""
    claims = {"aud": client_id, "auth_time": int(known.at), "sid": known.sid, **known.person.claims}
    if nonce is not None:
        claims["nonce"] = nonce
    return _issuer(request).id_token(
        known.subject, claims, issuer=own_url(request), seconds=ACCESS_SECONDS
    )


async def revoke(request: web.Request) -> web.Response:
    """End what follows from a refresh token (RFC 7009)."""
    form = await _form_of_client(request)
    if not form.get("token"):
        raise OAuthError("invalid_request", "token is missing")
    request.app[GRANTS].revoke(form["token"], client_id=form["client_id"])
    return json_response({})


async def end_session(request: web.Request) -> web.Response:
    """Sign out, and go to where the client wants (RP-Initiated Logout 1.0)."""
    settings, given = request.app[RUNTIME].settings, request.query
    uri = given.get("post_logout_redirect_uri", "")
    if uri not in {f"{own_url(request)}/{each}/signed-out" for each in PAGES}:
        raise Malformed("post_logout_redirect_uri is not that of a page of ours")
    try:
        hint = _issuer(request).read_id_token(
            given.get("id_token_hint", ""), client_id_of(settings), own_url(request)
        )
    except jwt.InvalidTokenError:
        raise Malformed("id_token_hint is no id token of ours") from None
    request.app[GRANTS].end(str(hint["sid"]))
    return back_to(uri, state=given.get("state"))


def _issuer(request: web.Request) -> DevelopmentIssuer:
    found = request.app[RUNTIME].development
    assert found is not None
    return found


async def _form_of_client(request: web.Request) -> dict[str, str]:
    form = await form_of(request)
    if form.get("client_id") != client_id_of(request.app[RUNTIME].settings):
        raise OAuthError("invalid_client", "client_id is not that of our pages")
    return form


def _here(handler: Handler) -> Handler:
    """Spends of the caller's share, and answers who calls by address or localhost alone."""

    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        await request.app[LIMITER].spend(caller_of(request))
        check_caller(request)
        return await handler(request)

    return handle


def _telling(handler: Handler) -> Handler:
    """Answers errors as RFC 6749, 5.2 says."""

    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except OAuthError as error:
            told = {"error": error.code, "error_description": error.description}
            return json_response(told, status=401 if error.code == "invalid_client" else 400)

    return handle


def _redirecting(handler: Handler) -> Handler:
    """Sends the browser back with the error (RFC 6749, 4.1.2.1)."""

    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except RedirectedError as refused:
            error = refused.error
            return back_to(
                refused.redirect_uri, error=error.code, error_description=error.description,
                state=refused.state, iss=own_url(request),
            )  # fmt: skip

    return handle


@cache
def _style() -> Made:
    return made((page.HERE / "page.css").read_bytes())
