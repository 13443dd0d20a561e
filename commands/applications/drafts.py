"""The commands of drafts: begun on one channel, gone on with on another, submitted from there.

What is filled in is kept by the vault, sealed, and deleted when the draft has ended or is too old.
"""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from pydantic import Field

from citybrain.city_day import city_day
from citybrain.definitions.applications.catalogue import Catalogue, ServiceItem
from citybrain.definitions.applications.forms import checked_draft
from citybrain.definitions.yaml_file import Code
from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Channel, check_channel
from citybrain.domain.applications.draft import Draft
from citybrain.domain.applications.refusals import TooManyDrafts
from citybrain.domain.citizens import Citizen
from citybrain.eventstore import WrongExpectedVersion
from commands.applications.application import (
    ApplicantMissing,
    ChannelNotOffered,
    SubmitApplication,
    check_before_kiosk,
    submit_application,
)
from commands.citizens import CitizenId, check_served
from commands.fields import Flag
from commands.handling import (
    Command,
    CommandContext,
    CommandResult,
    answered_before,
    change,
    create,
    once_a_key,
)
from commands.services import Services

DRAFT = "application-draft"


class BeginDraft(Command):
    """Begin to apply for a service."""

    service: Code
    channel: Channel
    citizen_id: CitizenId | None = Field(
        None, description="who applies; the token's subject where absent"
    )
    form: dict[str, Any] = Field(default_factory=dict, description="answers so far; sealed")
    simulated: Flag = Field(False, description="true for made-up people; shown wherever it shows")


class SaveDraft(Command):
    """Keep what is filled in now, in place of what was."""

    form: dict[str, Any] = Field(description="all answers so far; sealed")


class ContinueDraft(Command):
    """Go on with a draft on another channel."""

    channel: Channel


class SubmitDraft(Command):
    """Apply with what is filled in."""

    guardian: CitizenId | None = Field(
        None, description="who applies for a child, or a minor where the item says so; at a counter"
    )


class DiscardDraft(Command):
    """Give a draft up."""


def draft_answer(draft: Draft) -> dict[str, Any]:
    return {
        "draft_id": draft.id,
        "version": draft.version,
        "service": draft.service,
        "status": draft.status,
        "channel": draft.channel,
        "expires_at": draft.expires_at.isoformat(),
        "application_id": draft.application_id if draft.status == "submitted" else None,
    }


async def begin_draft(
    command: BeginDraft, context: CommandContext, services: Services
) -> CommandResult:
    """Open a draft."""
    if before := await answered_before(command, "", context, services):
        return before
    citizen_id = command.citizen_id or context.actor.subject
    check_channel(context.actor, command.channel, citizen_id)
    if not citizen_id.startswith(f"{Citizen.category}-"):
        raise ApplicantMissing("say who applies: this account is no citizen's")
    now = services.clock()
    item = _item(command.service, now, services)
    if command.channel not in item.channels:
        raise ChannelNotOffered(f"{item.code} is offered on: {', '.join(item.channels)}")
    answers = checked_draft(item, command.form, city_day(now))
    await check_served(citizen_id, item.code, context.actor, services)
    if context.actor.has(Role.KIOSK):
        await check_before_kiosk(citizen_id, item, context.actor, services)
    (await services.store.load(Citizen, citizen_id)).check_alive()
    most = services.settings.application_drafts
    if await services.vault.count(citizen_id, DRAFT) >= most:
        raise TooManyDrafts(f"one person has {most} drafts at most", limit_drafts=most)
    expires_at = _expires_at(now, services)
    content_id = await _kept(citizen_id, answers, expires_at, services)
    return await create(
        command,
        context._replace(channel=command.channel.value),
        services,
        lambda: Draft.begin(
            context.actor,
            now,
            service=item.code,
            citizen_id=citizen_id,
            channel=command.channel,
            content_id=str(content_id),
            expires_at=expires_at,
            simulated=command.simulated,
        ),
        draft_answer,
    )


