"""A client of CDS: asks in a version, holds every answer against the schema, follows the links."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from tests.given.api import Answer, Api
from tests.given.parking.cds.schemas import ERROR, validator

VERSIONS = ("1.0", "1.1")
BOTH = pytest.mark.parametrize("version", VERSIONS)
EACH = ("published_date", "last_updated_date", "availability_time", "event_publication_time")


def json_type(version: str) -> str:
    """The media type of a version."""
    return f"application/vnd.cds+json;version={version}"


def ms(at: datetime) -> int:
    """A time as CDS has it."""
    return round(at.timestamp() * 1000)


@dataclass
class Client:
    """Asks in one version; as somebody, where a token is needed."""

    api: Api
    version: str = "1.0"
    role: str | None = None
    subject: str = ""
    department: str | None = None

    async def raw(self, path: str, method: str = "GET", **query: Any) -> Answer:
        """An answer as it is."""
        asked = f"?{urlencode(query, quote_via=quote)}" if query else ""
        return await self.api.call(
            method,
            f"/cds/{path}{asked}",
            self.role,
            subject=self.subject,
            department=self.department,
            headers={"Accept": json_type(self.version)},
        )

    async def list(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """All of a list, page by page; every page is held against its schema."""
        name = path.rpartition("/")[2]
        geometry = query.get("include_geometry") != "false"
        found: list[dict[str, Any]] = []
        answer = await self.raw(path, **query)
        while True:
            body = self._sound(answer, name, many=True, geometry=geometry)
            found += body["data"][name]
            following = body["links"]["next"]
            if following is None:
                return found
            assert following.startswith(self.api.url)
            answer = await self.raw(following.removeprefix(f"{self.api.url}/cds/"))

    async def one(self, path: str, **query: Any) -> dict[str, Any]:
        """One object."""
        name = path.split("/")[1]
        body = self._sound(await self.raw(path, **query), name, many=False)
        found: dict[str, Any] = body["data"]
        return found

    def _sound(self, answer: Answer, name: str, *, many: bool, geometry: bool = True) -> Any:
        assert answer.status == 200, answer.body
        assert answer.headers["Content-Type"] == json_type(self.version)
        body = answer.json
        judge = validator(name, self.version, many=many, geometry=geometry)
        wrong = [f"{error.instance_path} {error.message}" for error in judge.iter_errors(body)]
        assert not wrong, wrong
        each = body["data"][name] if many else [body["data"]]
        for members in each:
            times = [members[name] for name in EACH if name in members]
            assert body["last_updated"] >= max(times, default=0)
            if "last_updated_date" in members:
                assert members["published_date"] <= members["last_updated_date"]
        return body


def analyst(api: Api, version: str) -> Client:
    """Somebody who may not."""
    return Client(api, version, "operator")


def refused(answer: Answer, status: int, error: str, version: str = "1.0") -> dict[str, Any]:
    """The error of an answer, in the specification's form."""
    assert answer.status == status, answer.body
    assert answer.headers["Content-Type"] == json_type(version)
    body: dict[str, Any] = answer.json
    assert ERROR.is_valid(body), [each.message for each in ERROR.iter_errors(body)]
    assert (body["error"], body["status"]) == (error, status)
    assert len(body["error_description"]) < 400, "what was sent is not sent back"
    return body


# --- what a policy costs, by its own members ----------------------------------------------


def fen_of(policies: Iterable[dict[str, Any]], begin: datetime, minutes: int) -> int:
    """What so many minutes cost."""
    return fen_by_minute(policies, begin, minutes)[-1]


def fen_by_minute(policies: Iterable[dict[str, Any]], begin: datetime, minutes: int) -> list[int]:
    """What each number of minutes costs, looked up minute by minute as a client would.

    For a vehicle of no class; the ladder begins anew with each day, as the description says.
    """
    by_id = {policy["curb_policy_id"]: policy for policy in policies}
    spent: Counter[tuple[str, date]] = Counter()
    fen: dict[tuple[str, date], int] = {}
    found = []
    for minute in range(minutes):
        at = begin + timedelta(minutes=minute)
        key = _in_force(by_id.values(), at), at.date()
        spent[key] += 1
        fen[key] = _fen(_everybodys(by_id[key[0]])["rate"], spent[key])
        found.append(sum(fen.values()))
    return found


def _everybodys(policy: dict[str, Any]) -> dict[str, Any]:
    (rule,) = (
        rule for rule in policy["rules"] if "user_classes" not in rule and "purposes" not in rule
    )
    found: dict[str, Any] = rule
    return found


def _in_force(policies: Iterable[dict[str, Any]], at: datetime) -> str:
    wall = at.strftime("%H:%M")
    fitting = [
        policy
        for policy in policies
        if any("user_classes" not in rule and "purposes" not in rule for rule in policy["rules"])
        and any(
            span.get("time_of_day_start", "00:00") <= wall < span.get("time_of_day_end", "24:00")
            and span.get("start_date", 0) <= ms(at) < span.get("end_date", 1 << 62)
            and "designated_period" not in span
            for span in policy.get("time_spans", [{}])
        )
    ]
    found: str = min(fitting, key=lambda policy: policy["priority"])["curb_policy_id"]
    return found


def _fen(rates: list[dict[str, Any]], minutes: int) -> int:
    total = 0
    for rate in rates:
        unit = {"minute": 1, "hour": 60}[rate["rate_unit"]]
        begin = rate.get("start_duration", 0) * unit
        end = rate.get("end_duration", 1 << 30) * unit
        here = min(minutes, end) - begin
        if here <= 0:
            continue
        step = rate.get("increment_duration", 1) * unit
        total += -(-here // step) * rate.get("increment_duration", 1) * rate["rate"]
    return total
