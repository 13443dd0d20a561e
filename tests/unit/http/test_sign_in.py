"""What an issuer says of itself: asked once, kept, and refused where pages could not use it."""

import json
from typing import Any

import pytest

from citybrain.domain.actor import Role
from citybrain.http.issuer_keys import AWAY_SECONDS
from citybrain.http.platform import sign_in
from citybrain.http.platform.sign_in import (
    IssuerMetadata,
    IssuerNotAnswering,
    SignInNotConfigured,
    endpoints_of,
)
from citybrain.http.tokens import LONGEST_LIFE_SECONDS
from citybrain.http.web_clients import PAGES, issuer_origins, policy_of
from citybrain.settings import Settings
from tests.given.documents import CHECKOUT

ISSUER = "https://id.example/realms/city"
SETTINGS = Settings(
    mode="production",
    oidc_issuer=ISSUER,
    oidc_jwks_url="https://id.example/jwks",
    oidc_client_id="pages",
)
SAID: dict[str, Any] = {
    "issuer": ISSUER,
    "authorization_endpoint": "https://login.example/authorize",
    "token_endpoint": "https://id.example/token",
    "end_session_endpoint": "https://login.example/logout",
    "code_challenge_methods_supported": ["plain", "S256"],
    "jwks_uri": "https://id.example/jwks",
}


class Issuer:
    """An issuer that can be away."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.said: Any = SAID
        self.away = False
        self.metadata = IssuerMetadata(SETTINGS, self._fetch)

    async def _fetch(self, url: str) -> Any:
        self.asked.append(url)
        if self.away:
            raise TimeoutError
        return self.said

    def time_passes(self, seconds: float) -> None:
        self.metadata._again_at -= seconds


async def test_an_issuer_is_asked_once_and_what_it_said_stays_while_it_is_away() -> None:
    issuer = Issuer()
    for _ in range(2):
        found = await issuer.metadata.endpoints()
    assert found.token_endpoint == SAID["token_endpoint"]
    assert found.revocation_endpoint is None
    assert issuer.asked == [f"{ISSUER}/.well-known/openid-configuration"]
    issuer.away = True
    issuer.time_passes(sign_in.FRESH_SECONDS)
    assert await issuer.metadata.endpoints() == found
    assert len(issuer.asked) == 2


async def test_an_issuer_that_never_answered_is_asked_again_soon() -> None:
    issuer = Issuer()
    issuer.away = True
    for _ in range(2):
        with pytest.raises(IssuerNotAnswering):
            await issuer.metadata.endpoints()
    assert len(issuer.asked) == 1
    issuer.away = False
    issuer.time_passes(AWAY_SECONDS)
    assert (await issuer.metadata.endpoints()).issuer == ISSUER


@pytest.mark.parametrize(
    "wrong",
    [
        {"issuer": "https://id.example"},
        {"token_endpoint": None},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"token_endpoint": "https://tokens.example/token"},
        {"revocation_endpoint": "https://tokens.example/revoke"},
        {"code_challenge_methods_supported": ["plain"]},
    ],
)
async def test_what_pages_could_not_use_is_refused_here(wrong: dict[str, Any]) -> None:
    issuer = Issuer()
    issuer.said = SAID | wrong
    with pytest.raises(IssuerNotAnswering):
        await issuer.metadata.endpoints()


def test_an_endpoint_of_another_origin_is_for_the_settings_to_name() -> None:
    elsewhere = SAID | {"token_endpoint": "https://tokens.example:8443/token"}
    more = SETTINGS.model_copy(update={"oidc_origins": ["https://tokens.example:8443/"]})
    found = endpoints_of(elsewhere, ISSUER, issuer_origins(more))
    assert found.token_endpoint == elsewhere["token_endpoint"]
    allowed = policy_of(more).rpartition("; ")[2]
    assert allowed == "connect-src 'self' https://id.example https://tokens.example:8443"


async def test_without_a_client_nobody_signs_in_and_no_other_host_is_asked() -> None:
    without = SETTINGS.model_copy(update={"oidc_client_id": None})
    with pytest.raises(SignInNotConfigured):
        await IssuerMetadata(without).endpoints()
    assert "connect-src" not in policy_of(without)
    assert "connect-src" not in policy_of(Settings(mode="development"))


def test_the_realm_of_the_documentation_has_each_page_and_gives_what_tokens_need() -> None:
    realm = json.loads((CHECKOUT / "docs" / "keycloak-realm.json").read_text(encoding="utf-8"))
    (client,) = realm["clients"]
    city = "https://city.example"
    left = client["attributes"]["post.logout.redirect.uris"].split("##")
    for named, where in ((client["redirectUris"], "signed-in"), (left, "signed-out")):
        assert sorted(named) == sorted(f"{city}/{page}/{where}" for page in PAGES)
    assert client["webOrigins"] == [city]
    assert {role["name"] for role in realm["roles"]["realm"]} <= {role.value for role in Role}
    claims = {each["config"].get("claim.name") for each in client["protocolMappers"]}
    assert {"roles", "department", "counter", "sub", "client_id"} <= claims
    assert realm["accessTokenLifespan"] <= LONGEST_LIFE_SECONDS
