"""How sure it is who somebody is: what each way of identification gives, and what needs how much.

The levels are those of eIDAS: Regulation (EU) 910/2014, article 8, and the annex of Implementing
Regulation (EU) 2015/1502. This is the only place that says which way gives which.
"""

from datetime import timedelta
from enum import StrEnum


class Assurance(StrEnum):
    """A level, lowest first."""

    LOW = "low"
    SUBSTANTIAL = "substantial"
    HIGH = "high"

    def meets(self, needed: str) -> bool:
        """Whether this is at least the level that is needed."""
        return ORDER.index(self) >= ORDER.index(Assurance(needed))


ORDER = tuple(Assurance)


class Method(StrEnum):
    """The ways of identification, as events name them."""

    COUNTER = "counter"
    CODE_AT_COUNTER = "one-time-code"
    FACE = "face"
    PHONE_AND_PASSCODE = "phone-and-passcode"
    PHONE_AND_DOCUMENT = "phone-and-document"


GIVES: dict[str, Assurance] = {
    # A clerk compares the person with a document that they hold (2.1.2, high: photo and presence).
    Method.COUNTER: Assurance.HIGH,
    Method.CODE_AT_COUNTER: Assurance.HIGH,
    # One's own body, live, against a template enrolled before a clerk; no certified detector of
    # presentation attacks is taken for granted, so it is never high.
    Method.FACE: Assurance.SUBSTANTIAL,
    # Two factors of different kinds (2.2.1): the phone that one has, the passcode that one knows.
    Method.PHONE_AND_PASSCODE: Assurance.SUBSTANTIAL,
    # The number of a document is no secret: whoever has made a copy of it knows it.
    Method.PHONE_AND_DOCUMENT: Assurance.LOW,
}

RECORD_PURPOSE = "record-change"
"""What somebody is identified for to change what is kept about them."""

RECORD_WITHIN = timedelta(minutes=10)
"""How long such an identification counts."""

NEEDED_FOR: dict[str, Assurance] = {
    "passcode": Assurance.SUBSTANTIAL,
    "phone": Assurance.SUBSTANTIAL,
    "name": Assurance.HIGH,
    "identity": Assurance.HIGH,
}
"""For which change of a record which level; a clerk has identified the person themselves."""


def level_of(method: str) -> Assurance:
    """What a way of identification gives; one that is not known gives the least."""
    return GIVES.get(method, Assurance.LOW)
