"""Signing in, as a page does it: the code flow with PKCE against the development issuer."""

from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest

from citybrain.http.platform.development.grants import challenge_of
from tests.given.api import Answer, Api

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"


@pytest.fixture
def with_workers() -> bool:
    return False


class Page:
    """One of our pages in a browser."""

    def __init__(self, api: Api, page: str = "desk") -> None:
        self.api, self.page = api, page
        self.cookie = ""

    @property
    def back(self) -> str:
        return f"{self.api.url}/{self.page}/signed-in"

    def asks(self, **other: str | None) -> str:
        """Where it sends somebody to sign in."""
        asked: dict[str, str | None] = {
            "client_id": "citybrain-pages",
            "redirect_uri": self.back,
            "response_type": "code",
            "scope": "openid",
            "state": "a state",
            "nonce": "a nonce",
            "code_challenge": challenge_of(VERIFIER),
            "code_challenge_method": "S256",
        }
        said = {name: value for name, value in (asked | other).items() if value is not None}
        return f"/dev/oauth/authorize?{urlencode(said)}"

    async def sign_in(self, person: str) -> str:
        """Choose somebody; the code."""
        told = back(await self.choose(person))
        assert (told["state"], told["iss"]) == ("a state", self.api.url)
        return told["code"]

    async def choose(self, person: str, **headers: str) -> Answer:
        answer = await self.api.call(
            "POST", self.asks(), data={"person": person}, headers=headers, allow_redirects=False
        )
        self.cookie = answer.headers.get("Set-Cookie", "")
        return answer

    async def authorize(self, **other: str | None) -> Answer:
        sent = {"Cookie": self.cookie.partition(";")[0]}
        return await self.api.call("GET", self.asks(**other), headers=sent, allow_redirects=False)

    async def redeem(self, code: str, **other: str) -> Answer:
        return await self.token(
            grant_type="authorization_code", code=code, redirect_uri=self.back,
            code_verifier=VERIFIER, **other,
        )  # fmt: skip

    async def refresh(self, token: str) -> Answer:
        return await self.token(grant_type="refresh_token", refresh_token=token)

    async def token(self, **form: str) -> Answer:
        return await self._send("token", form)

    async def revoke(self, token: str) -> Answer:
        return await self._send("revoke", {"token": token})

    async def _send(self, what: str, form: dict[str, str]) -> Answer:
        sent = {"client_id": "citybrain-pages"} | form
        return await self.api.call("POST", f"/dev/oauth/{what}", data=sent)


def back(answer: Answer) -> dict[str, str]:
    """What the browser brings back to the page."""
    assert answer.status == 303, answer.body
    found = parse_qs(urlsplit(answer.headers["Location"]).query)
    return {name: value for name, (value,) in found.items()}


def error(answer: Answer) -> Any:
    """The OAuth error of an answer."""
    assert answer.status in (400, 401), answer.body
    return answer.json["error"]


