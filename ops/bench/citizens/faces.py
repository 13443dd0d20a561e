"""`citybrain bench faces`: verifications beside the bare models, searches beside memory.

A verification is three pictures: decoded, analysed, judged, compared, sealed and appended. The
bare models get decoded pictures in the batches and threads that suit them best. A search is
one probe among a million templates; its limit is reading the same bytes once.
"""

import asyncio
import base64
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from citybrain.app import open_services
from citybrain.definitions.citizens.agreements import FACE_RECOGNITION, Agreements
from citybrain.domain.actor import Actor, Role
from citybrain.domain.citizens.citizen import Citizen
from citybrain.faces.engine import FaceEngine, Models
from citybrain.faces.gallery import Gallery
from citybrain.faces.images import Pixels, decode
from citybrain.faces.importing import import_pack
from citybrain.faces.pack import DEVELOPMENT_PACK, load_pack
from commands.citizens.citizen import (
    GiveFaceConsent,
    RegisterCitizen,
    ResolveDuplicate,
    give_face_consent,
    register_citizen,
    resolve_duplicate,
)
from commands.citizens.face import (
    EnrolFace,
    IssueChallenge,
    VerifyFace,
    enrol_face,
    issue_challenge,
    verify_face,
)
from commands.handling import CommandContext
from commands.services import Services
from ops.bench.citizens.resnet import write_resnet50
from ops.bench.figures import Sample, percentile, sample
from ops.bench.lines import AtLeast, AtMost, Line
from ops.bench.meter import Meter
from ops.bench.rounds import Contender
from ops.bench.tally import Tally
from ops.bench.workbench import BenchFailed, Workbench
from ops.devfaces.kiosk import YAWS, take
from ops.simulators.applications.identity_numbers import identity_number

BENCH = "faces"
_numbers = count(1)
VERIFICATIONS, PICTURES, SEARCHES = "verifications/s", "pictures/s", "searches/s"
FRAMES = 3
PERSON = 9_000_000
ASKED = (("neutral", 0), *((turn, place) for turn in ("left", "right") for place in (1, 2)))
TEMPLATES, DIMENSION = 1_000_000, 512
PROBES = 32
MATE_COSINE = 0.45  # a poor picture of the right person
HEARTBEAT_SECONDS = 0.005
LARGE_SECONDS = 12.0  # a picture takes a while
CLERK = Actor("clerk-1", frozenset({Role.CLERK}), counter="counter-1")
SUPERVISOR = Actor("supervisor-1", frozenset({Role.SUPERVISOR}))
FORGET_PICTURES = "DELETE FROM face_samples_seen WHERE person_id = $1"


@cache
def _picture(person: int, turn: str, place: int) -> bytes:
    """A JPEG of a made-up person, for one place in a challenge."""
    return take(PERSON + person, turn, place)


ModelsOf = Callable[[Workbench], Sequence[Models]]
"""A thread for each batch, and all threads for one batch."""


def _draw_all(people: int) -> None:
    """Draw every picture that a challenge may ask for, before anything is measured."""
    for person in range(people):
        for turn, place in ASKED:
            _encoded(person, turn, place)


@cache
def _decoded() -> list[Pixels]:
    return [decode(_picture(person, turn, 1)) for person in range(8) for turn in YAWS]


# --- verifications ------------------------------------------------------------------------


def verifying(clients: int) -> Contender:
    """The contender: challenge and verification, as the HTTP edge calls them."""

    async def contender(bench: Workbench) -> Sample:
        async with _services(bench) as services:
            _draw_all(clients)
            people = [await _enrolled(services, number) for number in range(clients)]
            tally = Tally(bench.seconds)

            async def client(number: int) -> None:
                while tally.running():
                    began = time.perf_counter()
                    await _verify(services, people[number], number)
                    tally.note(began, 1)

            with _heartbeat() as late, Meter(bench) as meter:
                await asyncio.gather(*(client(number) for number in range(clients)))
            found = replace(tally.sample(), loop_p99_ms=percentile(sorted(late), 99) * 1e3)
            return meter.of(found, tally.acknowledged)

    return contender


@asynccontextmanager
async def _services(bench: Workbench) -> AsyncIterator[Services]:
    async with bench.database() as url:
        settings = bench.settings(url)
        settings.mode, settings.data_dir = "development", bench.folder / "faces"
        settings.faces_queue_limit, settings.faces_deadline_seconds = 512, 60.0
        async with open_services(settings, faces=True) as services:
            yield services


