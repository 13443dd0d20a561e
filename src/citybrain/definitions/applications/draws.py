"""What an item that pays draws on, and its terms: an account, a loan, a home, a person.

Each thing has a key, and who draws on the same thing has the same key (`keys`). A key that says
nothing is none, and without one nothing is paid.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from citybrain.definitions.applications.keys import canonical
from citybrain.definitions.applications.types import Name, Text
from citybrain.definitions.expressions import ExpressionWrong
from citybrain.definitions.yaml_file import Code
from citybrain.domain.applications.limits import Limits

if TYPE_CHECKING:
    from citybrain.definitions.applications.catalogue import ServiceItem

APPLICANT = "applicant"
"""What a key is called that is the applicant themselves, known without any record."""

UNKNOWN, TOO_LITTLE = "draws-on-unknown", "more-than-there-is"
Kind = Literal["account", "loan", "home", "person", "household", "contract", "vehicle"]


class _Definition(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Terms(_Definition):
    """How often and how much the item pays from one thing, by what was paid here before."""

    once: Literal[True] | None = Field(None, description="one application, ever")
    once_in_months: int | None = Field(None, ge=1, le=1200, strict=True)
    most_times: int | None = Field(None, ge=1, strict=True, description="so many applications")
    most_fen: Text | None = Field(None, description="an expression: so much in all")

    @model_validator(mode="after")
    def _one_of_them(self) -> "Terms":
        if self.once and (self.most_times or self.once_in_months):
            raise ValueError("once is once: no other number belongs to it")
        return self


class DrawnOn(_Definition):
    """A thing that the money is drawn on: by one application at a time, of whatever item."""

    kind: Kind
    of: Code | None = Field(None, description="whose account, which kind of contract")
    needs: tuple[Name, ...] = ()
    key: Text = Field(description=f"an expression, or `{APPLICANT}`")
    available: Text | None = Field(None, description="an expression: what can be drawn now, in fen")
    terms: Terms = Terms(once=None, once_in_months=None, most_times=None, most_fen=None)
    source: Text


@dataclass(frozen=True, slots=True)
class Draw:
    """One thing that an application draws on: its name for everybody, and its limits."""

    thing: str
    """Kind and canonical key: personal, so stored nowhere but under a keyed digest."""
    of_applicant: bool
    key: str
    available_fen: int | None
    limits: Limits
    formerly: tuple[str, ...] = ()
    """Its names by the applicant's numbers of before: what they were paid then counts."""


@dataclass(frozen=True, slots=True)
class Draws:
    """All that an application draws on; or why that is not known."""

    draws: tuple[Draw, ...]
    unknown: tuple[tuple[str, str], ...] = ()
    """The keys that are not known, each with why."""

    def lacking(self, amount_fen: int) -> str | None:
        """Why this amount cannot be drawn; None where it can."""
        if self.unknown:
            return UNKNOWN
        known = [each.available_fen for each in self.draws if each.available_fen is not None]
        return TOO_LITTLE if any(amount_fen > available for available in known) else None


NOTHING = Draws(())


def drawn_on(item: "ServiceItem") -> tuple[DrawnOn, ...]:
    """What an item draws on. One of before said so with `claim`, or meant the person."""
    if item.payout is None or item.draws_on:
        return item.draws_on
    said: dict[str, Any] = {"kind": "person", "of": item.code, "key": APPLICANT}
    if (claim := item.claim) is not None:
        said = {"kind": claim.kind, "needs": claim.needs, "key": claim.key}
        if claim.kind not in get_args(Kind):
            said |= {"kind": "contract", "of": claim.kind}
    return (DrawnOn.model_validate({"source": item.source} | said),)


def draws_of(
    item: "ServiceItem",
    known: Mapping[str, Any],
    because: Mapping[str, str],
    applicant: str,
    formerly: Iterable[str] = (),
) -> Draws:
    """What is drawn on, by what is known: `because` says why of a value that is not.

    `formerly` are the applicant's numbers before corrections.
    """
    before = [key for each in formerly if (key := canonical(each)) is not None]
    values = {**known, APPLICANT: applicant}
    found, unknown = [], []
    for each in drawn_on(item):
        wrong = _lacking(item, each, values, because)
        if wrong is None:
            draw = _draw(item, each, values, before)
            if isinstance(draw, Draw):
                found.append(draw)
                continue
            wrong = draw
        unknown.append((each.key, wrong))
    return Draws(tuple(found), tuple(unknown))


def expressions(each: DrawnOn) -> Iterable[tuple[tuple[str, ...], str]]:
    """Its expressions, with their place in it."""
    yield ("key",), each.key
    if each.available is not None:
        yield ("available",), each.available
    if each.terms.most_fen is not None:
        yield ("terms", "most_fen"), each.terms.most_fen


def _lacking(
    item: "ServiceItem", each: DrawnOn, values: Mapping[str, Any], because: Mapping[str, str]
) -> str | None:
    missing = [name for name in each.needs if name not in values]
    if missing:
        return because.get(missing[0], f"{missing[0]} not delivered")
    for _, expression in expressions(each):
        wrong = item.lacking(expression, values)
        if wrong is not None:
            return wrong
    return None


def _draw(
    item: "ServiceItem", each: DrawnOn, values: Mapping[str, Any], before: Iterable[str]
) -> Draw | str:
    """The thing; or what is wrong, by name and without its value."""
    try:
        found = {place[-1]: item.compute(source, values) for place, source in expressions(each)}
    except ExpressionWrong as error:
        return error.message
    key = canonical(found["key"])
    if key is None:
        return f"{each.key} says nothing"
    for place in ("available", "most_fen"):
        if place in found and type(found[place]) is not int:
            return f"{place} is no whole number of fen"
    terms, thing = each.terms, f"{each.kind}/{each.of or ''}"
    return Draw(
        f"{thing}:{key}",
        each.key == APPLICANT,
        each.key,
        found.get("available"),
        Limits(1 if terms.once else terms.most_times, terms.once_in_months, found.get("most_fen")),
        tuple(f"{thing}:{was}" for was in before if each.key == APPLICANT and was != key),
    )
