"""The door to citizens: what other systems decide on."""

from citybrain.domain.citizens.assurance import Assurance
from citybrain.domain.citizens.citizen import Citizen, Identification, check_counter
from citybrain.domain.citizens.consents import stands
from citybrain.domain.citizens.documents import (
    DocumentKind,
    canonical,
    check_character,
    identity_document,
    plain,
)
from citybrain.domain.citizens.refusals import NotYourOwn, PersonDeceased
from citybrain.domain.citizens.serving import check_served

__all__ = [
    "Assurance",
    "Citizen",
    "DocumentKind",
    "Identification",
    "NotYourOwn",
    "PersonDeceased",
    "canonical",
    "check_character",
    "check_counter",
    "check_served",
    "identity_document",
    "plain",
    "stands",
]
