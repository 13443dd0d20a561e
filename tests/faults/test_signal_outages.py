"""A server, PostgreSQL and the network to half of the controllers are away for a minute each.

By the clock, with real processes: what `citybrain bench signals-outages` shows. What `make test`
has of it goes by a clock of its own: `tests/integration/commands/signals/test_dying.py` for the
store, `tests/integration/http/signals/test_controllers.py` for the network, and
`test_signal_kill.py`.
"""

import pytest

from ops.bench.signals.outages import outages
from tests.given.storm import STORM

AWAY_SECONDS = 60.0


@pytest.mark.fault
@pytest.mark.skipif(STORM == 1, reason="takes a quarter of an hour")
async def test_nothing_unsafe_is_shown_and_the_centre_takes_all_back() -> None:
    await outages("fixed", AWAY_SECONDS)
