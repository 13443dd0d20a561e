"""What a role may that serves and works, and owns nothing of the log.

It reads and appends, and changes what is no event; it makes the read models, and owns them. It can
change neither the schema nor an event, nor say that the log is another one.
"""

from typing import Any

import asyncpg

from citybrain.errors import CitybrainError

PLAIN = """
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {database} TO {role};
GRANT USAGE ON SCHEMA public TO {role};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role};
REVOKE UPDATE, DELETE ON stored_events FROM {role};
REVOKE INSERT, UPDATE, DELETE ON schema_migrations, log_incarnations FROM {role};
"""
NAMES = "SELECT quote_ident(current_database()), quote_ident($1)"
KNOWN = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)"
MODELS_OF_OTHERS = """
SELECT format('ALTER SCHEMA %I OWNER TO %I', n.nspname, $1::text) FROM pg_namespace n
WHERE n.nspname IN (SELECT projection FROM projection_checkpoints)
  AND n.nspowner <> $1::text::regrole
UNION ALL
SELECT format('ALTER TABLE %I.%I OWNER TO %I', n.nspname, c.relname, $1::text)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN (SELECT projection FROM projection_checkpoints)
  AND c.relkind IN ('r', 'p', 'v', 'm') AND c.relowner <> $1::text::regrole
"""


class GrantRefused(CitybrainError):
    """The role is not there, or this one may not give it what it needs; nothing was changed."""

    code = "grant-refused"


async def grant(connection: "asyncpg.Connection[Any]", role: str) -> int:
    """Give a role what `serve` and `work` need; returns how many read models' tables it was handed.

    Raises `GrantRefused`. To be done again after each migration.
    """
    if not await connection.fetchval(KNOWN, role):
        raise GrantRefused(f"there is no role {role}: CREATE ROLE it first, with LOGIN")
    ((database, quoted),) = await connection.fetch(NAMES, role)
    try:
        async with connection.transaction():
            await connection.execute(PLAIN.format(database=database, role=quoted))
            handed = [row[0] for row in await connection.fetch(MODELS_OF_OTHERS, role)]
            for statement in handed:
                await connection.execute(statement)
    except asyncpg.InsufficientPrivilegeError as error:
        raise GrantRefused(
            "only the owner of the database and its tables can do that, and to hand over read "
            f"models it has to be a member of {role} (GRANT {role} TO the owner)"
        ) from error
    return len(handed)
