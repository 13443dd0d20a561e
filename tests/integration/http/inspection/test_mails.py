"""Who left an address of mail is told by mail, also where the mail server was away."""

from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from citybrain.settings import Settings
from citybrain.systems import SYSTEMS
from citybrain.systems.system import System
from tests.given.api import Api
from tests.given.mail import Post, mail_server
from tests.given.open311 import HOLE, Client
from tests.given.waiting import holds

ANNA = "anna@home.example"


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with mail_server(tmp_path) as found:
        found.answer = "451 later"
        yield found


@pytest.fixture
def change_settings(post: Post) -> Callable[[Settings], None]:
    def change(settings: Settings) -> None:
        for name, value in post.settings().items():
            setattr(settings, name, value)

    return change


@pytest.fixture
def at_work() -> Sequence[System]:
    return [system for system in SYSTEMS if system.name in ("citizens", "inspection")]


async def test_a_reporter_is_told_by_mail_once_the_server_takes_it(post: Post, api: Api) -> None:
    status, (answer,) = await Client(api, "json").post(HOLE | {"email": ANNA})
    assert status == 201, answer
    await holds(lambda: post.asked >= 2)  # it is tried again
    post.answer = "250 OK"
    await holds(lambda: post.taken)
    (told,) = post.taken
    assert told["To"] == ANNA
    assert f"案件 {answer['service_request_id']}：已受理。" in told.get_content()
