"""Appeals: of what, by whom, and until when."""

from datetime import timedelta

import pytest

from citybrain.domain.applications import appeals
from citybrain.domain.applications.appeals import APPEAL_WITHIN
from citybrain.domain.applications.refusals import NothingToAppeal, NotYourApplication
from citybrain.domain.applications.statuses import Status
from tests.given.applications import ANNA, BORIS, NOW, appeal, at


def test_an_appeal_comes_in_time() -> None:
    late = NOW + APPEAL_WITHIN + timedelta(seconds=1)
    with pytest.raises(NothingToAppeal):
        appeals.appeal(at(Status.REFUSED), ANNA, late, grounds_sealed="sealed")
    with pytest.raises(NotYourApplication):
        appeal(at(Status.REFUSED), BORIS)
