"""Members of bodies and queries are as they are written: no number is a time, no word a flag."""

from collections.abc import Iterator
from datetime import date
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import pytest
from pydantic import AwareDatetime, BaseModel, TypeAdapter, ValidationError

from citybrain.domain.actor import Actor, Role
from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from commands.inspection.case import ReportCase
from commands.made_up import SimulatedHere, check_real
from tests.given.api import REPORT_NOW
from tests.given.services import context

NO_TIME = (0, 0.5, "0", "0.5", "1700000000", True)
WRONG: dict[Any, tuple[Any, ...]] = {
    bool: (0, 1, 1.0, "1", "true"),
    AwareDatetime: (*NO_TIME, "2026-03-01T08:00:00"),
    date: (*NO_TIME, "2026-03-01T08:00:00"),
    int: (True, 1.5),
    float: (True,),
}
"""By type, what is none; in a query only what is text is asked."""


def parts(annotation: Any, *metadata: Any) -> Iterator[tuple[Any, list[Any]]]:
    """The plain types in an annotation, and what each is annotated with."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        yield from parts(arguments[0], *arguments[1:], *metadata)
    elif origin in (Union, UnionType):
        for each in arguments:
            yield from parts(each, *metadata)
    elif arguments:
        for each in arguments:
            yield from parts(each)
    else:
        yield annotation, list(metadata)


def lax(model: type[BaseModel], *, query: bool, known: set[type[BaseModel]]) -> Iterator[str]:
    """Members that take what they should not, of a model and of those within."""
    if model in known:
        return
    known.add(model)
    for name, field in model.model_fields.items():
        for kind, metadata in parts(field.annotation, *field.metadata):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from lax(kind, query=query, known=known)
            for wrong in WRONG.get(kind, ()):
                if query and (kind is bool or not isinstance(wrong, str)):
                    continue
                whole: Any = Annotated[kind, *metadata, ""]
                try:
                    TypeAdapter(whole).validate_python(wrong)
                except ValidationError:
                    continue
                yield f"{model.__name__}.{name} takes {wrong!r}"


def test_no_member_takes_what_is_something_else() -> None:
    found: set[str] = set()
    for system in SYSTEMS:
        for route in (*system.routes, *system.development_routes):
            if route.body is not None:
                found.update(lax(route.body, query=False, known=set()))
            if route.query is not None:
                found.update(lax(route.query, query=True, known=set()))
    assert sorted(found) == []


def test_what_is_lax_is_found() -> None:
    class Lax(BaseModel):
        sure: bool | None = None
        at: list[AwareDatetime]

    found = " ".join(lax(Lax, query=False, known=set()))
    assert "Lax.sure takes 'true'" in found
    assert "Lax.at takes 0.5" in found


def test_made_up_data_are_for_development() -> None:
    report = ReportCase.model_validate(REPORT_NOW)
    check_real(report, Settings(mode="development"))
    with pytest.raises(SimulatedHere):
        check_real(report, Settings(mode="production"))
    check_real(report.model_copy(update={"simulated": False}), Settings(mode="production"))


def test_no_two_pairs_of_subject_and_idempotency_key_are_one() -> None:
    def once(subject: str, key: str) -> str | None:
        return context(Actor(subject, frozenset({Role.CAMERA})), key).once

    pairs = [
        ("cam", "17:k"),
        ("cam:17", "k"),
        ("cam%3A17", "k"),
        ("cam", "17%3Ak"),
        ("cam:", "17:k"),
    ]
    assert len({once(*pair) for pair in pairs}) == len(pairs)
    assert once("cam", "k") == "cam:k", "as the answers are kept that are there"
