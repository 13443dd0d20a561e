"""The page on which one chooses who one is: HTML without a script, in both languages."""

from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path
from urllib.parse import urlencode

from citybrain.domain.actor import Role
from citybrain.http.clients import PAGES
from citybrain.http.platform.development.metadata import BASE
from citybrain.http.platform.development.people import Person, people
from citybrain.http.problem_texts import CHINESE, CONTENT_LANGUAGE, ENGLISH
from citybrain.http.texts import read_texts

HERE = Path(__file__).parent
STYLE = f"{BASE}/page.css"
FIRST: dict[str, tuple[Role, ...]] = {
    "m": (Role.CITIZEN,),
    "board": (Role.OPERATOR, Role.SUPERVISOR, Role.OFFICIAL, Role.AUDITOR),
    "desk": (Role.OFFICIAL, Role.SUPERVISOR, Role.OPERATOR, Role.CLERK),
    "audit": (Role.AUDITOR,),
}
"""Whom a page is for; the others stand behind a heading that opens."""


@cache
def texts() -> dict[str, dict[str, str]]:
    """By language, what the page says."""
    return read_texts(HERE / "page_texts.yaml")


def language_named(ui_locales: str | None) -> str | None:
    """The first of `ui_locales` that the page speaks, if one is."""
    for tag in (ui_locales or "").lower().split():
        if (language := tag.partition("-")[0]) in CONTENT_LANGUAGE:
            return language
    return None


def sign_in_page(page: str, language: str, given: dict[str, str], *, missing: bool) -> str:
    """The page; `given` is the request, sent along with the form. `missing`: nobody was chosen."""
    said = texts()[language]
    other = ENGLISH if language == CHINESE else CHINESE
    first = FIRST[page]
    rest = tuple(role for role in _roles() if role not in first)
    action = escape(f"?{urlencode(given)}")
    switch = escape(f"?{urlencode(given | {'ui_locales': CONTENT_LANGUAGE[other]})}")
    error = f'<p role="alert" class="error">{escape(said["missing"])}</p>' if missing else ""
    return (
        f'<!doctype html><html lang="{CONTENT_LANGUAGE[language]}"><meta charset="utf-8">'
        f"<title>{escape(said['title'])}</title>"
        '<meta name="viewport" content="width=device-width">'
        f'<link rel="stylesheet" href="{STYLE}">{_icon()}'
        f"<header><p>{escape(said['development'])}</p>"
        f'<a href="{switch}" lang="{CONTENT_LANGUAGE[other]}" hreflang="{CONTENT_LANGUAGE[other]}">'
        f"{escape(said['other'])}</a></header>"
        f"<main><h1>{escape(said['title'])}</h1><p>{escape(said['page:' + page])} "
        f'{escape(said["made-up"])}</p>{error}<form method="post" action="{action}">'
        f"{_groups(first, language)}"
        f"<details><summary>{escape(said['others'])}</summary>{_groups(rest, language)}</details>"
        f'<div class="done"><button>{escape(said["sign-in"])}</button></div></form></main></html>'
    )


@cache
def _icon() -> str:
    """That of the pages, where they are built: a browser asks for another one otherwise."""
    found = next((PAGES / "static").glob("icon-*.svg"), None)
    return f'<link rel="icon" href="/static/{found.name}">' if found else ""


def _roles() -> list[Role]:
    return list(dict.fromkeys(person.role for person in people().values()))


def _groups(roles: Iterable[Role], language: str) -> str:
    said = texts()[language]
    return "".join(
        f"<fieldset><legend>{escape(said['role:' + role])}</legend>"
        + "".join(_choice(p, language) for p in people().values() if p.role is role)
        + "</fieldset>"
        for role in roles
    )


def _choice(person: Person, language: str) -> str:
    return (
        f'<label><input type="radio" name="person" value="{person.key}" required>'
        f"<span><b>{escape(person.name.in_(language))}</b> "
        f"<small>{escape(person.about.in_(language))}</small></span></label>"
    )
