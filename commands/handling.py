"""How a command becomes events: load, decide, append; again when somebody was faster.

A handler is a plain async function of a command, its context and the services. This module
holds what all of them share; it knows no stream.
"""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, ClassVar, NamedTuple, TypeVar
from uuid import UUID

import orjson
from pydantic import BaseModel, ConfigDict

from citybrain.domain.actor import Actor
from citybrain.domain.stream import StreamAggregate
from citybrain.errors import CitybrainError, InvalidInput, Refused
from citybrain.eventstore import (
    DuplicateKey,
    IdempotencyRecord,
    Metadata,
    StoredAnswer,
    WrongExpectedVersion,
)
from citybrain.observability import spanned
from commands.services import Services

A = TypeVar("A", bound=StreamAggregate)
Answered = dict[str, Any]
RecordOf = Callable[[A, Answered], IdempotencyRecord | None]
"""Makes what an idempotency key is to be answered with from the state that was decided.

Quoted where a function is made for each command: else it would be built anew each time.
"""

MAX_ATTEMPTS = 8


class Command(BaseModel):
    """Base of all command models: unknown members are refused.

    `LATER` are members that came after a release: where absent, an idempotency key of that release
    is still recognised.
    """

    LATER: ClassVar[frozenset[str]] = frozenset()

    model_config = ConfigDict(
        extra="forbid",
        str_strip_whitespace=True,
        defer_build=True,  # when one is first met: a process meets few of them
    )


class StaleVersion(CitybrainError):
    """The stream is not at the version that the caller saw (If-Match)."""

    code = "stale-version"


class KeyReused(CitybrainError):
    """The idempotency key was used for another command."""

    code = "idempotency-key-reused"


class KeyInFlight(CitybrainError):
    """A command with this idempotency key is being worked on."""

    code = "idempotency-key-in-flight"


class TooContended(CitybrainError):
    """Others changed the stream again and again; nothing was written."""

    code = "too-contended"


class CommandContext(NamedTuple):
    """Who sends a command, through which channel, and what it belongs to."""

    actor: Actor
    channel: str
    command_id: UUID
    correlation_id: UUID
    causation_id: UUID | None = None
    idempotency_key: str | None = None
    expected_version: int | None = None

    @property
    def once(self) -> str | None:
        """Whose idempotency key it is, and which; no two pairs are one text."""
        if self.idempotency_key is None:
            return None
        return f"{self.actor.whose}:{self.idempotency_key}"

    def metadata(self) -> Metadata:
        """What is stored beside each event of the command."""
        return Metadata(
            actor=self.actor.subject,
            role=self.actor.role_names,
            channel=self.channel,
            command_id=self.command_id,
            correlation_id=self.correlation_id,
            causation_id=self.causation_id,
        )


class CommandResult(NamedTuple):
    """The answer to a command; `replayed` when its idempotency key had been used for it."""

    stream_id: str
    version: int
    position: int
    answer: dict[str, Any]
    replayed: bool = False


async def create(
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[], A],
    answer: Callable[[A], dict[str, Any]],
    prepare: Callable[[], Awaitable[None]] | None = None,
) -> CommandResult:
    """Run a decision that opens a new stream; `prepare` comes before it, and may refuse."""

    async def attempt(idempotency: "RecordOf[A]") -> CommandResult:
        if prepare is not None:
            await prepare()
        aggregate = decide()
        return await _save(aggregate, context, services, idempotency, answer)

    done = _once(command, "", context, services, attempt)
    return await spanned("command", done, type=type(command).__name__)


async def change(
    cls: type[A],
    stream_id: str,
    command: Command,
    context: CommandContext,
    services: Services,
    decide: Callable[[A], None],
    answer: Callable[[A], dict[str, Any]],
    about: str = "",
) -> CommandResult:
    """Run a decision on an existing stream; re-decides when another append came first.

    A decision is taken on the cached state; that it fails, or that there is nothing to do, is only
    believed on a fresh one: another process may have appended what makes a difference. The append
    holds whatever was decided to the version that it was decided at. `about`: of what the command
    is, where that goes on in another stream each day; the stream itself else.
    """

    async def attempt(idempotency: "RecordOf[A]") -> CommandResult:
        fresh = False
        for _ in range(MAX_ATTEMPTS):
            aggregate = await services.store.load(cls, stream_id, fresh=fresh)
            try:
                _check_version(aggregate, context)
                decide(aggregate)
            except CitybrainError:
                if fresh:
                    raise
                fresh = True
                continue
            if not fresh and not aggregate.pending_events:
                fresh = True
                continue
            try:
                return await _save(aggregate, context, services, idempotency, answer)
            except WrongExpectedVersion:
                fresh = True
        raise TooContended("the stream is changing too fast; try again", stream_id=stream_id)

    done = _once(command, about or stream_id, context, services, attempt)
    return await spanned("command", done, type=type(command).__name__)


