"""Which faults another try may not meet, and which stay: one table for all who try again.

Appender, read models, process managers, exchange, bank, Kafka and the HTTP edge ask here and
nowhere else. A passing fault says nothing of what was asked: it is asked again, for as long as it
takes, and told. A lasting one is of what was asked, or of how something is set up: nothing that is
simply done again mends it. SQLSTATEs: PostgreSQL's documentation, appendix A.
"""

from collections.abc import Iterator
from typing import Final

import asyncpg

PASSING_STATES: Final = {
    "08": "a connection is lost, or does not come about",
    "25006": "it is read only: a standby, before it takes over",
    "25P03": "a transaction was idle for too long",
    "25P04": "a transaction took too long",
    "40": "a transaction was given up in favour of another",
    "53": "no room: disk, memory, connections",
    "55P03": "a lock is held for too long",
    "57014": "a statement took too long",
    "57P01": "the server goes",
    "57P02": "the server went",
    "57P03": "the server comes",
    "57P05": "a session was idle for too long",
}
"""By SQLSTATE, or how it begins. Any other one is lasting."""
OWN_STATES: Final = ("21", "22", "23", "54")
"""How the SQLSTATEs of lasting faults begin that are of what was asked, on a healthy database."""
PASSING_ANSWERS: Final = frozenset({408, 425, 429})
"""HTTP answers of others that say nothing of the request, beside 5xx (RFC 9110; 425: RFC 8470)."""
LASTING_KAFKA_CODES: Final = {
    17: "a name that no topic may have",
    29: "no right to a topic",
    30: "no right to a group",
    31: "no right to the cluster",
    33: "a SASL mechanism that they do not have",
    34: "a step of SASL that is not its turn",
    35: "a request of a version that they do not have",
    37: "a number of partitions that they do not allow",
    38: "a replication that they cannot give",
    39: "replicas on brokers that there are not",
    40: "a setting that they do not allow",
    42: "a request that they do not understand",
    44: "against a policy of theirs",
    50: "a longer transaction than they allow",
    53: "no right to a transactional id",
    54: "security that they have not switched on",
    58: "a password that is wrong",
}
"""Kafka's answers that are of how something is set up (Apache Kafka, protocol, error codes)."""

CONNECTION_LOST = (
    OSError,
    TimeoutError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.PostgresConnectionError,  # 08xxx
    asyncpg.AdminShutdownError,  # 57P01
    asyncpg.CrashShutdownError,  # 57P02
    asyncpg.CannotConnectNowError,  # 57P03
    asyncpg.IdleSessionTimeoutError,  # 57P05
    asyncpg.IdleInTransactionSessionTimeoutError,  # 25P03
    asyncpg.TooManyConnectionsError,  # 53300
)
"""What says that a connection is gone, or that the server is going or coming."""
AGAIN_LATER = (
    *CONNECTION_LOST,
    asyncpg.TransactionRollbackError,  # 40xxx
    asyncpg.InsufficientResourcesError,  # 53xxx
    asyncpg.LockNotAvailableError,  # 55P03
    asyncpg.QueryCanceledError,  # 57014
    asyncpg.ReadOnlySQLTransactionError,  # 25006
    asyncpg.TransactionTimeoutError,  # 25P04
)
"""All that passes of PostgreSQL, as an `except` takes it."""


def state_passes(sqlstate: str) -> bool:
    """Whether another try may not meet an error of PostgreSQL."""
    return any(begin in PASSING_STATES for begin in _begins(sqlstate))


def is_of_what_was_asked(error: asyncpg.PostgresError) -> bool:
    """Whether a lasting fault is of these very values: others are not refused with them."""
    return str(error.sqlstate or "").startswith(OWN_STATES)


def answer_passes(status: int) -> bool:
    """Whether somebody who answered so may answer otherwise when asked the same again."""
    return status >= 500 or status in PASSING_ANSWERS


def kafka_code_passes(code: int) -> bool:
    """Whether brokers that answered so may answer otherwise when asked the same again."""
    return code not in LASTING_KAFKA_CODES


def _begins(sqlstate: str) -> Iterator[str]:
    yield sqlstate
    yield sqlstate[:2]
