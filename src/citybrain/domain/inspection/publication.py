"""What of a case is public: by rule at first, and then as a person of the centre settles it.

The rule looks for what is likely to name a person: numbers long enough to be of a telephone or an
identity document, in whatever digits, and addresses of mail.
"""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime

from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case import InspectionCase, require_role
from citybrain.domain.inspection.publication_events import (
    CasePhotoPublished,
    CasePhotoWithdrawn,
    CaseTextErased,
    CaseTextModerated,
    Visibility,
)
from citybrain.domain.inspection.refusals import NothingToPublish

MODERATORS = (Role.OPERATOR, Role.SUPERVISOR)
ERASERS = (Role.SUPERVISOR,)
SHORTEST_NUMBER = 7  # digits: a telephone within a city has 7 or 8
SHORTEST_IN_AN_ADDRESS = 11  # a mobile telephone; houses, flats and postcodes together have fewer
DIGITS = r"[0-9〇零一二三四五六七八九幺壹贰叁肆伍陆柒捌玖貳參陸]"
NUMBER = re.compile(rf"{DIGITS}(?:[\s.\-_·*/()]{{0,3}}{DIGITS})*")
DATE = re.compile(r"(?:19|20)\d\d[-/.年]\s?\d{1,2}[-/.月]\s?\d{1,2}日?")
MAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")


def looks_personal(text: str, shortest: int = SHORTEST_NUMBER) -> bool:
    """Whether a text may hold a telephone or identity number, or an address of mail.

    `shortest`: so many digits a number has at least.
    """
    plain = "".join(
        each
        for each in unicodedata.normalize("NFKC", text)
        if unicodedata.category(each) != "Cf"  # what is not seen hides no number
    )
    if MAIL.search(plain):
        return True
    found = NUMBER.finditer(DATE.sub(" ", plain))
    return any(len(re.findall(DIGITS, each.group())) >= shortest for each in found)


def first_visibility(words: str, address: str, *, private: bool) -> Visibility:
    """What of a new case is public, where its class or its reporter may want it private."""
    if private:
        return Visibility.PRIVATE
    personal = looks_personal(words) or looks_personal(address, SHORTEST_IN_AN_ADDRESS)
    return Visibility.FLAGGED if personal else Visibility.PUBLIC


def moderate(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    visibility: Visibility,
    reason: str,
    description_sealed: str | None = None,
) -> None:
    """Settle what is public, and maybe other words. Raises `NothingToPublish` of erased ones."""
    require_role(actor, "moderated", MODERATORS)
    if visibility is Visibility.FLAGGED:
        raise NothingToPublish("a person settles it: public, hidden or private")
    if visibility == case.visibility and description_sealed is None:
        return
    case.note(
        CaseTextModerated,
        now,
        visibility=visibility.value,
        reason=reason,
        description_sealed=description_sealed,
    )


def erase(case: InspectionCase, actor: Actor, now: datetime, *, reason: str) -> None:
    """Note that the key of the case is destroyed."""
    require_role(actor, "erased", ERASERS)
    case.note(CaseTextErased, now, reason=reason)


def publish_photo(
    case: InspectionCase,
    actor: Actor,
    now: datetime,
    *,
    sha256: str,
    reason: str,
    evidence: Collection[str],
) -> None:
    """Let everybody see a photo of the case; once. Raises `NothingToPublish` of any other one."""
    require_role(actor, "moderated", MODERATORS)
    if sha256 not in evidence:
        raise NothingToPublish("there is no such photo of this case")
    if case.visibility == Visibility.PRIVATE:
        raise NothingToPublish("nothing of a private case is public")
    if sha256 not in case.public_photos:
        case.note(CasePhotoPublished, now, sha256=sha256, reason=reason)


def withdraw_photo(
    case: InspectionCase, actor: Actor, now: datetime, *, sha256: str, reason: str
) -> None:
    """Let nobody see it any more but those within; once."""
    require_role(actor, "moderated", MODERATORS)
    if sha256 in case.public_photos:
        case.note(CasePhotoWithdrawn, now, sha256=sha256, reason=reason)


def shows(case: InspectionCase, sha256: str) -> bool:
    """Whether everybody may see a photo of the case."""
    return case.visibility == Visibility.PUBLIC and sha256 in case.public_photos
