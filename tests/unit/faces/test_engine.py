"""The engine: batches, a bounded queue, deadlines, and an event loop that stays free."""

import asyncio
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import cv2
import numpy as np
import pytest

from citybrain.faces.engine import Analysis, EngineFailed, FaceEngine, FacesBusy, FacesLate, Models
from citybrain.faces.images import ImageBroken, ImageFormatRefused, Pixels
from citybrain.faces.quality import NoFace
from tests.given.analyses import analysis
from tests.given.waiting import PATIENCE_SECONDS, holds

DARK = cv2.imencode(".jpg", np.full((100, 100, 3), 8, np.uint8))[1].tobytes()
PICTURE = cv2.imencode(".jpg", np.full((100, 100, 3), 128, np.uint8))[1].tobytes()


class FakeModels:
    """Models that wait until they are let go, and note what they were given."""

    pack = None

    def __init__(self) -> None:
        self.batches: list[int] = []
        self.go = threading.Event()
        self.answers: Any = lambda images: [analysis() for _ in images]

    def analyse(self, images: Sequence[Pixels]) -> list[Analysis | Exception]:
        self.batches.append(len(images))
        assert self.go.wait(PATIENCE_SECONDS)
        answers: list[Analysis | Exception] = self.answers(images)
        return answers


@asynccontextmanager
async def engine_over(models: FakeModels, **limits: float) -> AsyncIterator[FaceEngine]:
    defaults = {
        "threads": 1,
        "queue_limit": 8,
        "batch_limit": 4,
        "batch_delay_seconds": 0.0,
        "deadline_seconds": 5.0,
    }
    engine = FaceEngine(cast(Models, models), **cast(Any, defaults | limits))
    task = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        models.go.set()
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def settled(engine: FaceEngine, pictures: int) -> list["asyncio.Task[Analysis]"]:
    """So many that wait, and whoever came first is with the models."""
    tasks = [asyncio.create_task(engine.analyse(PICTURE)) for _ in range(pictures)]
    await asyncio.sleep(0)  # each has its place
    await holds(lambda: cast(FakeModels, engine.models).batches)
    return tasks


async def test_pictures_that_wait_are_taken_together_up_to_the_limit() -> None:
    models = FakeModels()
    async with engine_over(models) as engine:
        tasks = await settled(engine, 8)
        models.go.set()
        await asyncio.gather(*tasks)
    assert models.batches[0] <= 4
    assert max(models.batches) == 4
    assert sum(models.batches) == 8


async def test_a_full_queue_answers_busy_at_once_and_the_rest_is_served() -> None:
    models = FakeModels()
    async with engine_over(models, queue_limit=3, batch_limit=1) as engine:
        first = await settled(engine, 1)
        waiting = await settled(engine, 3)
        with pytest.raises(FacesBusy) as busy:
            await engine.analyse(PICTURE)
        assert busy.value.retry_after_seconds >= 1
        models.go.set()
        await asyncio.gather(*first, *waiting)


async def test_places_are_kept_while_somebody_prepares() -> None:
    models = FakeModels()
    async with engine_over(models, queue_limit=3, batch_limit=1) as engine:
        busy = await settled(engine, 1)
        with engine.room(2):
            waiting = await settled(engine, 1)
            with pytest.raises(FacesBusy):
                await engine.analyse(PICTURE)
        with pytest.raises(FacesBusy):
            await engine.analyse_all([PICTURE] * 3)  # all or none
        both = asyncio.create_task(engine.analyse_all([PICTURE] * 2))
        models.go.set()
        assert len(await both) == 2
        await asyncio.gather(*busy, *waiting)


async def test_a_picture_that_waited_too_long_is_not_analysed() -> None:
    models = FakeModels()
    async with engine_over(models, batch_limit=1) as engine:
        tasks = await settled(engine, 2)
        waiting = engine._queue.get_nowait()
        waiting.deadline = 0.0  # as after a long time
        engine._queue.put_nowait(waiting)
        models.go.set()
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(outcomes[0], Analysis)
    assert isinstance(outcomes[1], FacesLate)
    assert models.batches == [1]


async def test_a_caller_that_went_away_costs_nothing() -> None:
    models = FakeModels()
    async with engine_over(models, batch_limit=1) as engine:
        tasks = await settled(engine, 3)
        tasks[1].cancel()
        models.go.set()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert models.batches == [1, 1]


async def test_one_bad_picture_does_not_spoil_its_batch() -> None:
    models = FakeModels()
    models.answers = lambda images: [
        analysis() if image.mean() > 100 else NoFace("none") for image in images
    ]
    models.go.set()
    async with engine_over(models, batch_delay_seconds=0.05) as engine:
        outcomes = await asyncio.gather(
            *(engine.analyse(c) for c in (PICTURE, b"rubbish", PICTURE[:200], DARK)),
            return_exceptions=True,
        )
    assert [type(outcome) for outcome in outcomes] == [
        Analysis,
        ImageFormatRefused,
        ImageBroken,
        NoFace,
    ]


async def test_a_batch_that_breaks_off_leaves_the_engine_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    models = FakeModels()
    models.go.set()
    async with engine_over(models) as engine:
        with monkeypatch.context() as patch:
            patch.setattr("citybrain.faces.engine.decode", lambda content: 1 / 0)
            with pytest.raises(EngineFailed):
                await engine.analyse(PICTURE)
        assert isinstance(await engine.analyse(PICTURE), Analysis)


async def test_models_that_fail_answer_unavailable_and_go_on() -> None:
    models = FakeModels()
    models.answers = lambda images: 1 / 0
    models.go.set()
    async with engine_over(models) as engine:
        with pytest.raises(EngineFailed):
            await engine.analyse(PICTURE)
        models.answers = lambda images: [analysis() for _ in images]
        assert isinstance(await engine.analyse(PICTURE), Analysis)


async def test_stopping_answers_those_who_wait() -> None:
    models = FakeModels()
    async with engine_over(models, batch_limit=1) as engine:
        tasks = await settled(engine, 3)
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    assert any(isinstance(outcome, FacesBusy) for outcome in outcomes)
    assert all(task.done() for task in tasks)


async def test_the_event_loop_runs_while_the_models_work() -> None:
    models = FakeModels()
    async with engine_over(models) as engine:
        tasks = await settled(engine, 1)
        assert not tasks[0].done()  # and yet this line was reached
        models.go.set()
        await tasks[0]
