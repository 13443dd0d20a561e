"""The contract suites that ship inside `eventsourcing`, over our store."""

from collections.abc import Iterator
from uuid import uuid4

import pytest
from eventsourcing.tests.persistence import AggregateRecorderTestCase, ApplicationRecorderTestCase

from citybrain.settings import Settings
from tests.given.recorder import StoreThread, SynchronousRecorder


class OverOurStore:
    """Gives a suite a fresh store for each test."""

    thread: StoreThread
    returns_ids: bool

    @pytest.fixture(autouse=True)
    def _open_store(self, settings: Settings) -> Iterator[None]:
        self.thread = StoreThread(settings)
        yield
        self.thread.close()

    def new_originator_id(self) -> str:
        return f"contract-{uuid4().hex}"

    def create_recorder(self) -> SynchronousRecorder:
        return SynchronousRecorder(self.thread, returns_ids=self.returns_ids)


class TestAggregateRecorder(OverOurStore, AggregateRecorderTestCase):
    returns_ids = False


class TestApplicationRecorder(OverOurStore, ApplicationRecorderTestCase[SynchronousRecorder]):
    returns_ids = True

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()
