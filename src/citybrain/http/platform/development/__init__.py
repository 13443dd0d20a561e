"""A small OpenID Connect provider, for trying things out: it lets one choose a made-up person.

Authorisation-code flow with PKCE (OpenID Connect Core 1.0, RFC 6749, 7636, 9207 and 9700),
rotating refresh tokens, revocation (RFC 7009) and end of session (RP-Initiated Logout 1.0). It
exists beside a development issuer only and answers who calls by address or localhost. What it knows
is in the memory of one process: after a restart everybody signs in again.
"""