async def _enrolled(services: Services, person: int) -> str:
    registered = await register_citizen(
        RegisterCitizen(
            name="bench",
            id_number=identity_number(date(1990, 5, 1), next(_numbers)),
            birth_date=date(1990, 5, 1),
            phone=None,
            simulated=True,
        ),
        _context(CLERK),
        services,
    )
    citizen = registered.stream_id
    own = _context(Actor(citizen, frozenset({Role.CITIZEN})))
    consent = GiveFaceConsent(notice_sha256=_notice(services), guardian=None)
    await give_face_consent(citizen, consent, own, services)
    answer = await _answer(services, citizen, person, "enrol", own)
    await enrol_face(citizen, EnrolFace.model_validate(answer), own, services)
    await services.store.pool.execute(FORGET_PICTURES, citizen)
    for other in (await services.store.load(Citizen, citizen)).duplicates:  # two who look alike
        found = ResolveDuplicate(other=other, verdict="different-people")
        await resolve_duplicate(citizen, found, _context(SUPERVISOR), services)
    return citizen


async def _verify(services: Services, citizen: str, person: int) -> None:
    kiosk = _context(Actor(f"kiosk-{uuid4()}", frozenset({Role.KIOSK})))  # with its own limit
    answer = await _answer(services, citizen, person, "housing-fund-repayment", kiosk)
    command = VerifyFace.model_validate(answer | {"purpose": "housing-fund-repayment"})
    # The pictures are always the same, so the memory of those seen is emptied between two.
    await services.store.pool.execute(FORGET_PICTURES, citizen)
    result = await verify_face(citizen, command, kiosk, services)
    if not result.answer["matched"]:
        raise BenchFailed("somebody was not matched with their own template")


def _notice(services: Services) -> str:
    """The digest of the text that is shown today."""
    agreements = services.definitions.of(Agreements).on(date.today())
    return next(each.sha256 for each in agreements if each.code == FACE_RECOGNITION)


async def _answer(
    services: Services, citizen: str, person: int, purpose: str, context: CommandContext
) -> dict[str, object]:
    issued = await issue_challenge(citizen, IssueChallenge(purpose=purpose), context, services)
    frames = [_encoded(person, turn, place) for place, turn in enumerate(issued["steps"])]
    return {"challenge_id": issued["challenge_id"], "nonce": issued["nonce"], "frames": frames}


@cache
def _encoded(person: int, turn: str, place: int) -> bytes:
    return base64.b64encode(_picture(person, turn, place))


def _context(actor: Actor) -> CommandContext:
    return CommandContext(actor, "bench", uuid4(), uuid4())


@contextmanager
def _heartbeat() -> Iterator[list[float]]:
    """How much later than asked the event loop wakes a sleeper, in seconds."""
    late: list[float] = []

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(HEARTBEAT_SECONDS)
            late.append(time.perf_counter() - began - HEARTBEAT_SECONDS)

    task = asyncio.get_running_loop().create_task(beat())
    try:
        yield late
    finally:
        task.cancel()


# --- the models alone ---------------------------------------------------------------------


def bare(models_of: ModelsOf, pictures_each: int) -> Contender:
    """The limit: decoded pictures, in whatever batches and threads are fastest."""

    async def contender(bench: Workbench) -> Sample:
        rates = [
            _rate(models, threads, batch, bench.seconds / 3)
            for models, threads in zip(models_of(bench), (os.cpu_count() or 1, 1), strict=True)
            for batch in (1, 8, 16)
        ]
        return Sample(max(rates) / pictures_each)

    return contender


def _rate(models: Models, threads: int, batch: int, seconds: float) -> float:
    pictures = (_decoded() * batch)[:batch]
    done = 0

    def work(until: float) -> int:
        count = 0
        while time.perf_counter() < until:
            models.analyse(pictures)
            count += batch
        return count

    models.analyse(pictures)
    with ThreadPoolExecutor(threads) as pool:
        began = time.perf_counter()
        done = sum(pool.map(work, [began + seconds] * threads))
        return done / (time.perf_counter() - began)


@cache
def _development() -> Sequence[Models]:
    pack = load_pack(None, production=False)
    return Models(pack, "cpu", 1), Models(pack, "cpu", os.cpu_count() or 1)


def analysing(models_of: ModelsOf, clients: int, seconds: float = 0.0) -> Contender:
    """The contender: pictures through the engine, which decodes them too, for many clients."""

    async def contender(bench: Workbench) -> Sample:
        engine = FaceEngine(
            models_of(bench)[0],
            threads=os.cpu_count() or 1,
            queue_limit=256,
            batch_limit=8,
            batch_delay_seconds=0.0,
            deadline_seconds=60.0,
        )
        pictures = [_picture(person, "neutral", 0) for person in range(8)]
        running = asyncio.create_task(engine.run())
        tally = Tally(max(bench.seconds, seconds))

        async def client(number: int) -> None:
            while tally.running():
                began = time.perf_counter()
                await engine.analyse(pictures[number % len(pictures)])
                tally.note(began, 1)

        try:
            with _heartbeat() as late, Meter(bench) as meter:
                await asyncio.gather(*(client(number) for number in range(clients)))
        finally:
            running.cancel()
        found = replace(tally.sample(), loop_p99_ms=percentile(sorted(late), 99) * 1e3)
        return meter.of(found, tally.acknowledged)

    return contender


