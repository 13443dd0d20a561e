"""Our pages as clients of an issuer: one public client, and where each page is sent back to.

`/PAGE/signed-in` takes the code, `/PAGE/signed-out` is where signing out ends: both are registered
with the issuer, for each page.
"""

from typing import Final
from urllib.parse import urlsplit

from citybrain.http.clients import CLIENTS
from citybrain.http.connections import HEADERS
from citybrain.settings import Settings

POLICY_HEADER: Final = "Content-Security-Policy"

PAGES: Final = tuple(CLIENTS)
CLIENT_ID: Final = "citybrain-pages"
"""In development, where none is set."""


def client_id_of(settings: Settings) -> str:
    """What our pages call themselves at the development issuer."""
    return settings.oidc_client_id or CLIENT_ID


def issuer_origins(settings: Settings) -> list[str]:
    """Where else than here our pages may send requests: nowhere, unless the issuer is another."""
    if not (settings.oidc_issuer and settings.oidc_client_id):
        return []
    named = [settings.oidc_issuer, *settings.oidc_origins]
    return list(dict.fromkeys(origin_of(each) for each in named))


def policy_of(settings: Settings) -> str:
    """The Content-Security-Policy: nothing from elsewhere, and no request to elsewhere, but to an
    issuer that is not ours."""
    policy, origins = HEADERS[POLICY_HEADER], issuer_origins(settings)
    return f"{policy}; connect-src 'self' {' '.join(origins)}" if origins else policy


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
