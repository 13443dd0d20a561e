"""A certificate as a page to print, in Chinese and English: no script, nothing from elsewhere."""

import base64
import hashlib
from html import escape
from typing import Any

import orjson

from citybrain.domain.applications.certificate_events import Certificate

STYLE = """
:root { font: 16px/1.6 system-ui, sans-serif; }
main { max-width: 42rem; margin: 2rem auto; padding: 0 1rem; }
h1 { text-align: center; font-size: 1.5rem; } h1 small { display: block; font-size: 1rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border: 1px solid #888; padding: .5rem .75rem; text-align: left; vertical-align: top; }
th { width: 38%; font-weight: normal; }
.signed { font: .65rem/1.3 monospace; overflow-wrap: anywhere; }
"""
_STYLE_DIGEST = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Cache-Control": "private, no-store",
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_DIGEST}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
}
OUTCOMES = {"approved": "批准 / approved", "paid": "批准并已支付 / approved and paid"}


def certificate_page(certificate: Certificate, signed: str) -> str:
    """The page. What was signed stands at its foot, so that paper can be checked as well."""
    claims = claims_of(signed)
    rows = "".join(f"<tr><th>{escape(label)}<td>{escape(value)}" for label, value in _rows(claims))
    check = f"/v1/certificates/{certificate['certificate_id']}"
    return (
        "<!doctype html><html lang=zh-Hans><meta charset=utf-8>"
        f"<title>证明 / Certificate</title><style>{STYLE}</style><main>"
        "<h1>政务服务办理结果证明<small>Certificate of a result</small></h1>"
        f"<table>{rows}</table>"
        f"<p>核验 / to check: <code>GET {escape(check)}</code>, "
        "<code>GET /v1/certificates/keys</code></p>"
        f"<p class=signed>{escape(signed)}</p></main></html>"
    )


def claims_of(signed: str) -> dict[str, Any]:
    """What a certificate of ours says; its signature is checked by whoever is shown it."""
    payload = signed.split(".")[1]
    claims: dict[str, Any] = orjson.loads(
        base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4))
    )
    return claims


def _rows(claims: dict[str, Any]) -> list[tuple[str, str]]:
    holder, service = claims["holder"], claims["service"]
    rows = [
        ("证明编号 / Certificate", claims["jti"]),
        ("姓名 / Name", holder["name"]),
        ("证件号码 / Document number", holder["id_number"]),
        ("事项 / Service", f"{service['name']} / {service['name_en']}"),
        ("办理部门 / Department", claims["department"]),
        ("结果 / Result", OUTCOMES.get(claims["outcome"], claims["outcome"])),
        ("决定日期 / Decided on", claims["decided_on"] or ""),
    ]
    if claims["amount_fen"] is not None:
        yuan, fen = divmod(claims["amount_fen"], 100)
        rows.append(("金额 / Amount", f"{yuan:,}.{fen:02} 元 / yuan"))
    if claims["simulated"]:
        rows.append(("说明 / Note", "模拟数据 / simulated: of a made-up person"))
    return rows
