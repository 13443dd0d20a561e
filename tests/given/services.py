"""Cases for integration tests: services over a store, and a case taken through its life."""

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from citybrain.definitions import Definitions
from citybrain.domain.actor import Actor, Role
from citybrain.domain.inspection.case_events import CaseSource
from citybrain.eventstore import EventStore
from citybrain.notifications import SilentNotifier
from citybrain.settings import Settings
from citybrain.systems import load_definitions
from citybrain.vault import FileKeyWrapper, Vault
from commands.handling import CommandContext, CommandResult
from commands.inspection.case import (
    AcceptCase,
    CloseCase,
    DispatchCase,
    FileCase,
    HandleCase,
    ReportCase,
    VerifyCase,
    accept_case,
    close_case,
    dispatch_case,
    file_case,
    handle_case,
    report_case,
    verify_case,
)
from commands.services import Services

DEFINITIONS = load_definitions()
DIGEST = "cd" * 32
WRAPPER = FileKeyWrapper(bytes(32))
CAMERA = Actor("gateway-1", frozenset({Role.GATEWAY}), acts_for=frozenset({"c-*", "bad-camera"}))
OPERATOR = Actor("operator-1", frozenset({Role.OPERATOR}))
SANITATION = Actor("official-1", frozenset({Role.OFFICIAL}), "sanitation")


_KNOWN: dict[tuple[tuple[str, bytes], ...], Definitions] = {}


def definitions_of(folder: Path | None) -> Definitions:
    """Ours, or with a city's own folder over them; folders that say the same are read once."""
    if folder is None:
        return DEFINITIONS
    files = sorted(each for each in folder.rglob("*") if each.is_file())
    said = tuple((str(each.relative_to(folder)), each.read_bytes()) for each in files)
    if said not in _KNOWN:
        _KNOWN[said] = load_definitions(folder)
    return _KNOWN[said]


@cache
def _settings() -> Settings:
    """To be copied: reading them takes longer."""
    return Settings(mode="development")


def services_over(store: EventStore) -> Services:
    vault, settings = Vault(store.pool, WRAPPER), _settings().model_copy(deep=True)
    return Services(store, DEFINITIONS, vault, SilentNotifier(), settings=settings)


def context(actor: Actor, key: str | None = None, version: int | None = None) -> CommandContext:
    return CommandContext(actor, "test", uuid4(), uuid4(), None, key, version)


def report(class_code: str = "overflowing_bin") -> ReportCase:
    return ReportCase(
        source=CaseSource.CAMERA,
        class_code=class_code,
        latitude=34.7,
        longitude=113.6,
        confidence=90,
        simulated=True,
        occurred_at=datetime(2026, 3, 1, 8, tzinfo=UTC),
    )


async def take_to_the_end(services: Services, steps: int = 6) -> CommandResult:
    """Report a case and take it `steps` steps further (6: closed)."""
    result = await report_case(report(), context(CAMERA), services)
    department = "sanitation"
    life: tuple[tuple[Actor, Any, Any], ...] = (
        (OPERATOR, file_case, FileCase()),
        (OPERATOR, dispatch_case, DispatchCase()),
        (SANITATION, accept_case, AcceptCase(department=department)),
        (SANITATION, handle_case, HandleCase(department=department, evidence_sha256=[DIGEST])),
        (OPERATOR, verify_case, VerifyCase()),
        (OPERATOR, close_case, CloseCase()),
    )
    for actor, handler, command in life[:steps]:
        result = await handler(result.stream_id, command, context(actor), services)
    return result
