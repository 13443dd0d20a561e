"""Separation of duties: who had a part in something does not decide on it, and money takes two.

Which parts there are is said where the thing is (`domain/<system>/separation.py`): a case, an
application. Whoever only holds another role as well is still the same person.
"""

from collections.abc import Collection, Mapping
from enum import StrEnum

from citybrain.domain.actor import Actor
from citybrain.errors import Forbidden

Parts = Mapping[str, Collection[str]]
"""The subjects that had each part; its name is the rule that a refusal names."""


class NotApart(Forbidden):
    """Who had a part in something leaves the decision to somebody else; `rule` names the part."""

    code = "separation-of-duties"


class Two(StrEnum):
    """Why one person alone does not decide that this is paid."""

    AGAINST_THE_RULES = "against-the-rules"
    NOTHING_COMPUTED = "nothing-computed"
    ABOVE_COMPUTED = "above-computed"
    ABOVE_ONE_REVIEWER = "above-one-reviewer"


def check_apart(actor: Actor, parts: Parts, refusal: type[NotApart] = NotApart) -> None:
    """Raise `refusal` where the actor had one of the parts."""
    for rule, subjects in parts.items():
        if actor.subject in subjects:
            raise refusal("whoever had this part in it leaves it to somebody else", rule=rule)


def why_two(
    amount_fen: int | None, *, computed_fen: int | None, limit_fen: int, overturns: bool
) -> list[Two]:
    """Why an approval takes a second person; empty where one is enough.

    `computed_fen` is what the rules found, `limit_fen` what one person may approve alone;
    `overturns`: the rules said no. An approval without money overturns, or needs one person.
    """
    found = [Two.AGAINST_THE_RULES] if overturns else []
    if amount_fen is not None:
        if computed_fen is None:
            found.append(Two.NOTHING_COMPUTED)
        elif amount_fen > computed_fen:
            found.append(Two.ABOVE_COMPUTED)
        if amount_fen > limit_fen:
            found.append(Two.ABOVE_ONE_REVIEWER)
    return found
