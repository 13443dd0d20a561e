"""An answer counts only if the department signed it, to this very request, now."""

import time
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from citybrain.exchange.departments import (
    EvidenceRequest,
    SourceAnswerInvalid,
    SourceAnswerMismatch,
    SourceSignatureWrong,
    verified,
)
from citybrain.exchange.directory import Directory, DirectoryInvalid, load_directory, read_directory
from citybrain.exchange.signing import (
    EVIDENCE,
    ExchangeKeyMissing,
    Signer,
    Verifier,
    make_key_once,
    open_signer,
    read_signer,
)
from citybrain.payments.receipts import RECEIPT
from citybrain.settings import Settings

REQUEST = EvidenceRequest(
    request_id=UUID(int=1),
    application_id="application-1",
    department="police",
    record="identity",
    id_number="410102199501010000",
    form={},
    user_id="system",
)


def signer(folder: Path, name: str = "police") -> Signer:
    make_key_once(folder / f"{name}.pem")
    return read_signer(folder / f"{name}.pem", f"{name}-1")


def claims(seconds_ago: int = 0, **changed: Any) -> dict[str, Any]:
    return {
        "iss": "police",
        "jti": str(REQUEST.request_id),
        "sub": REQUEST.id_number,
        "rec": "identity",
        "iat": int(time.time()) - seconds_ago,
        "record": {"born": "1995-01-01"},
    } | changed


def test_a_signed_answer_to_the_request_is_taken(tmp_path: Path) -> None:
    police = signer(tmp_path)
    answer = verified(REQUEST, police.sign(claims(), EVIDENCE), Verifier([police.public_key]))
    assert answer.record == {"born": "1995-01-01"}
    assert answer.key_id == "police-1"


@pytest.mark.parametrize(
    "changed",
    [
        {"iss": "tax"},
        {"jti": str(UUID(int=9))},
        {"sub": "410102199501010001"},
        {"rec": "residence"},
        {"seconds_ago": 3600},
        {"seconds_ago": -3600},
    ],
)
def test_an_answer_to_anything_else_is_not(tmp_path: Path, changed: dict[str, Any]) -> None:
    police = signer(tmp_path)
    signed = police.sign(claims(**changed), EVIDENCE)
    with pytest.raises(SourceAnswerMismatch) as refused:
        verified(REQUEST, signed, Verifier([police.public_key]))
    assert REQUEST.id_number not in str(refused.value)


@pytest.mark.parametrize("changed", [{"record": "text"}, {"iat": "now"}, {"iat": 1e300}])
def test_an_answer_of_another_form_is_not(tmp_path: Path, changed: dict[str, Any]) -> None:
    police = signer(tmp_path)
    signed = police.sign(claims(**changed), EVIDENCE)
    with pytest.raises(SourceAnswerInvalid):
        verified(REQUEST, signed, Verifier([police.public_key]))


def test_who_signs_and_as_what_is_checked(tmp_path: Path) -> None:
    police, stranger = signer(tmp_path), signer(tmp_path, "stranger")
    verifier = Verifier([police.public_key])
    as_police = Signer(stranger._key, "police-1")
    good = police.sign(claims(), EVIDENCE)
    head, payload, signature = good.split(".")
    for signed in (
        stranger.sign(claims(), EVIDENCE),
        as_police.sign(claims(), EVIDENCE),
        police.sign(claims(), RECEIPT),
        f"{head}.{payload}.",
        f"{head}.{signature}.{payload}",
        "",
        "x",
        "a.b.c",
        f"{good}x",
    ):
        with pytest.raises(SourceSignatureWrong):
            verified(REQUEST, signed, verifier)


def test_a_request_names_nobody_in_its_path_or_headers() -> None:
    seen = REQUEST.path + str(REQUEST.headers("CN/GOV/410100/citybrain"))
    assert REQUEST.id_number not in seen
    assert REQUEST.headers("c")["X-Road-Issue"] == "application-1"


def test_without_a_directory_nobody_is_asked(tmp_path: Path) -> None:
    assert load_directory(Settings(mode="production", data_dir=tmp_path)) == Directory()
    (tmp_path / "exchange.json").write_bytes(b"{}")
    assert load_directory(Settings(mode="development", data_dir=tmp_path)) == Directory()


@pytest.mark.parametrize("content", [b"", b"[]", b'{"bank": {"code": "bank", "url": "ftp://x"}}'])
def test_a_directory_that_is_none_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "directory.json"
    path.write_bytes(content)
    with pytest.raises(DirectoryInvalid):
        read_directory(path)
    with pytest.raises(DirectoryInvalid):
        read_directory(tmp_path / "absent.json")


@pytest.mark.parametrize(
    "changed", [{"kid": None}, {"x": None}, {"x": "AQ"}, {"crv": "Ed448"}, {"kty": "RSA"}]
)
def test_a_key_that_cannot_be_used_is_told_at_start(
    tmp_path: Path, changed: dict[str, str | None]
) -> None:
    key = {k: v for k, v in (signer(tmp_path).public_key | changed).items() if v is not None}
    member = {"code": "police", "url": "http://police.test", "public_keys": [key]}
    path = tmp_path / "directory.json"
    path.write_bytes(orjson.dumps({"departments": [member]}))
    with pytest.raises(DirectoryInvalid, match="public_keys"):
        read_directory(path)


def test_production_signs_with_a_key_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ExchangeKeyMissing, match="CITYBRAIN_EXCHANGE_KEY_FILE"):
        open_signer(Settings(mode="production", data_dir=tmp_path))
    (tmp_path / "key.pem").write_text("no key")
    with pytest.raises(ExchangeKeyMissing):
        open_signer(Settings(mode="production", exchange_key_file=tmp_path / "key.pem"))
    development = Settings(mode="development", data_dir=tmp_path)
    assert open_signer(development).public_key == open_signer(development).public_key
    assert orjson.dumps(open_signer(development).public_key).find(b'"d"') == -1
