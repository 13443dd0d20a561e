"""Messages to citizens: in simplified Chinese and in English, and in words, never in codes."""

import re

import pytest

from citybrain.definitions.applications.catalogue import Catalogue
from citybrain.domain.applications.application_events import TOPICS as EVENTS
from citybrain.domain.applications.statuses import Status
from citybrain.systems import load_definitions
from commands.applications.processes.notice_texts import (
    BY_OTHERS,
    NOT_CORRECTED_TEXT,
    NOT_YOU,
    ONLINE,
    OUTCOMES,
    PLACES,
    TEXTS,
    TOPICS,
    YOURS,
    Text,
)

HAN = re.compile(r"[\u4e00-\u9fff]")
TRADITIONAL = re.compile(
    "[證錄號碼務員這個為時時處請後無據應將錯誤確認類別檔現門關購過戶積還貸補貼險詢領會]"
)
CODE = re.compile(r"[a-z]+-[a-z]+")
NAMES = [item.called for item in load_definitions().of(Catalogue).all_versions()]
SAID: list[Text] = [
    *TEXTS.values(),
    *BY_OTHERS.values(),
    *OUTCOMES.values(),
    *PLACES.values(),
    *NAMES,
    NOT_CORRECTED_TEXT,
    NOT_YOU,
    ONLINE,
    YOURS,
]


@pytest.mark.parametrize("said", SAID)
def test_each_text_is_simplified_chinese_and_english(said: Text) -> None:
    chinese, english = said
    assert HAN.search(chinese)
    assert not TRADITIONAL.search(chinese)
    assert not HAN.search(english)
    assert not CODE.search(english.replace("First-home", ""))


def test_every_outcome_has_a_text_and_every_topic_is_an_event() -> None:
    assert set(TOPICS) <= EVENTS
    assert set(OUTCOMES) == {Status.APPROVED, Status.REFUSED, Status.REFERRED}
