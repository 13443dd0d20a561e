"""Finds the resource of a path by how it ends: many begin alike, and a router tries one by one."""

from collections.abc import Iterator
from typing import Any, Final, NoReturn

from aiohttp import web

VARIABLE: Final = "{}"


class Fork(web.AbstractResource):
    """All paths of one beginning that have variable parts, by their last part.

    Whether a path fits is for its own resource to say, as it is in the router.
    """

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self._beginning = beginning
        self._by_end: dict[tuple[int, str], list[web.DynamicResource]] = {}

    @property
    def canonical(self) -> str:
        """By which the router finds it: the answer names that of the path."""
        return f"{self._beginning}/{{rest}}"

    def add(self, path: str) -> web.DynamicResource:
        """The resource of a path; where a request fits several, the first is taken."""
        parts = path.split("/")
        end = VARIABLE if "{" in parts[-1] else parts[-1]
        there = self._by_end.setdefault((len(parts), end), [])
        known = next((each for each in there if each.raw_match(path)), None)
        if known is None:
            known = web.DynamicResource(path)
            there.append(known)
        return known

    async def resolve(
        self, request: web.Request
    ) -> tuple[web.UrlMappingMatchInfo | None, set[str]]:
        """The route, or else the methods that there are; a path that ends with a name is first."""
        parts = request.rel_url.path_safe.split("/")
        allowed: set[str] = set()
        for end in (parts[-1], VARIABLE):
            for each in self._by_end.get((len(parts), end), ()):
                found, methods = await each.resolve(request)
                if found is not None:
                    return found, methods
                allowed |= methods
        return None, allowed

    def __iter__(self) -> Iterator[web.AbstractRoute]:
        return (route for there in self._by_end.values() for each in there for route in each)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def get_info(self) -> Any:
        """What is shown of it."""
        return {"prefix": self._beginning}

    def raw_match(self, path: str) -> bool:
        """No path is its own."""
        return False

    def url_for(self, **parts: str) -> NoReturn:
        """It has no path of its own."""
        raise NotImplementedError

    def add_prefix(self, prefix: str) -> NoReturn:
        """It is in no application within another."""
        raise NotImplementedError


class Paths:
    """The resources of an application, by their paths; all are there before the first request."""

    def __init__(self, app: web.Application) -> None:
        self._router = app.router
        self._plain: dict[str, web.Resource] = {}
        self._forks: dict[str, Fork] = {}

    def at(self, path: str) -> web.Resource:
        """The one resource of a path."""
        beginning, variable, _ = path.partition("{")
        if not variable:
            if path not in self._plain:
                self._plain[path] = self._router.add_resource(path)
            return self._plain[path]
        beginning = beginning.rpartition("/")[0]
        if beginning not in self._forks:
            self._forks[beginning] = Fork(beginning)
            self._router.register_resource(self._forks[beginning])
        return self._forks[beginning].add(path)
