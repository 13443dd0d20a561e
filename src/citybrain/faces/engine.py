"""The models of a pack, run off the event loop: pictures in, faces with embeddings out.

A few threads run the models; requests that wait while they work are taken together (dynamic
batching). The queue is bounded and every request has a deadline, so a flood is answered with
503 and never with memory.
"""

import asyncio
import os
import platform
import time
import warnings
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import Any, Literal

import numpy as np
import structlog
from numpy.typing import NDArray
from prometheus_client import Gauge, Histogram

from citybrain.errors import CitybrainError, Unavailable
from citybrain.faces.images import Pixels, decode, difference_hash
from citybrain.faces.pack import Pack
from citybrain.faces.pose import Landmarks
from citybrain.faces.quality import NoFace, Quality, SeveralFaces, measure
from citybrain.settings import Settings

log = structlog.get_logger(__name__)

Embedding = NDArray[np.float32]
"""A unit vector; the cosine similarity of two is their dot product."""

Provider = Literal["auto", "cpu", "cuda"]

DETECTION_SIDE = 320  # one size: insightface's default would look twice
DETECTION_THRESHOLD = 0.5
CROP_SIDE = 112
CUDA, CPU = "CUDAExecutionProvider", "CPUExecutionProvider"

WAITING = Gauge("citybrain_faces_waiting", "Pictures that wait for the models")
STAGE = Histogram(
    "citybrain_faces_stage_seconds", "Time a batch spends in a stage", ["stage"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5),
)  # fmt: skip
BATCH = Histogram(
    "citybrain_faces_batch_size", "Pictures taken together", buckets=(1, 2, 4, 8, 16, 32, 64)
)


class GpuAbsent(CitybrainError):
    """CUDA was asked for and this process cannot use it."""

    code = "gpu-absent"


class FacesBusy(Unavailable):
    """Too many pictures wait already; this one was not taken."""

    code = "faces-busy"


class FacesLate(Unavailable):
    """The picture waited longer than its deadline."""

    code = "faces-late"


class EngineFailed(Unavailable):
    """The models failed on this picture."""

    code = "faces-engine-failed"


@dataclass(frozen=True, slots=True)
class Analysis:
    """The one face of a picture."""

    embedding: Embedding
    landmarks: Landmarks
    quality: Quality
    difference_hash: int


