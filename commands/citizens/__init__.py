"""The door to the commands of citizens: how others name a person, and who acts for a child."""

from commands.citizens.ages import check_not_alone
from commands.citizens.citizen import CitizenId

__all__ = ["CitizenId", "check_not_alone"]
