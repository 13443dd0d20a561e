"""One worker at a time for each named piece of work, over any number of processes.

A process holds all that it leads on one connection, as session advisory locks: they end with it, so
what a killed process led is free at once. Each such connection speaks every `STANDBY_SECONDS`. One
that was silent for `LEASE_SECONDS` belongs to a process that hangs or cannot be reached: whoever
looks next ends it, with its others that hold locks or rows, and takes over. Leads are spread over
the processes that are there for the same: each has at most its share and one more.

A lead says who should write. That a leader which was stopped and wakes does no harm follows from
what it writes with: a checkpoint moves only from where its worker left it, and a command's id
follows from its event.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import structlog

from citybrain.eventstore.locks import NAMESPACE, UNLOCK
from citybrain.eventstore.types import StoreUnavailable
from citybrain.faults import CONNECTION_LOST

log = structlog.get_logger(__name__)

STANDBY_SECONDS = 1.0
LEASE_SECONDS = 3.0
RETRY_SECONDS = 0.2
LOOKS_BEFORE_ONE_MORE = 5

LIVING = """
WITH activity AS MATERIALIZED (
    SELECT pid, state, state_change, split_part(application_name, ' ', 1) AS role,
        split_part(application_name, ' ', 2) AS process,
        split_part(application_name, ' ', 3) AS there_for
    FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user
), leaders AS MATERIALIZED (
    SELECT process, there_for, pid <> pg_backend_pid() AND state = 'idle'
        AND state_change < clock_timestamp() - make_interval(secs => $1) AS silent
    FROM activity WHERE role = 'citybrain-leads'
)
SELECT (SELECT count(*) FROM leaders WHERE NOT silent AND there_for = $2) AS living,
    count(pg_terminate_backend(a.pid)) AS ended, array_agg(DISTINCT a.process) AS processes
FROM activity a JOIN leaders l ON l.process = a.process AND l.silent
WHERE a.role IN ('citybrain-leads', 'citybrain-worker', 'citybrain-junctions')
"""
TAKE = f"""
SELECT work FROM unnest($1::text[]) AS work
WHERE pg_try_advisory_lock(hashtextextended(work, {NAMESPACE})) LIMIT $2
"""  # noqa: S608


class LeadLost(StoreUnavailable):
    """Another process leads this work now, or the connection that held the lead is gone."""


class Lead:
    """A piece of work that this process leads, or waits for."""

    def __init__(self, work: str) -> None:
        self.work = work
        self.gained = asyncio.Event()
        self.lost = False
        self.block: asyncio.Timeout | None = None
        self.stays = False
        """True while the work must not move to another process, which would begin it anew."""

    def lose(self) -> None:
        """End the block that leads."""
        self.lost = True
        if self.block is not None and not self.block.expired():
            self.block.reschedule(asyncio.get_running_loop().time())


class Leads:
    """What one process leads, and waits to lead.

    `there_for`: what it does (a word); with whoever does something else it shares nothing.
    """

    def __init__(
        self,
        connect: "Callable[[str], Awaitable[asyncpg.Connection[Any]]]",
        process: str,
        there_for: str,
        end_writers: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._connect = connect
        self._end_writers = end_writers
        self.process = process
        self._there_for = there_for
        self._waiting: list[Lead] = []
        self._held: dict[str, Lead] = {}
        self._returned: list[str] = []
        self._bell = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self._looks = 0
        self._stands_down = False

    @asynccontextmanager
    async def leading(self, work: str) -> AsyncIterator[Lead]:
        """Wait until this process leads `work`; the block ends with `LeadLost` when it is lost."""
        lead = Lead(work)
        self._waiting.append(lead)
        self._bell.set()
        if self._running is None and not self._stands_down:
            self._running = asyncio.create_task(self._run())
        try:
            await lead.gained.wait()
            async with asyncio.timeout(None) as lead.block:
                if lead.lost:
                    raise LeadLost(f"{work} is led by another process")
                yield lead
        except TimeoutError as error:
            if lead.lost:
                raise LeadLost(f"{work} is led by another process") from error
            raise
        finally:
            self._give_back(lead)

    def stand_down(self) -> None:
        """Lead nothing any more, and take no share of it; whoever leads meets `LeadLost`."""
        self._stands_down = True
        if self._running is not None:
            self._running.cancel()

    async def close(self) -> None:
        """Lead nothing any more."""
        if self._running is not None:
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running

    def _give_back(self, lead: Lead) -> None:
        if lead in self._waiting:
            self._waiting.remove(lead)
        elif self._held.get(lead.work) is lead:
            del self._held[lead.work]
            self._returned.append(lead.work)
            self._bell.set()

    async def _run(self) -> None:
        while True:
            try:
                await self._hold(await self._connect(self._name))
            except CONNECTION_LOST as error:
                log.warning("leads_lost", error=type(error).__name__)
            except Exception:
                log.exception("leads_failed")
            await asyncio.sleep(RETRY_SECONDS)

    async def _hold(self, connection: "asyncpg.Connection[Any]") -> None:
        """Lead over one connection until it is lost."""
        try:
            while True:
                self._bell.clear()
                async with asyncio.timeout(LEASE_SECONDS):  # after that others take over
                    await self._look(connection)
                with suppress(TimeoutError):
                    async with asyncio.timeout(STANDBY_SECONDS):
                        await self._bell.wait()
        finally:
            connection.terminate()
            for lead in self._held.values():
                lead.lose()
            self._held.clear()
            self._returned.clear()

    async def _look(self, connection: "asyncpg.Connection[Any]") -> None:
        while self._returned:
            await connection.execute(UNLOCK, self._returned[0])
            del self._returned[0]
        ((living, ended, processes),) = await connection.fetch(
            LIVING, LEASE_SECONDS, self._there_for
        )
        if ended:
            log.warning("silent_leader_ended", connections=ended)
            await self._end_writers(processes)
        share = -(-len(self._names()) // max(1, living))
        for lead in self._surplus(share):
            lead.lose()
        await self._take(connection, share)

    @property
    def _name(self) -> str:
        return f"citybrain-leads {self.process} {self._there_for}"

    def _names(self) -> set[str]:
        return {*self._held, *(lead.work for lead in self._waiting)}

    def _surplus(self, share: int) -> list[Lead]:
        """Those beyond our share and one more, the newest first."""
        more = len(self._held) - share
        movable = [lead for lead in reversed(self._held.values()) if not lead.stays]
        return movable[:more] if more > 1 else []

    async def _take(self, connection: "asyncpg.Connection[Any]", share: int) -> None:
        """Those that are free, up to our share; now and then one more, which nobody else takes."""
        self._looks += 1
        more = share - len(self._held)
        if more == 0 and self._looks % LOOKS_BEFORE_ONE_MORE == 0:
            more = 1
        wanted = {lead.work: lead for lead in reversed(self._waiting)}
        free = [work for work in wanted if work not in self._held and work not in self._returned]
        if more <= 0 or not free:
            return
        for row in await connection.fetch(TAKE, free, more):
            lead = wanted[row["work"]]
            if lead not in self._waiting:  # it was given up meanwhile
                self._returned.append(lead.work)
                continue
            self._waiting.remove(lead)
            self._held[lead.work] = lead
            lead.gained.set()
