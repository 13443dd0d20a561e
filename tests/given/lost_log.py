"""A log that lost its last events, as when a standby takes over that lacks them."""

import asyncpg

from citybrain.settings import Settings

END_ALL = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


async def lose(settings: Settings, events: int) -> None:
    """The log is again as it was before its last events, and every connection is ended."""
    assert settings.database_url is not None
    connection = await asyncpg.connect(settings.database_url.get_secret_value())
    await connection.execute("SET session_replication_role = replica")
    await connection.execute(
        "DELETE FROM stored_events"
        " WHERE notification_id > (SELECT max(notification_id) FROM stored_events) - $1",
        events,
    )
    await connection.execute(END_ALL)
    await connection.close()
