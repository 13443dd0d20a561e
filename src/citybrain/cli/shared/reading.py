"""Who reads people's data at the command line, and that it is on the record."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import typer

from citybrain.domain.actor import Actor, Role
from citybrain.eventstore import EventStore
from citybrain.systems import register_streams
from commands.accesses import AskedPurpose, Look, record_access
from commands.handling import CommandContext

READER = Actor(f"cli:{os.getuid()}", frozenset({Role.AUDITOR}))
"""An account of the machine: whoever has it can say who uses it."""

Purpose = Annotated[
    AskedPurpose, typer.Option(help="For what people's data is read: they will see it.")
]


def reading() -> CommandContext:
    """The context of one command."""
    return CommandContext(READER, "cli", uuid4(), uuid4())


async def note(
    what: str, purpose: str, command: str, about: Iterable[str], store: EventStore
) -> None:
    """Record who reads what about whom, before it is shown; raises `AccessNotRecorded`."""
    streams = list(about)
    if streams:
        register_streams()
        look = Look(
            what=what, purpose=purpose, role=Role.AUDITOR.value, through=f"citybrain {command}"
        )
        await record_access(look, streams, reading(), store, datetime.now(UTC))
