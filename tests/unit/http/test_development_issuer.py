"""What the development issuer remembers, and whom it lets one be."""

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp import web

from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.documents import identity_document
from citybrain.http.platform.development import page
from citybrain.http.platform.development.grants import (
    CODE_SECONDS,
    SIGNED_IN_SECONDS,
    Asked,
    Grants,
    OAuthError,
    SignedIn,
    challenge_of,
)
from citybrain.http.platform.development.mount import mount
from citybrain.http.platform.development.people import people
from citybrain.http.reach import TOKEN_ROLES
from citybrain.http.runtime import RUNTIME, Runtime
from citybrain.http.web_clients import PAGES

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
BACK = "http://localhost/desk/signed-in"


class World:
    """Somebody who has signed in at the desk, and a clock."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.grants = Grants(clock=lambda: self.now)
        self.somebody = self.sign_in()

    def sign_in(self, browser: str = "browser", at: str = "desk") -> SignedIn:
        return self.grants.sign_in(browser, at, people()["fund-he-jing"], "fund-he-jing")

    def code(self) -> str:
        asked = Asked("pages", BACK, "openid", challenge_of(VERIFIER), "n")
        return self.grants.code(self.somebody, asked)

    def redeem(self, code: str, **other: str) -> str:
        sent = {"client_id": "pages", "redirect_uri": BACK, "verifier": VERIFIER} | other
        return self.grants.redeem(code, **sent)[2]

    def refresh(self, token: str) -> str:
        return self.grants.refresh(token, client_id="pages")[2]


def refused(step: Callable[[], object]) -> bool:
    """Whether it is refused as RFC 6749, 5.2 says."""
    with pytest.raises(OAuthError) as error:
        step()
    return error.value.code == "invalid_grant"


def test_the_challenge_is_that_of_the_standard() -> None:
    assert challenge_of(VERIFIER) == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636, B


def test_a_code_is_good_once_and_a_second_use_ends_what_the_first_began() -> None:
    world = World()
    code = world.code()
    refresh = world.redeem(code)
    assert refused(lambda: world.redeem(code))
    assert refused(lambda: world.refresh(refresh))


def test_a_code_is_for_a_minute() -> None:
    world = World()
    code = world.code()
    world.now += CODE_SECONDS
    assert refused(lambda: world.redeem(code))


@pytest.mark.parametrize(
    "other",
    [
        {"client_id": "others"},
        {"redirect_uri": "http://localhost/m/signed-in"},
        {"verifier": "x" * 43},
    ],
)
def test_a_code_is_for_who_asked_and_is_gone_after_somebody_else_tried(
    other: dict[str, str],
) -> None:
    world = World()
    code = world.code()
    assert refused(lambda: world.redeem(code, **other))
    assert refused(lambda: world.redeem(code))


def test_a_refresh_token_that_comes_back_ends_all_that_followed() -> None:
    world = World()
    first = world.redeem(world.code())
    second = world.refresh(first)
    assert second != first
    assert refused(lambda: world.refresh(first))
    assert refused(lambda: world.refresh(second))


def test_a_token_that_was_revoked_is_no_more_and_others_are() -> None:
    world = World()
    one, other = world.redeem(world.code()), world.redeem(world.code())
    world.grants.revoke(one, client_id="pages")
    world.grants.revoke("no-such-token", client_id="pages")
    assert refused(lambda: world.refresh(one))
    assert world.refresh(other)


def test_signing_out_ends_codes_and_tokens_of_that_page_alone() -> None:
    world = World()
    code, refresh = world.code(), world.redeem(world.code())
    phone = world.sign_in(at="m")
    world.grants.end(world.somebody.sid)
    assert refused(lambda: world.redeem(code))
    assert refused(lambda: world.refresh(refresh))
    assert world.grants.signed_in("browser", "desk") is None
    assert world.grants.signed_in("browser", "m") is phone


def test_a_session_lasts_a_shift() -> None:
    world = World()
    refresh = world.redeem(world.code())
    world.now += SIGNED_IN_SECONDS
    assert refused(lambda: world.refresh(refresh))
    assert world.grants.signed_in("browser", "desk") is None


def test_people_have_every_role_that_sits_before_a_page_and_where_it_counts() -> None:
    devices = {Role.KIOSK, Role.CAMERA, Role.GATEWAY, Role.VEHICLE}
    assert {person.role for person in people().values()} == set(TOKEN_ROLES) - devices
    for person in people().values():
        actor = Actor(person.key, frozenset({person.role}), person.department, person.counter)
        assert actor.has(person.role), person.key
        assert (person.role is Role.CITIZEN) == (person.registered is not None)
        if person.registered is not None:
            number, born = person.registered["id_number"], person.registered["birth_date"]
            assert identity_document(number, born=born).number == number


def test_there_is_none_without_a_development_issuer() -> None:
    app = web.Application()
    app[RUNTIME] = cast(Runtime, SimpleNamespace(development=None))
    mount(app)
    assert list(app.router.resources()) == []


@pytest.mark.parametrize("at", PAGES)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_page_offers_everybody_and_says_nothing_of_its_own_in_a_query(
    at: str, language: str
) -> None:
    hostile = {"state": '"><script>alert(1)</script>', "ui_locales": language}
    html = page.sign_in_page(at, language, hostile, missing=True)
    assert all(f'value="{key}"' in html for key in people())
    assert "<script" not in html
    assert not re.search(r"\sstyle=|\son[a-z]+=", html)
    assert all(text for said in page.texts().values() for text in said.values())
    assert set(page.texts()["en"]) == set(page.texts()["zh"])


def test_the_colours_of_the_page_are_the_tokens() -> None:
    css = (page.HERE / "page.css").read_text()
    tokens = (Path(__file__).parents[3] / "src/web/shared/tokens.css").read_text()
    named = re.findall(r"--([a-z-]+):\s*(#[0-9a-f]+)", css)
    assert len(named) == 20
    for name, colour in named:
        assert f"--{name}:{colour}" in tokens.replace(" ", ""), name
