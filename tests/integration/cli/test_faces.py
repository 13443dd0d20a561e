"""`citybrain faces`: what decides, why it decided, and packs of an operator's own."""

import json
from pathlib import Path

import aiohttp
import pytest

from citybrain.app import open_runtime
from citybrain.eventstore import open_event_store
from citybrain.faces.pack import DEVELOPMENT_PACK
from citybrain.http.server import serving
from citybrain.settings import Settings
from tests.given.api import Api
from tests.given.citizens import registered, saved
from tests.given.faces import enrolled, verify
from tests.given.people import ANNA, BORIS, jpeg
from tests.given.terminal import Terminal


async def test_info_names_models_runtime_and_threshold(terminal: Terminal) -> None:
    told = await terminal.run("faces", "info")
    assert told.status == 0, told.err
    for expected in ("citybrain_dev", "onnxruntime", "decision_threshold", "impostor_pairs"):
        assert expected in told.out
    facts = (await terminal.run("faces", "info", "--json")).json
    assert facts["development"] is True
    assert facts["provider"] == "cpu"
    assert facts["decision_false_match_rate"] == 1e-4


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"CITYBRAIN_FACES_PROVIDER": "cuda"}, "gpu-absent"),
        ({"CITYBRAIN_FACES_PACK": "/nowhere"}, "face-pack-missing"),
        ({"CITYBRAIN_FACES_FALSE_MATCH_RATE": "1e-9"}, "rate-not-calibrated"),
    ],
)
async def test_what_is_wrong_is_said_in_one_line(
    terminal: Terminal, changed: dict[str, str], code: str
) -> None:
    told = await terminal.run("faces", "info", **changed)
    assert told.status == 1
    assert code in told.err
    assert "Traceback" not in told.err


async def reads_of(settings: Settings, citizen: str) -> list[tuple[str, str, str]]:
    """What the command line read of a citizen, for what, by which command."""
    async with open_event_store(settings) as store:
        found = await store.read_all(0, topics=("access.recorded",))
    return [
        (event.data["what"], event.data["purpose"], event.data["through"])
        for event in found
        if event.data["about"] == [citizen] and event.data["who"].startswith("cli:")
    ]


async def test_replaying_a_person_is_on_the_record(settings: Settings, terminal: Terminal) -> None:
    async with open_event_store(settings) as store:
        citizen = registered()
        await saved(store, citizen)
    told = await terminal.run("replay", citizen.id, "--purpose", "support")
    assert told.status == 0, told.err
    assert await reads_of(settings, citizen.id) == [("events", "support", "citybrain replay")]


async def test_explain_recomputes_a_decision(settings: Settings, terminal: Terminal) -> None:
    settings.http_port = 0
    async with (
        open_runtime(settings) as runtime,
        serving(runtime) as url,
        aiohttp.ClientSession() as session,
    ):
        api = Api(url, runtime, session)
        citizen = await enrolled(api, ANNA)
        await verify(api, citizen, ANNA)
        await verify(api, citizen, BORIS)

    right = await terminal.run("faces", "explain", f"{citizen}@4")
    assert right.status == 0, right.err
    assert "matched for housing-fund-repayment" in " ".join(right.out.split())
    assert "the decision is the same" in right.out
    wrong = (await terminal.run("faces", "explain", f"{citizen}@5", "--json")).json
    assert (wrong["same"], wrong["recomputed_matched"], wrong["difference"]) == (True, False, 0.0)

    reads = await reads_of(settings, citizen)
    assert reads == [("face-decision", "audit", "citybrain faces explain")] * 2

    enrolment = await terminal.run("faces", "explain", f"{citizen}@3")
    assert (enrolment.status, "not-a-face-decision" in enrolment.err) == (1, True)
    nonsense = await terminal.run("faces", "explain", "what")
    assert (nonsense.status, "invalid-input" in nonsense.err) == (1, True)


async def test_an_operators_models_become_a_calibrated_pack(
    terminal: Terminal, tmp_path: Path
) -> None:
    pack, pictures = tmp_path / "pack", tmp_path / "pictures"
    imported = await terminal.run(
        "faces",
        "pack",
        "import",
        str(pack),
        "--id",
        "ours-1",
        "--detector",
        str(DEVELOPMENT_PACK / "det_dev.onnx"),
        "--recogniser",
        str(DEVELOPMENT_PACK / "rec_dev.onnx"),
        "--licence",
        str(DEVELOPMENT_PACK / "MODEL.LICENSE"),
    )
    assert imported.status == 0, imported.err
    unchecked = await terminal.run("faces", "pack", "check", str(pack))
    assert (unchecked.status, "calibration-missing" in unchecked.err) == (1, True)

    for person in range(24):
        folder = pictures / f"person-{person}"
        folder.mkdir(parents=True)
        for shot in range(2):
            (folder / f"{shot}.jpg").write_bytes(jpeg(9_200_000 + person, shot=shot))
    (pictures / "person-0" / "broken.jpg").write_bytes(b"not a picture")
    calibrated = await terminal.run("faces", "pack", "calibrate", str(pack), str(pictures))
    assert calibrated.status == 0, calibrated.err
    assert "of 49 pictures used" in calibrated.out

    checked = await terminal.run("faces", "pack", "check", str(pack), "--json")
    assert checked.json["calibration"]["pack_id"] == "ours-1"
    assert checked.json["calibration"]["impostor_pairs"] > 1000
    rates = [point["false_match_rate"] for point in checked.json["calibration"]["points"]]
    assert rates == [0.01]
    used = await terminal.run(
        "faces",
        "info",
        "--json",
        CITYBRAIN_FACES_PACK=str(pack),
        CITYBRAIN_FACES_FALSE_MATCH_RATE="0.01",
    )
    assert used.json["pack"] == "ours-1"

    manifest = json.loads((pack / "manifest.json").read_text())
    manifest["tasks"]["recognition"]["sha256"] = "0" * 64
    (pack / "manifest.json").write_text(json.dumps(manifest))
    tampered = await terminal.run("faces", "pack", "check", str(pack))
    assert (tampered.status, "face-pack-tampered" in tampered.err) == (1, True)
