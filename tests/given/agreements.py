"""What people are asked to agree to."""

from datetime import date

from citybrain.definitions.citizens.agreements import FACE_RECOGNITION, Agreements
from citybrain.domain.parking.binding import AGREEMENT
from tests.given.services import DEFINITIONS

TODAY = date(2026, 3, 1)
FACE = next(each for each in DEFINITIONS.of(Agreements).on(TODAY) if each.code == FACE_RECOGNITION)
NOTICE = FACE.sha256
"""The digest of the text that comes before the consent to face recognition."""
PARKING = next(each for each in DEFINITIONS.of(Agreements).on(TODAY) if each.code == AGREEMENT)
PARKING_NOTICE = PARKING.sha256
"""The same of the consent to debits of parking."""
