"""What `/readyz` says of faces: which models decide, and whether they answer."""

import pytest

from citybrain.faces.engine import Analysis
from citybrain.faces.pack import load_pack
from tests.given.api import Api
from tests.given.people import ANNA, in_base64, jpeg


@pytest.fixture
def with_faces() -> bool:
    return True


async def test_readiness_names_what_decides(api: Api) -> None:
    ready = (await api.call("GET", "/readyz")).json
    pack = load_pack(None, production=False)
    assert ready["faces"]["pack"] == "citybrain_dev"
    assert ready["faces"]["template_version"] == pack.template_version
    assert ready["faces"]["provider"] == "cpu"


async def test_readiness_says_where_no_face_is_looked_at(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And stays: whoever brings none is served."""
    faces = api.runtime.services.faces
    assert faces is not None

    async def looked_at() -> str:
        frame = {"frame": in_base64(jpeg(ANNA))}
        answer = await api.call("POST", "/v1/faces/identification", "kiosk", json=frame)
        if answer.status == 503:
            assert int(answer.headers["Retry-After"]) >= 1
        return str(answer.json.get("code", answer.status))

    async def said() -> tuple[int, bool]:
        ready = await api.call("GET", "/readyz")
        return ready.status, ready.json["checks"]["faces"]

    def broken(_: object) -> list[Analysis]:
        raise RuntimeError("no GPU any more")

    assert (await looked_at(), await said()) == ("200", (200, True))
    with monkeypatch.context() as patch:
        patch.setattr(faces.engine, "_kept_free", faces.engine._queue.maxsize)
        assert (await looked_at(), await said()) == ("faces-busy", (200, False))
    with monkeypatch.context() as patch:
        patch.setattr(faces.enrolled, "_loaded", False)
        async with faces.enrolled._searching:
            assert (await looked_at(), await said()) == ("face-gallery-loading", (200, False))
    with monkeypatch.context() as patch:
        patch.setattr(faces.engine.models, "analyse", broken)
        assert (await looked_at(), await said()) == ("faces-engine-failed", (200, False))
    assert (await looked_at(), await said()) == ("200", (200, True))
