"""What applicants are told, and by whom it was done in their name."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from uuid import UUID

import pytest

from citybrain.domain.actor import Actor, Role
from citybrain.domain.applications.application import Channel
from citybrain.domain.applications.statuses import Status
from citybrain.domain.citizens.assurance import RECORD_PURPOSE
from citybrain.errors import Unavailable
from citybrain.settings import Settings
from citybrain.vault import SealBroken
from commands.applications.application import (
    SubmitApplication,
    TakeOverApplication,
    WithdrawApplication,
    submit_application,
    take_over_application,
    withdraw_application,
)
from commands.applications.processes.notices import ApplicationNotices
from commands.citizens.identity import SendCode, send_code
from commands.processes.runner import context_of
from commands.services import Services
from ops.simulators.applications.departments import Departments, open_departments
from tests.given.driving import (
    REPAYMENT,
    applied,
    context,
    drive,
    identify,
    services_with_clock,
    set_ahead,
    until_its_time,
)
from tests.given.failing import Broken, Switch

PURCHASE = "housing-fund-purchase"
PHONE = "13800000000"
NAME, NAME_EN = (
    "公积金提取（偿还住房贷款）",
    "Housing provident fund withdrawal for repaying a home loan",
)


@dataclass
class Sent:
    """Keeps what is sent."""

    texts: list[str] = field(default_factory=list)

    async def send(self, phone: str, text: str, message_id: UUID) -> None:
        assert phone == PHONE
        self.texts.append(text)


@pytest.fixture
async def departments(settings: Settings) -> AsyncIterator[Departments]:
    async with open_departments(settings.data_dir, latency=(0.0, 0.0), seed=1) as opened:
        yield opened


@pytest.fixture
def sent() -> Sent:
    return Sent()


@pytest.fixture
async def services(
    settings: Settings, departments: Departments, sent: Sent
) -> AsyncIterator[Services]:
    async with services_with_clock(settings) as opened:
        opened.notifier = sent
        yield opened


async def told(services: Services, sent: Sent, application: str) -> list[str]:
    """What the applicant has been told, of all that has happened."""
    sent.texts.clear()
    notices = ApplicationNotices()
    for event in await services.store.read(application):
        if event.topic in notices.topics:
            await notices.react(event, services, partial(context_of, notices, event))
    return list(sent.texts)


async def test_what_somebody_else_does_in_ones_name_is_told(services: Services, sent: Sent) -> None:
    _, citizen = await applied(services, phone=PHONE)
    await identify(services, citizen, PURCHASE)
    submission = SubmitApplication(service=PURCHASE, channel=Channel.COUNTER, citizen_id=citizen)
    application = (await submit_application(submission, context(), services)).stream_id
    await withdraw_application(application, WithdrawApplication(), context(), services)
    submitted, withdrawn = await told(services, sent, application)
    chinese, english = submitted.split(" / ")
    assert chinese == "公积金提取（购买住房）：已代您提交；如非您本意，请尽快到窗口。"
    assert english.startswith("Housing provident fund withdrawal for buying a home: it was submit")
    assert english.endswith("if you did not want this, go to a counter.")
    assert "已代您撤回" in withdrawn
    assert "it was withdrawn for you" in withdrawn


async def test_what_one_does_oneself_is_not(services: Services, sent: Sent) -> None:
    application, citizen = await applied(services, phone=PHONE)
    own = context(Actor(citizen, frozenset({Role.CITIZEN})))
    online = TakeOverApplication(channel=Channel.WEB)
    await take_over_application(application, online, own, services)
    await withdraw_application(application, WithdrawApplication(), own, services)
    assert await told(services, sent, application) == []


async def test_where_it_goes_on_is_told(services: Services, sent: Sent) -> None:
    application, citizen = await applied(services, phone=PHONE)
    await identify(services, citizen)
    counter = TakeOverApplication(channel=Channel.COUNTER)
    await take_over_application(application, counter, context(), services)
    (last,) = await told(services, sent, application)
    assert "已转到窗口继续办理" in last
    assert "it goes on at a counter" in last


async def test_one_that_could_not_go_on_by_itself_is_told(
    services: Services, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, citizen = await applied(services, phone=PHONE)
    await identify(services, citizen)
    switch = Switch(on=True)
    with monkeypatch.context() as broken:
        broken.setattr(services, "vault", Broken(services.vault, switch, lambda: SealBroken("no")))
        assert (await drive(services, application)).status == Status.REFERRED
    *_, last = await told(services, sent, application)
    assert last.endswith("an officer looks at it.")


async def test_one_that_expires_is_told_and_what_cannot_be_told_is_left_out(
    services: Services, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    application, _ = await applied(services, phone=PHONE)
    assert (await until_its_time(services, application)).status == Status.EXPIRED
    *_, last = await told(services, sent, application)
    assert "nobody was identified in time" in last
    switch = Switch(on=True)
    monkeypatch.setattr(services, "vault", Broken(services.vault, switch, lambda: SealBroken("no")))
    assert await told(services, sent, application) == []


async def test_what_cannot_be_sent_now_is_tried_again(services: Services, sent: Sent) -> None:
    application, citizen = await applied(services, phone=PHONE)
    await identify(services, citizen)
    counter = TakeOverApplication(channel=Channel.COUNTER)
    await take_over_application(application, counter, context(), services)
    switch = Switch(on=True)
    services.notifier = Broken(sent, switch, lambda: Unavailable("the provider is away"))
    assert await told(services, sent, application) == []
    switch.on = False
    set_ahead(services, timedelta(minutes=1))
    await ApplicationNotices().tell_due(services)
    (last,) = sent.texts
    assert "it goes on at a counter" in last


@pytest.mark.parametrize(
    ("purpose", "said"),
    [(REPAYMENT, f"Your code for {NAME_EN} is "), (RECORD_PURPOSE, "Your code is ")],
)
async def test_a_code_says_what_it_is_for_by_its_name(
    services: Services, sent: Sent, purpose: str, said: str
) -> None:
    _, citizen = await applied(services, phone=PHONE)
    sent.texts.clear()
    await send_code(citizen, SendCode(purpose=purpose), context(), services)
    (text,) = sent.texts
    assert said in text
    assert purpose not in text
    assert text.startswith(f"{NAME if purpose == REPAYMENT else ''}验证码：")
