"""Messages to people that follow from events: what passes is tried again, what stays is left out.

Which faults pass `citybrain.faults` says, and a notifier by `Unavailable`. Left out is what stays
so, where this installation sends none, and what could not be sent while it was news: what a message
is about says the same to whoever looks. The log has the stream and a code, and nobody's number.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Final

import structlog

from citybrain.errors import CitybrainError
from citybrain.eventstore import RecordedEvent
from citybrain.notifications import NoNotifier
from citybrain.vault import NoSuchKey, PersonErased
from commands.processes.batches import AWAY
from commands.services import Services

log = structlog.get_logger(__name__)

NEWS: Final = timedelta(days=1)
"""So long a message is tried again and holds up those after it."""


@contextmanager
def telling(event: RecordedEvent, services: Services) -> Iterator[None]:
    """Around the sending of a message; raises one of `AWAY` where it is tried again."""
    about = {"topic": event.topic, "stream_id": event.stream_id}
    try:
        yield
    except (PersonErased, NoSuchKey):
        return  # there is nobody to tell
    except NoNotifier as error:
        log.info("message_not_sent", code=error.code, **about)
    except AWAY as error:
        if services.clock() - event.recorded_at <= NEWS:
            log.info("message_put_off", code=_code(error), **about)
            raise
        log.warning("message_not_sent", code=_code(error), **about)
    except Exception as error:
        log.warning("message_not_sent", code=_code(error), **about)


def _code(error: Exception) -> str:
    return error.code if isinstance(error, CitybrainError) else type(error).__name__
