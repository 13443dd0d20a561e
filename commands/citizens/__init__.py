"""The door to the commands of citizens: naming a person, acting for a child, knowing who it is."""

from commands.citizens.ages import check_not_alone
from commands.citizens.citizen import CitizenId
from commands.citizens.recent import recent_identification
from commands.citizens.serving import check_served

__all__ = ["CitizenId", "check_not_alone", "check_served", "recent_identification"]
