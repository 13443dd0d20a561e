"""One table of faults: every error of PostgreSQL, and every HTTP answer, passes or stays."""

import asyncio
import inspect
from collections.abc import Sequence
from typing import Any
from uuid import uuid4

import aiokafka.errors
import asyncpg
import pytest
from aiokafka.errors import BrokerResponseError, KafkaConnectionError

from citybrain.eventstore import Metadata, NewEvent
from citybrain.eventstore.appender import MOST_CULPRITS, Appender, Culprits
from citybrain.eventstore.pending import PendingAppend
from citybrain.eventstore.types import AppendRefused, StoreUnavailable
from citybrain.eventstore.witness import Witness
from citybrain.faults import (
    AGAIN_LATER,
    CONNECTION_LOST,
    LASTING_KAFKA_CODES,
    PASSING_STATES,
    answer_passes,
    is_of_what_was_asked,
    state_passes,
)
from citybrain.kafka.clients import lasts

ERRORS = [
    kind
    for _, kind in sorted(vars(asyncpg).items())
    if inspect.isclass(kind) and issubclass(kind, asyncpg.PostgresError) and kind.sqlstate
]


def test_what_passes_by_its_sqlstate_is_caught_and_nothing_else_is() -> None:
    assert len(ERRORS) > 200
    wrong = [
        (kind.__name__, kind.sqlstate)
        for kind in ERRORS
        if issubclass(kind, AGAIN_LATER) != state_passes(kind.sqlstate)
    ]
    assert wrong == []
    begins = {kind.sqlstate for kind in ERRORS} | {kind.sqlstate[:2] for kind in ERRORS}
    assert PASSING_STATES.keys() <= begins, "and there is each that the table names"


def test_what_brokers_refuse_for_good_is_told_from_what_passes() -> None:
    named: list[Any] = [kind for kind in vars(aiokafka.errors).values() if inspect.isclass(kind)]
    answers = {
        kind.errno: kind
        for kind in named
        if issubclass(kind, BrokerResponseError) and hasattr(kind, "errno")
    }
    assert LASTING_KAFKA_CODES.keys() <= answers.keys(), "and there is each that the table names"
    lasting = {code for code, kind in answers.items() if lasts(kind())}
    assert lasting == LASTING_KAFKA_CODES.keys()
    assert not any(answers[code].retriable for code in lasting)
    assert lasts(aiokafka.errors.AuthenticationFailedError())
    for passing in (TimeoutError(), OSError(29, "of another table"), KafkaConnectionError()):
        assert not lasts(passing)


@pytest.mark.parametrize(
    ("sqlstate", "passes", "own"),
    [
        ("55P03", True, False),
        ("57014", True, False),
        ("53100", True, False),
        ("53200", True, False),
        ("53300", True, False),
        ("40P01", True, False),
        ("40001", True, False),
        ("25006", True, False),
        ("08006", True, False),
        ("57P01", True, False),
        ("57P04", False, False),
        ("55000", False, False),
        ("42501", False, False),
        ("42P01", False, False),
        ("58030", False, False),
        ("XX001", False, False),
        ("22P05", False, True),
        ("22021", False, True),
        ("23505", False, True),
        ("54000", False, True),
    ],
)
def test_faults_that_were_met(sqlstate: str, passes: bool, own: bool) -> None:
    (kind, *_) = [kind for kind in ERRORS if kind.sqlstate == sqlstate]
    assert issubclass(kind, AGAIN_LATER) == passes
    assert is_of_what_was_asked(kind("x")) == own


def test_what_says_that_a_connection_is_gone_passes() -> None:
    for lost in (*CONNECTION_LOST, ConnectionResetError, asyncio.TimeoutError):
        assert issubclass(lost, AGAIN_LATER)


def test_an_answer_of_others_passes_or_is_of_the_request() -> None:
    passing = {status for status in range(200, 600) if answer_passes(status)}
    assert passing == {408, 425, 429, *range(500, 600)}


class Refusing:
    """A lane whose statements fail where `fails` says so of their members."""

    connected = True

    def __init__(self, error: Exception, bad: frozenset[str]) -> None:
        self.error, self.bad, self.statements = error, bad, 0

    async def append(self, batch: Sequence[PendingAppend]) -> tuple[list[int], list[int]]:
        self.statements += 1
        if self.bad & {pending.stream_id for pending in batch}:
            raise self.error
        return [1] * len(batch), [*range(1, len(batch) + 1)]


async def outcomes(count: int, bad: frozenset[str], error: Exception) -> tuple[int, list[Any]]:
    """How many statements a batch took of which some fail, and what each member was told."""
    lane: Any = Refusing(error, bad)
    appender = Appender(lane.append, Witness(), queue_limit=1, batch_limit=1)
    metadata = Metadata("somebody", "system", "test", uuid4(), uuid4())
    batch = [
        PendingAppend(f"case-{number}", 0, [NewEvent("t", b"{}")], metadata, None, 2)
        for number in range(count)
    ]
    await appender._write(lane, batch, Culprits())
    return lane.statements, await asyncio.gather(
        *(pending.outcome for pending in batch), return_exceptions=True
    )


async def test_one_bad_append_costs_its_neighbours_nothing_and_is_told_that_it_stays() -> None:
    error = asyncpg.UntranslatableCharacterError("x")
    statements, told = await outcomes(1024, frozenset({"case-700"}), error)
    assert statements <= 1 + 2 * 10
    assert [type(each) for each in told].count(AppendRefused) == 1
    assert isinstance(told[700], AppendRefused)


async def test_where_all_are_refused_few_are_tried() -> None:
    every = frozenset(f"case-{number}" for number in range(1024))
    statements, told = await outcomes(1024, every, asyncpg.InsufficientPrivilegeError("x"))
    assert statements <= 10 + 2 * MOST_CULPRITS
    assert all(isinstance(each, StoreUnavailable) for each in told)
