"""Paths: each of ours leads to its route, and what fits none is told what there is."""

import re

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from citybrain.app import _routes
from citybrain.http.paths import Paths

ROUTES = _routes(True)


async def answer(_: web.Request) -> web.Response:
    return web.Response()


def router(*wanted: tuple[str, str]) -> web.UrlDispatcher:
    app = web.Application()
    paths = Paths(app)
    for method, path in wanted:
        paths.at(path).add_route(method, answer)
    app.freeze()
    return app.router


async def found(of: web.UrlDispatcher, method: str, path: str) -> web.UrlMappingMatchInfo:
    return await of.resolve(make_mocked_request(method, path))


def led_to(match: web.UrlMappingMatchInfo) -> str:
    assert match.route.resource is not None
    return match.route.resource.canonical


@pytest.fixture(scope="module")
def ours() -> web.UrlDispatcher:
    return router(*((route.method, route.path) for route in ROUTES))


async def test_each_of_our_routes_is_found_by_its_path(ours: web.UrlDispatcher) -> None:
    for route in ROUTES:
        match = await found(ours, route.method, re.sub(r"\{\w+\}", "x-1", route.path))
        assert (match.route.method, led_to(match)) == (route.method, route.path)
        assert set(match) == set(re.findall(r"\{(\w+)\}", route.path))


async def test_a_method_that_a_path_has_not_is_told_those_that_it_has(
    ours: web.UrlDispatcher,
) -> None:
    for path in ("/v1/cases", "/v1/cases/x-1", "/v1/cases/x-1/dispatch"):
        match = await found(ours, "PATCH", path)
        there = {r.method for r in ROUTES if re.sub(r"\{\w+\}", "x-1", r.path) == path}
        assert isinstance(match.http_exception, web.HTTPMethodNotAllowed)
        assert match.http_exception.allowed_methods == there


async def test_what_is_no_path_of_ours_is_not_found(ours: web.UrlDispatcher) -> None:
    for path in ("/v1/cases/x-1/x/y", "/v1/cases//dispatch", "/v1/cases/x-1/", "/v1/none", "/x"):
        match = await found(ours, "POST", path)
        assert isinstance(match.http_exception, web.HTTPNotFound)


async def test_a_name_comes_before_a_variable_part_whatever_was_added_first() -> None:
    of = router(
        ("POST", "/a/{id}/{step}"),
        ("POST", "/a/{id}/close"),
        ("GET", "/a/{id}/all"),
        ("POST", "/a/{id}"),
        ("POST", "/a/known"),
    )
    for path, canonical in (
        ("/a/1/close", "/a/{id}/close"),
        ("/a/1/open", "/a/{id}/{step}"),
        ("/a/1/all", "/a/{id}/{step}"),  # it has no POST of its own
        ("/a/1", "/a/{id}"),
        ("/a/known", "/a/known"),
    ):
        match = await found(of, "POST", path)
        assert led_to(match) == canonical


async def test_parts_are_read_as_the_router_reads_them() -> None:
    of = router(("GET", "/a/{id}/close"))
    for path, value in (("/a/x%20y/close", "x y"), ("/a/x%2Fclose/close", "x/close")):
        match = await found(of, "GET", path)
        assert match["id"] == value
