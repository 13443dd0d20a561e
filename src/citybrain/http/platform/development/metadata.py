"""What the provider says of itself (OpenID Connect Discovery 1.0, 3; RFC 8414; RFC 9207).

It is called as the client calls us. Access tokens are issued by a name that stays
(`DevelopmentIssuer.issuer`), so that they are good at every address and process.
"""

from typing import Any, Final

BASE: Final = "/dev/oauth"


def metadata(ours: str) -> dict[str, Any]:
    """The metadata; `ours` is the URL that we are called by."""
    return {
        "issuer": ours,
        "authorization_endpoint": f"{ours}{BASE}/authorize",
        "token_endpoint": f"{ours}{BASE}/token",
        "revocation_endpoint": f"{ours}{BASE}/revoke",
        "end_session_endpoint": f"{ours}{BASE}/end-session",
        "jwks_uri": f"{ours}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["ES256"],
        "token_endpoint_auth_methods_supported": ["none"],
        "revocation_endpoint_auth_methods_supported": ["none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "scopes_supported": ["openid"],
        "ui_locales_supported": ["zh-Hans", "en"],
    }
