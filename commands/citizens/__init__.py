"""The door to the commands of citizens: how other commands name a person."""

from commands.citizens.citizen import CitizenId

__all__ = ["CitizenId"]
