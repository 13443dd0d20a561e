"""Walks of two people over operations that belong together, each step on what those before made.

schemathesis draws each request from the OpenAPI document. Before one is sent, ids that answers have
named take the place of those that were drawn, and the version that was seen that of `If-Match`.
What is drawn follows from no answer: a walk is the same walk each time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import requests
import schemathesis
from hypothesis import strategies as st
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from citybrain.domain.actor import Role
from citybrain.http.openapi import openapi
from citybrain.http.routing import Route
from tests.given.numbers import next_number
from tests.given.waiting import PATIENCE_SECONDS

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)
KNOWN, LIKELY = 0.9, 0.7
ANOTHER = "another plate"
"""A plate that no other request has."""
NEWEST = 3  # of the ids of a kind: so two people meet at one thing


@dataclass(frozen=True, slots=True)
class Paths:
    """Operations that belong together, and what makes their bodies ones that can be taken.

    `begins`: the operation that makes what the others are about; both are `METHOD /path`.
    """

    under: tuple[str, ...]
    begins: str
    members: Mapping[str, Mapping[str, Any]]

    def among(self, routes: Sequence[Route], roles: Iterable[Role]) -> list[Route]:
        """Those that one of two may call and that end."""
        who = set(roles)
        return [
            route
            for route in routes
            if route.path.startswith(self.under)
            and not (route.streaming and route.method == "GET")
            and (route.roles is None or who & set(route.roles))
        ]


@dataclass(slots=True)
class Walk:
    """One walk, and what has been learnt on it; `wrong` is what no server should answer."""

    url: str
    tokens: Mapping[Role, str]
    routes: Mapping[str, Route]
    members: Mapping[str, Mapping[str, Any]]
    random: Random
    session: requests.Session
    named: dict[str, list[str]] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    answered: list[tuple[str, int]] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def step(self, case: Case[Any], *, surely: bool = False) -> None:
        """Send one request as one of the two who may; surely one that can be done, as the first."""
        label = f"{case.method} {case.path}"
        roles = self.routes[label].roles
        may = [who for who in self.tokens if roles is None or who in roles]
        role = may[0] if surely else self.random.choice(may)
        self._put_in(case, self.members.get(label, {}), surely)
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        answer = case.call(
            self.url, session=self.session, headers=headers, timeout=PATIENCE_SECONDS
        )
        self.answered.append((label, answer.status_code))
        try:
            case.validate_response(answer, checks=list(CHECKS))
        except (Failure, FailureGroup) as found:
            self.wrong.append(f"{label} as {role}: {found}")
        self._learn(case, answer)

    def _put_in(self, case: Case[Any], members: Mapping[str, Any], surely: bool) -> None:
        for name in case.path_parameters:
            if (ids := self.named.get(name)) and self.random.random() < KNOWN:
                case.path_parameters[name] = self.random.choice(ids[-NEWEST:])
        if "If-Match" in case.headers:
            seen = [self.versions.get(str(each)) for each in case.path_parameters.values()]
            case.headers["If-Match"] = next((each for each in seen if each), '"1"')
        if surely:
            case.headers.pop("Idempotency-Key", None)  # another walk may have drawn the same
        if isinstance(case.body, dict):
            known = {name: ids[-1] for name, ids in self.named.items() if name in case.body}
            if surely or self.random.random() < LIKELY:
                case.body = {**case.body, **known, **members}
                if case.body.get("plate") == ANOTHER:
                    case.body["plate"] = f"豫A{10_000 + next_number('walked plate'):05}"

    def _learn(self, case: Case[Any], answer: Any) -> None:
        if "json" not in answer.headers.get("content-type", [""])[0]:
            return
        said = answer.json()
        tag = answer.headers.get("etag", [""])[0]
        for name, value in ids_in(said):
            if value not in self.named.setdefault(name, []):
                self.named[name].append(value)
        if tag and isinstance(said, dict):
            about = [str(each) for each in case.path_parameters.values()]
            about += [value for name, value in said.items() if name.endswith("_id") and value]
            self.versions |= dict.fromkeys(about, tag)


def ids_in(said: Any) -> Iterable[tuple[str, str]]:
    """The ids that an answer names, by what they are called."""
    if isinstance(said, list):
        for each in said:
            yield from ids_in(each)
    elif isinstance(said, dict):
        for name, value in said.items():
            if isinstance(value, str) and name.endswith("_id") and name != "correlation_id":
                yield name, value
            else:
                yield from ids_in(value)


def drawn(routes: Sequence[Route], begins: str, steps: int) -> st.SearchStrategy[list[Case[Any]]]:
    """The requests of a walk: what begins it, and so many others."""
    schema = schemathesis.openapi.from_dict(openapi(routes))
    found = [each.ok() for each in schema.get_all_operations() if isinstance(each, Ok)]
    operations = {operation.label: operation for operation in found}
    others = st.sampled_from(sorted(operations)).flatmap(
        lambda label: operations[label].as_strategy()
    )
    first = operations[begins].as_strategy().map(lambda case: [case])
    rest = st.lists(others, min_size=steps, max_size=steps)
    return st.tuples(first, rest).map(lambda both: both[0] + both[1])