async def answered_before(
    command: Command, stream_id: str, context: CommandContext, services: Services
) -> CommandResult | None:
    """The first answer where the idempotency key has been used: for handlers with side effects."""
    if context.once is None:
        return None
    stored = await services.store.answer_for(context.once)
    if stored is None:
        return None
    return _replayed(stored, await _fingerprint(command, stream_id, services))


Prepared = Callable[[str, Any, CommandContext, Services], Awaitable[CommandResult]]


def once_a_key(handler: Prepared) -> Prepared:
    """For a handler with side effects before its decision: a key in use is told so at once."""

    @wraps(handler)
    async def handle(
        stream_id: str, command: Any, context: CommandContext, services: Services
    ) -> CommandResult:
        if context.once is None:
            return await handler(stream_id, command, context, services)
        key = f"prepare:{context.once}"
        if key in services.keys_in_flight:
            raise KeyInFlight("a request with this idempotency key is being worked on")
        services.keys_in_flight.add(key)
        try:
            async with services.store.listener.alone(key) as alone:
                if not alone:
                    raise KeyInFlight("a request with this idempotency key is being worked on")
                if before := await answered_before(command, stream_id, context, services):
                    return before
                return await handler(stream_id, command, context, services)
        finally:
            services.keys_in_flight.discard(key)

    return handle


async def _once(
    command: Command,
    stream_id: str,
    context: CommandContext,
    services: Services,
    attempt: Callable[[RecordOf[A]], Awaitable[CommandResult]],
) -> CommandResult:
    """Run `attempt` at most once an idempotency key; a used key gets its first answer again."""
    key = context.once
    if key is None:
        return await attempt(lambda *_: None)
    fingerprint = await _fingerprint(command, stream_id, services)
    if key in services.keys_in_flight:
        raise KeyInFlight("a request with this idempotency key is being worked on")
    services.keys_in_flight.add(key)
    try:
        return await attempt(
            lambda aggregate, said: IdempotencyRecord(
                key,
                fingerprint,
                orjson.dumps(
                    {"stream_id": aggregate.id, "version": aggregate.version, "answer": said}
                ),
            )
        )
    except (InvalidInput, Refused, StaleVersion, WrongExpectedVersion, DuplicateKey):
        # The world may have changed since the first answer, definitions too.
        stored = await services.store.answer_for(key)
        if stored is None:
            raise
        return _replayed(stored, fingerprint)
    finally:
        services.keys_in_flight.discard(key)


async def _save(
    aggregate: A,
    context: CommandContext,
    services: Services,
    record: "RecordOf[A]",
    answer: Callable[[A], Answered],
) -> CommandResult:
    said = answer(aggregate)
    if not aggregate.pending_events:  # it is so already
        used = record(aggregate, said)
        if used is not None and (stored := await services.store.answer_for(used.key)):
            return _replayed(stored, used.fingerprint)
        head = await services.store.head()
        return CommandResult(aggregate.id, aggregate.version, head, said)
    saved = await services.store.save(
        aggregate, metadata=context.metadata(), idempotency=record(aggregate, said), last=True
    )
    return CommandResult(aggregate.id, saved.version, saved.position, said)


def _check_version(aggregate: StreamAggregate, context: CommandContext) -> None:
    expected = context.expected_version
    if expected is not None and aggregate.version != expected:
        raise StaleVersion(
            f"the stream is at version {aggregate.version}, not at {expected}",
            current_version=aggregate.version,
        )


async def _fingerprint(command: Command, stream_id: str, services: Services) -> bytes:
    """A keyed digest of the command: what it says may be personal and easily guessed."""
    said = command.model_dump(mode="json")
    for name in command.LATER:
        if said[name] is None:
            del said[name]
    body = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    whole = b"\0".join((type(command).__name__.encode(), stream_id.encode(), body))
    return await services.vault.digest("idempotency", whole)


def _replayed(stored: StoredAnswer, fingerprint: bytes) -> CommandResult:
    if stored.fingerprint != fingerprint:
        raise KeyReused("this idempotency key was used for another command")
    first = orjson.loads(stored.answer)
    return CommandResult(
        first["stream_id"], first["version"], stored.position, first["answer"], replayed=True
    )
