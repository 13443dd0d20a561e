"""What people are asked to agree to."""

from datetime import date

from citybrain.definitions.citizens.agreements import FACE_RECOGNITION, Agreements
from tests.given.services import DEFINITIONS

TODAY = date(2026, 3, 1)
FACE = next(each for each in DEFINITIONS.of(Agreements).on(TODAY) if each.code == FACE_RECOGNITION)
NOTICE = FACE.sha256
"""The digest of the text that comes before the consent to face recognition."""