async def test_an_official_signs_in_works_and_signs_out(api: Api) -> None:
    desk = Page(api)
    where = (await api.call("GET", "/v1/sign-in")).json
    said = (await api.call("GET", "/.well-known/openid-configuration")).json
    assert {name: said[name] for name in where if name in said} == {
        name: where[name] for name in where if name not in ("client_id", "scope")
    }
    assert where["issuer"] == api.url

    chooser = await desk.authorize(ui_locales="zh-Hans")
    assert (chooser.status, "今天您是谁" in chooser.body.decode()) == (200, True)
    given = (await desk.redeem(await desk.sign_in("fund-he-jing"))).json

    keys = jwt.PyJWKSet.from_dict((await api.call("GET", "/.well-known/jwks.json")).json)
    who = jwt.decode(
        given["id_token"], keys.keys[0], algorithms=["ES256"], audience=where["client_id"],
        issuer=where["issuer"],
    )  # fmt: skip
    assert (who["nonce"], who["sub"]) == ("a nonce", "fund-he-jing")
    assert "name" not in who
    assert (who["roles"], who["department"]) == (["official"], "housing-fund")
    queue = "/v1/applications/queue?department=housing-fund"
    sent = {"Authorization": f"Bearer {given['access_token']}"}
    assert (await api.call("GET", queue, headers=sent)).status == 200
    hint = {"Authorization": f"Bearer {given['id_token']}"}
    assert (await api.call("GET", queue, headers=hint)).is_problem(401, "unauthenticated")

    again = (await desk.refresh(given["refresh_token"])).json
    assert again["refresh_token"] != given["refresh_token"]
    assert back(await desk.authorize(prompt="none"))["code"], "the browser has signed in"
    assert (await desk.authorize(prompt="select_account")).status == 200
    assert {"HttpOnly", "SameSite=Strict", "Path=/dev/oauth"} <= set(desk.cookie.split("; "))
    phone = Page(api, "m")
    phone.cookie = desk.cookie
    assert back(await phone.authorize(prompt="none"))["error"] == "login_required"

    leave = {
        "id_token_hint": again["id_token"],
        "post_logout_redirect_uri": f"{api.url}/desk/signed-out",
        "state": "bye",
    }
    left = await api.call(
        "GET", f"/dev/oauth/end-session?{urlencode(leave)}", allow_redirects=False
    )
    assert left.headers["Location"] == f"{api.url}/desk/signed-out?state=bye"
    assert error(await desk.refresh(again["refresh_token"])) == "invalid_grant"
    assert (await desk.authorize()).status == 200, "and is asked who they are"


async def test_a_citizen_is_registered_once_and_reads_their_own(api: Api) -> None:
    phone, subjects = Page(api, "m"), set()
    for _ in range(2):
        given = (await phone.redeem(await phone.sign_in("chen-shulan"))).json
        subjects.add(jwt.decode(given["id_token"], options={"verify_signature": False})["sub"])
    (citizen,) = subjects
    sent = {"Authorization": f"Bearer {given['access_token']}"}
    own = await api.call("GET", f"/v1/citizens/{citizen}", headers=sent)
    assert (own.status, own.json["citizen_id"]) == (200, citizen), own.body


async def test_requests_that_are_wrong_are_told_as_oauth_tells_them(api: Api) -> None:
    desk = Page(api)
    for wrong in (
        {"redirect_uri": f"{desk.back}/"},
        {"redirect_uri": "https://evil.example/desk/signed-in"},
        {"redirect_uri": None},
        {"client_id": "others"},
    ):
        assert (await desk.authorize(**wrong)).is_problem(400, "malformed-request")
    for other, told in (
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "profile"}, "invalid_scope"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "soon"}, "invalid_request"),
        ({"request_uri": "https://evil.example"}, "request_not_supported"),
    ):
        refused = back(await desk.authorize(**other))
        assert (refused["error"], refused["state"]) == (told, "a state")
    code = await desk.sign_in("fund-he-jing")
    assert error(await desk.redeem(code, client_id="others")) == "invalid_client"
    assert error(await desk.token(grant_type="password")) == "unsupported_grant_type"
    assert error(await desk.token(grant_type="authorization_code")) == "invalid_request"
    assert error(await desk.redeem("made-up")) == "invalid_grant"
    wrong_type = await api.call("POST", "/dev/oauth/token", json={"client_id": "citybrain-pages"})
    assert error(wrong_type) == "invalid_request"
    assert (await desk.redeem(code)).status == 200, "and the code is good still"


async def test_what_other_pages_and_names_ask_is_refused(api: Api) -> None:
    desk = Page(api)
    assert (await desk.choose("fund-he-jing", Origin="https://evil.example")).status == 403
    assert (await desk.choose("nobody")).status == 422
    named = await api.call("GET", desk.asks(), headers={"Host": "evil.example"})
    assert named.is_problem(403, "not-from-here")
    elsewhere = {"post_logout_redirect_uri": "https://evil.example/"}
    gone = await api.call("GET", f"/dev/oauth/end-session?{urlencode(elsewhere)}")
    assert gone.is_problem(400, "malformed-request")
    given = (await desk.redeem(await desk.sign_in("fund-he-jing"))).json
    assert (await desk.revoke(given["refresh_token"])).status == 200
    assert error(await desk.refresh(given["refresh_token"])) == "invalid_grant"
