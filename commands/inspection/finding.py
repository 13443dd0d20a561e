"""Cases are found by words that people wrote and by their telephones, though both are sealed.

What is kept are keyed digests of words and numbers. They tell nobody who has the table alone what
was written, and go with the key of the case, or when what they were made of is kept no more.
"""

from collections.abc import Iterable
from datetime import datetime

from citybrain.domain.inspection.search_words import phone_of, words_of
from commands.services import Services

WORD, PHONE = "case-word", "case-phone"
MOST_FOUND = 1000

REMEMBER = """
INSERT INTO case_words (digest, case_id, kept_until)
SELECT digest, $2, $3 FROM unnest($1::bytea[]) AS digest
ON CONFLICT (digest, case_id) DO UPDATE
SET kept_until = CASE WHEN case_words.kept_until IS NULL OR excluded.kept_until IS NULL THEN NULL
                      ELSE greatest(case_words.kept_until, excluded.kept_until) END
"""
FIND = """
SELECT case_id FROM case_words WHERE digest = ANY($1)
GROUP BY case_id HAVING count(*) = $2 ORDER BY case_id DESC LIMIT $3
"""
FORGET = "DELETE FROM case_words WHERE case_id = $1"
FORGET_OLD = "DELETE FROM case_words WHERE kept_until < $1"


async def remember_words(
    case_id: str, text: str, services: Services, kept_until: datetime | None = None
) -> None:
    """Make a case found by what was written of it."""
    digests = await _digests(WORD, words_of(text), services)
    await services.store.pool.execute(REMEMBER, digests, case_id, kept_until)


async def remember_phones(
    case_id: str, phones: Iterable[str], services: Services, kept_until: datetime | None
) -> None:
    """Make a case found by the telephones of who reported it."""
    known = [phone for phone in map(phone_of, phones) if phone is not None]
    digests = await _digests(PHONE, known, services)
    await services.store.pool.execute(REMEMBER, digests, case_id, kept_until)


async def find(text: str | None, phone: str | None, services: Services) -> list[str]:
    """The cases that have all words of the text, and the telephone, newest first: 1 000 at most."""
    digests = await _digests(WORD, words_of(text or ""), services)
    if phone is not None:
        number = phone_of(phone)
        digests += await _digests(PHONE, [number] if number else [], services)
        if number is None:
            return []
    if not digests:
        return []
    rows = await services.store.pool.fetch(FIND, digests, len(digests), MOST_FOUND)
    return [row["case_id"] for row in rows]


async def forget_words(case_id: str, services: Services) -> None:
    """A case is found by nothing that was written of it any more."""
    await services.store.pool.execute(FORGET, case_id)


async def forget_old_words(services: Services) -> None:
    """What was made of things that are kept no more."""
    await services.store.pool.execute(FORGET_OLD, services.clock())


async def _digests(purpose: str, values: Iterable[str], services: Services) -> list[bytes]:
    return [await services.vault.digest(purpose, value.encode()) for value in values]