async def save_draft(
    draft_id: str, command: SaveDraft, context: CommandContext, services: Services
) -> CommandResult:
    """Keep it anew, and delete what was kept."""
    draft, now = await services.store.load(Draft, draft_id), services.clock()
    draft.check_hand(context.actor, now)
    await check_hand_served(draft, context.actor, services)
    answers = checked_draft(_item(draft.service, now, services), command.form, city_day(now))
    expires_at = _expires_at(now, services)
    content_id = await _kept(draft.citizen_id, answers, expires_at, services)
    try:
        return await _change(
            draft_id,
            command,
            context,
            services,
            lambda draft, now: draft.save(
                context.actor, now, content_id=str(content_id), expires_at=expires_at
            ),
        )
    finally:
        current = (await services.store.load(Draft, draft_id)).content_id
        left = {draft.content_id, str(content_id)} - {current}
        await services.vault.delete([UUID(each) for each in left])


async def continue_draft(
    draft_id: str, command: ContinueDraft, context: CommandContext, services: Services
) -> CommandResult:
    """Go on elsewhere. A kiosk takes over only for whom it has just identified itself."""
    draft = await services.store.load(Draft, draft_id)
    check_channel(context.actor, command.channel, draft.citizen_id)
    await check_served(draft.citizen_id, draft.service, context.actor, services)
    if context.actor.has(Role.KIOSK):
        item = _item(draft.service, services.clock(), services)
        await check_before_kiosk(draft.citizen_id, item, context.actor, services)
    return await _change(
        draft_id,
        command,
        context._replace(channel=command.channel.value),
        services,
        lambda draft, now: draft.go_on(context.actor, now, channel=command.channel),
    )


@once_a_key
async def submit_draft(
    draft_id: str, command: SubmitDraft, context: CommandContext, services: Services
) -> CommandResult:
    """Apply, once: the application's id follows from the draft's."""
    draft = await services.store.load(Draft, draft_id)
    draft.check_hand(context.actor, services.clock())
    await check_hand_served(draft, context.actor, services)
    submission = SubmitApplication(
        service=draft.service,
        channel=Channel(draft.channel),
        citizen_id=draft.citizen_id,
        guardian=command.guardian,
        form=await open_draft(draft, services),
        simulated=draft.simulated,
    )
    with suppress(WrongExpectedVersion):  # a crash came between this and what follows
        await submit_application(
            submission,
            context._replace(idempotency_key=None),
            services,
            application_id=draft.application_id,
        )
    result = await _change(
        draft_id, command, context, services, lambda draft, now: draft.submit(context.actor, now)
    )
    await services.vault.delete([UUID(draft.content_id)])
    return result


async def discard_draft(
    draft_id: str, command: DiscardDraft, context: CommandContext, services: Services
) -> CommandResult:
    """Give it up; what was filled in is deleted."""
    draft = await services.store.load(Draft, draft_id)
    await check_hand_served(draft, context.actor, services)
    result = await _change(
        draft_id, command, context, services, lambda draft, now: draft.discard(context.actor, now)
    )
    draft = await services.store.load(Draft, draft_id)
    await services.vault.delete([UUID(draft.content_id)])
    return result


async def check_hand_served(draft: Draft, actor: Actor, services: Services) -> None:
    """Raise where a clerk, or the kiosk that has it, has not just identified its citizen."""
    await check_served(draft.citizen_id, draft.service, actor, services)
    if actor.has(Role.KIOSK) and draft.held_by == actor.subject:
        item = _item(draft.service, services.clock(), services)
        await check_before_kiosk(draft.citizen_id, item, actor, services)


async def open_draft(draft: Draft, services: Services) -> dict[str, Any]:
    """What is filled in; raises `NoSuchBlob` where it is no longer kept."""
    content = await services.vault.fetch(draft.citizen_id, DRAFT, UUID(draft.content_id))
    answers: dict[str, Any] = orjson.loads(content)
    return answers


def _item(service: str, now: datetime, services: Services) -> ServiceItem:
    return services.definitions.of(Catalogue).offered(service, city_day(now))


def _expires_at(now: datetime, services: Services) -> datetime:
    return now + timedelta(days=services.settings.application_draft_days)


async def _kept(
    citizen_id: str, answers: dict[str, Any], expires_at: datetime, services: Services
) -> UUID:
    return await services.vault.keep(citizen_id, DRAFT, orjson.dumps(answers), expires_at)


async def _change(
    draft_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[Draft, datetime], None],
) -> CommandResult:
    return await change(
        Draft,
        draft_id,
        command,
        context,
        services,
        lambda draft: decide(draft, services.clock()),
        draft_answer,
    )
