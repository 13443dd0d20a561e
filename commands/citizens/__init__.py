"""The door to the commands of citizens: finding and naming a person, consent, knowing who it is."""

from commands.citizens.ages import check_not_alone
from commands.citizens.citizen import CitizenId
from commands.citizens.consents import end_consent, give_consent
from commands.citizens.documents import find_citizen
from commands.citizens.recent import recent_identification
from commands.citizens.serving import check_served

__all__ = [
    "CitizenId",
    "check_not_alone",
    "check_served",
    "end_consent",
    "find_citizen",
    "give_consent",
    "recent_identification",
]
