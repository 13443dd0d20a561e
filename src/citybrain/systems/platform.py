"""What all systems stand on: the log, the live board, the calendar, areas, photos, operations."""

from citybrain.definitions.calendars import load_business_calendar
from citybrain.definitions.platform.areas import load_surveys
from citybrain.domain.access import Access
from citybrain.domain.photo_deletion import PhotoDeletion
from citybrain.http.limits import forget_purses
from citybrain.http.platform import (
    audit,
    board,
    board_past,
    live,
    operations,
    photos,
    places,
    sign_in,
    states,
)
from citybrain.http.platform.development import mount as development
from citybrain.http.platform.reach import DEVELOPMENT_REACH, REACH
from citybrain.systems.system import System
from commands.loud_devices import forget_quiet_devices
from commands.services import Services
from projections.platform.correlations import Correlations
from projections.platform.log_minutes import LogMinutes
from projections.platform.streams import Streams

ANSWERS_KEPT_DAYS = 7


async def forget_answers(services: Services) -> None:
    """What no client asks for any more, and what is sealed for a time only."""
    await services.store.forget_answers(ANSWERS_KEPT_DAYS)
    await services.vault.delete_expired()


PLATFORM = System(
    name="platform",
    streams=(Access, PhotoDeletion),
    definitions=(load_business_calendar, load_surveys),
    projections=(Streams(), LogMinutes(), Correlations()),
    routes=(
        *photos.ROUTES,
        *places.ROUTES,
        *audit.ROUTES,
        *states.ROUTES,
        *operations.ROUTES,
        *sign_in.ROUTES,
        *live.ROUTES,
        *board.ROUTES,
        *board_past.ROUTES,
    ),
    reach=REACH,
    development_reach=DEVELOPMENT_REACH,
    development_routes=operations.DEVELOPMENT_ROUTES,
    mounts=(photos.mount, live.mount, board.mount, sign_in.mount, development.mount),
    upkeep=(forget_answers, forget_purses, forget_quiet_devices),
)