# --- a recogniser of a licensed pack's size -----------------------------------------------


def _large_pack(bench: Workbench) -> Sequence[Models]:
    return _large_models(str(bench.folder))


@cache
def _large_models(folder: str) -> Sequence[Models]:
    here = Path(folder) / "large"
    weights = write_resnet50(here.with_suffix(".onnx"))
    import_pack(
        here,
        pack_id="random-r50",
        display_name="random weights",
        recogniser=weights,
        detector=DEVELOPMENT_PACK / "det_dev.onnx",
        licence=DEVELOPMENT_PACK / "MODEL.LICENSE",
    )
    pack = load_pack(here, production=False)
    return Models(pack, "cpu", 1), Models(pack, "cpu", os.cpu_count() or 1)


# --- searches -----------------------------------------------------------------------------


@cache
def _gallery() -> tuple[Gallery, NDArray[np.float32]]:
    """A million random templates, and probes of some of them."""
    random = np.random.default_rng(1)
    gallery = Gallery(DIMENSION)
    probes: list[NDArray[np.float32]] = []
    for first in range(0, TEMPLATES, 10_000):
        block = random.standard_normal((10_000, DIMENSION), np.float32)
        block /= np.linalg.norm(block, axis=1, keepdims=True)
        for number, template in enumerate(block):
            gallery.put(f"citizen-{first + number}", str(first + number), template)
        if len(probes) < PROBES:
            other = random.standard_normal(DIMENSION).astype(np.float32)
            other -= (other @ block[0]) * block[0]
            other *= np.sqrt(1 - MATE_COSINE**2) / np.linalg.norm(other)
            probes.append(MATE_COSINE * block[0] + other)
    return gallery, np.array(probes, np.float32)


def searching(*, exactly: bool) -> Contender:
    """The contender: probes one after the other; recall is against their right owner."""

    async def contender(bench: Workbench) -> Sample:
        gallery, probes = await asyncio.to_thread(_gallery)
        search = gallery.search_exactly if exactly else gallery.search
        search(probes[0], 5)
        found = 0
        latencies: list[float] = []
        opened = time.perf_counter()
        with Meter(bench) as meter:
            while time.perf_counter() - opened < bench.seconds:
                number = len(latencies) % len(probes)
                began = time.perf_counter()
                best = search(probes[number], 5)[0]
                latencies.append(time.perf_counter() - began)
                found += best.citizen_id == f"citizen-{number * 10_000}"
        measured = sample(len(latencies), time.perf_counter() - opened, latencies)
        return meter.of(replace(measured, recall=found / len(latencies)), len(latencies))

    return contender


async def reading_memory(bench: Workbench) -> Sample:
    """The limit: the templates' bytes read once, by as many threads as there are cores."""
    gallery, _ = await asyncio.to_thread(_gallery)
    words = gallery.matrix.view(np.uint64)
    threads = os.cpu_count() or 1
    parts = np.array_split(words, threads)
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(np.max, parts))
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < bench.seconds:
            list(pool.map(np.max, parts))
            count += 1
        return Sample(count / (time.perf_counter() - began))


CONTENDERS: Mapping[str, Contender] = {
    "verify_1": verifying(1),
    "verify_8": verifying(8),
    "verify_64": verifying(64),
    "bare_verifications": bare(lambda _: _development(), FRAMES),
    "analyse_1": analysing(lambda _: _development(), 1),
    "analyse_8": analysing(lambda _: _development(), 8),
    "analyse_64": analysing(lambda _: _development(), 64),
    "bare_models": bare(lambda _: _development(), 1),
    "analyse_r50_8": analysing(_large_pack, 8, LARGE_SECONDS),
    "analyse_r50_64": analysing(_large_pack, 64, LARGE_SECONDS),
    "bare_r50": bare(_large_pack, 1),
    "search_exactly": searching(exactly=True),
    "search": searching(exactly=False),
    "reading_memory": reading_memory,
}

CALM = AtMost("loop_p99_ms", 10.0)
LINES = (
    *(
        Line(name, name, limit, targets=(AtLeast(0.9, limit), CALM), unit=unit)
        for limit, unit, names in (
            ("bare_verifications", VERIFICATIONS, ("verify_1", "verify_8", "verify_64")),
            ("bare_models", PICTURES, ("analyse_1", "analyse_8", "analyse_64")),
            ("bare_r50", PICTURES, ("analyse_r50_8", "analyse_r50_64")),
        )
        for name in names
    ),
    Line(
        "search_exactly",
        "search_exactly",
        "reading_memory",
        targets=(AtLeast(0.8, "reading_memory"),),
        unit=SEARCHES,
    ),
    Line("search", "search", None, ("search_exactly",), (AtMost("p50_ms", 5.0),), unit=SEARCHES),
)