class Models:
    """A pack's detector and recogniser, loaded by insightface; safe to use from many threads."""

    def __init__(self, pack: Pack, provider: Provider = "auto", threads: int = 1) -> None:
        import cv2
        import onnxruntime
        from insightface.app import FaceAnalysis  # a second of imports that few processes need
        from insightface.utils.face_align import norm_crop

        warnings.filterwarnings("ignore", category=FutureWarning, module="insightface")
        self.pack = pack
        self._align = norm_crop
        wanted = _providers(provider)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        cv2.setNumThreads(1)
        with redirect_stdout(StringIO()):  # insightface prints what it finds
            self._app: Any = FaceAnalysis(
                name=str(pack.folder),
                allowed_modules=["detection", "recognition"],
                providers=wanted,
                sess_options=options,
                static_shape_sessions=False,
            )
            self._app.prepare(
                ctx_id=0 if wanted[0] == CUDA else -1,
                det_thresh=DETECTION_THRESHOLD,
                det_size=(DETECTION_SIDE, DETECTION_SIDE),
            )
        self._detector = self._app.models["detection"]
        self._recogniser = self._app.models["recognition"]
        self.provider = self._provider_in_use()
        if provider == "cuda" and self.provider != CUDA:
            raise GpuAbsent("CUDA was asked for, but the models were loaded on the CPU")

    def _provider_in_use(self) -> str:
        """What the sessions really run on: onnxruntime falls back without an error."""
        used = {model.session.get_providers()[0] for model in (self._detector, self._recogniser)}
        return CUDA if used == {CUDA} else CPU

    @property
    def runtime(self) -> dict[str, str]:
        """What an embedding depends on beside the pack, for an event."""
        import onnxruntime

        return {
            "onnxruntime": onnxruntime.__version__,
            "provider": self.provider.removesuffix("ExecutionProvider").lower(),
            "machine": platform.machine(),
        }

    def analyse(self, images: Sequence[Pixels]) -> list[Analysis | Exception]:
        """The one face of each picture, or why there is none (`NoFace`, `SeveralFaces`).

        Faces are found picture by picture and embedded in one run of the recogniser.
        """
        found: list[tuple[Pixels, Landmarks, float] | Exception] = []
        with STAGE.labels("detect").time():
            found.extend(self._only_face(image) for image in images)
        crops = [item[0] for item in found if not isinstance(item, Exception)]
        with STAGE.labels("embed").time():
            embeddings = iter(self.embed(crops) if crops else ())
        answers: list[Analysis | Exception] = []
        for image, item in zip(images, found, strict=True):
            if isinstance(item, Exception):
                answers.append(item)
                continue
            crop, landmarks, score = item
            answers.append(
                Analysis(
                    embedding=next(embeddings),
                    landmarks=landmarks,
                    quality=measure(crop, landmarks, score),
                    difference_hash=difference_hash(image),
                )
            )
        return answers

    def detect(self, image: Pixels) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Boxes (n x 5: left, top, right, bottom, score) and landmarks (n x 5 x 2), in pixels."""
        boxes, landmarks = self._detector.detect(image)
        return boxes, landmarks

    def _only_face(self, image: Pixels) -> tuple[Pixels, Landmarks, float] | Exception:
        try:
            boxes, landmarks = self.detect(image)
            if len(boxes) == 0:
                return NoFace("no face was found in the picture")
            if len(boxes) > 1:
                return SeveralFaces("several faces are in the picture", faces=len(boxes))
            points = np.asarray(landmarks[0], dtype=np.float32)
            return self._align(image, points, CROP_SIDE), points, float(boxes[0, 4])
        except Exception:  # one picture must not spoil the others of its batch
            log.exception("face_detection_failed", shape=image.shape)
            return EngineFailed("the models failed on this picture")

    def embed(self, crops: Sequence[Pixels]) -> NDArray[np.float32]:
        """Unit embeddings, n x dimension, of aligned 112 x 112 BGR crops."""
        raw = np.asarray(self._recogniser.get_feat(list(crops)), dtype=np.float32)
        lengths: NDArray[np.float32] = np.linalg.norm(raw, axis=1, keepdims=True)
        return raw / lengths


def _providers(provider: Provider) -> list[str]:
    import onnxruntime

    available = onnxruntime.get_available_providers()
    if provider == "cpu" or (provider == "auto" and CUDA not in available):
        return [CPU]
    if CUDA not in available:
        raise GpuAbsent(
            "CITYBRAIN_FACES_PROVIDER is cuda, but this onnxruntime has no CUDA: install "
            "onnxruntime-gpu in its place, or use auto"
        )
    return [CUDA, CPU]


@dataclass(slots=True)
class _Waiting:
    content: bytes
    deadline: float
    outcome: "asyncio.Future[Analysis]"


class FaceEngine:
    """Analyses pictures for many callers at once. Get one from `open_engine`."""

    def __init__(
        self,
        models: Models,
        *,
        threads: int,
        queue_limit: int,
        batch_limit: int,
        batch_delay_seconds: float,
        deadline_seconds: float,
    ) -> None:
        self.models = models
        self.pack = models.pack
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(queue_limit)
        self._batch_limit = batch_limit
        self._delay = batch_delay_seconds
        self._deadline = deadline_seconds
        self.failed = False  # the models, at what they were given last
        self._seconds_each = 0.02  # a moving estimate, for Retry-After
        self._workers = threads
        self._idle = 0
        self._kept_free = 0
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="faces")

    @property
    def full(self) -> bool:
        """Whether no other picture may wait."""
        return self._queue.qsize() + self._kept_free >= self._queue.maxsize

    async def analyse(self, content: bytes) -> Analysis:
        """The one face in an encoded picture.

        Raises an `InvalidInput` that says what is wrong with the picture, `FacesBusy` when the
        queue is full, `FacesLate` past the deadline, `EngineFailed` when the models fail.
        """
        return (await self.analyse_all([content]))[0]

    async def analyse_all(self, contents: Sequence[bytes]) -> list[Analysis]:
        """Several pictures of one request, all or none; the first error counts."""
        with self.room(len(contents)):
            outcomes = [self._put(content) for content in contents]
        return await asyncio.gather(*outcomes)

    @contextmanager
    def room(self, pictures: int) -> Iterator[None]:
        """Keep places free inside the block: for `analyse_all` right behind it.

        Raises `FacesBusy` where so many pictures cannot wait.
        """
        waiting = self._queue.qsize() + self._kept_free
        if waiting + pictures > self._queue.maxsize:
            seconds = round(waiting * self._seconds_each) + 1
            raise FacesBusy("too many pictures are waiting", retry_after_seconds=seconds)
        self._kept_free += pictures
        try:
            yield
        finally:
            self._kept_free -= pictures

    def _put(self, content: bytes) -> "asyncio.Future[Analysis]":
        loop = asyncio.get_running_loop()
        waiting = _Waiting(content, loop.time() + self._deadline, loop.create_future())
        self._queue.put_nowait(waiting)
        WAITING.set(self._queue.qsize())
        return waiting.outcome

    async def run(self) -> None:
        """Take batches until cancelled; owns the model threads."""
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._workers):
                    group.create_task(self._take_batches())
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)
            while not self._queue.empty():
                _settle(self._queue.get_nowait(), _stopping())

    async def _take_batches(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            batch = await self._next_batch()
            if not batch:
                continue
            began = time.perf_counter()
            contents = [waiting.content for waiting in batch]
            try:
                answers = await loop.run_in_executor(self._threads, self._work, contents)
            except asyncio.CancelledError:
                for waiting in batch:
                    _settle(waiting, _stopping())
                raise
            except Exception:
                log.exception("face_batch_failed", pictures=len(batch))
                answers = [EngineFailed("the models failed on this picture")] * len(batch)
            each = (time.perf_counter() - began) / len(batch) / self._workers
            self._seconds_each = each
            for waiting, answer in zip(batch, answers, strict=True):
                _settle(waiting, answer)

    async def _next_batch(self) -> list[_Waiting]:
        """A fair share of who waits, up to the limit; a little patience lets a batch fill."""
        self._idle += 1
        try:
            batch = [await self._queue.get()]
            if self._queue.empty() and self._delay:
                await asyncio.sleep(self._delay)
            share = -(-(len(batch) + self._queue.qsize()) // self._idle)
        finally:
            self._idle -= 1
        while len(batch) < min(share, self._batch_limit) and not self._queue.empty():
            batch.append(self._queue.get_nowait())
        WAITING.set(self._queue.qsize())
        now = asyncio.get_running_loop().time()
        live = []
        for waiting in batch:
            if waiting.deadline < now:
                _settle(waiting, FacesLate("the picture waited too long"))
            elif not waiting.outcome.done():  # its caller is still there
                live.append(waiting)
        return live

    def _work(self, contents: Sequence[bytes]) -> list[Analysis | Exception]:
        """On a model thread: decode, then analyse what could be decoded."""
        BATCH.observe(len(contents))
        answers: list[Analysis | Exception] = []
        images: list[Pixels] = []
        with STAGE.labels("decode").time():
            for content in contents:
                try:
                    images.append(decode(content))
                    answers.append(EngineFailed("not analysed"))
                except CitybrainError as error:
                    answers.append(error)
        try:
            analysed = iter(self.models.analyse(images))
        except Exception:
            log.exception("face_models_failed", pictures=len(images))
            self.failed = True
            return answers
        self.failed = self.failed and not images
        return [
            next(analysed) if isinstance(answer, EngineFailed) else answer for answer in answers
        ]


def _stopping() -> FacesBusy:
    return FacesBusy("the server is stopping")


def _settle(waiting: _Waiting, answer: Analysis | Exception) -> None:
    if waiting.outcome.done():
        return
    if isinstance(answer, Exception):
        waiting.outcome.set_exception(answer)
    else:
        waiting.outcome.set_result(answer)


def _threads_for(models: Models) -> int:
    """One for a GPU, which works on one batch at a time; else one for each core."""
    return 1 if models.provider == CUDA else os.cpu_count() or 1


def _delay_for(models: Models, settings: Settings) -> float:
    """A CPU takes as long for each picture of a batch as for one: nothing is gained by waiting."""
    if settings.faces_batch_delay_seconds is not None:
        return settings.faces_batch_delay_seconds
    return 0.003 if models.provider == CUDA else 0.0


@asynccontextmanager
async def open_engine(settings: Settings, pack: Pack) -> AsyncIterator[FaceEngine]:
    """Load the models of `pack` and run the engine; raises `GpuAbsent`."""
    models = await asyncio.to_thread(Models, pack, settings.faces_provider)
    engine = FaceEngine(
        models,
        threads=settings.faces_threads or _threads_for(models),
        queue_limit=settings.faces_queue_limit,
        batch_limit=settings.faces_batch_limit,
        batch_delay_seconds=_delay_for(models, settings),
        deadline_seconds=settings.faces_deadline_seconds,
    )
    task = asyncio.create_task(engine.run())
    try:
        yield engine
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
