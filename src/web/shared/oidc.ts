// Signing in at an issuer: OpenID Connect by code and PKCE (RFC 7636), as far as a page goes that way.
// Nothing here remembers: what is between leaving and coming back is `Pending`.

import type { components } from "./api.gen";
import { locale } from "./i18n";
import { noNetwork, Problem, problemIn } from "./problems";
import { send } from "./transport";

/** Where one signs in, and as which client (`GET /v1/sign-in`). */
export type Provider = components["schemas"]["SignIn"];

/** What has to be known when somebody comes back with a code. */
export interface Pending {
  provider: Provider;
  state: string;
  nonce: string;
  verifier: string;
  redirectUri: string;
  /** A path of this origin. */
  returnTo: string;
}

/** Of an ID token, what a page shows and goes by. */
export interface Claims {
  sub: string;
  roles?: readonly string[];
  department?: string;
  counter?: string;
}

export interface Tokens {
  access: string;
  /** Milliseconds since 1970. */
  endsAt: number;
  refresh: string | null;
  idToken: string;
  claims: Claims;
}

const SKEW_SECONDS = 600; // clocks of telephones are off

/** The issuer's words for why not: `invalid_grant`, `access_denied`, … (RFC 6749, 4.1.2.1 and 5.2). */
export class Refused extends Problem {
  constructor(readonly error: string) {
    super(400, "sign-in-refused", "", null, null, { error }, null);
  }
}

/** Where one signs in; throws `Problem`. */
export async function discover(): Promise<Provider> {
  const headers = { "Accept-Language": locale.value };
  const answer = await sent(new Request(`${location.origin}/v1/sign-in`, { headers }));
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw problemIn(answer, body);
  return body as Provider;
}

/** The address to send somebody to, and what to keep meanwhile. `base` is the client's: `/m`. */
export async function begin(
  base: string,
  returnTo: string,
  prompt?: "none",
): Promise<{ url: string; pending: Pending }> {
  if (!isSecureContext) throw new Problem(0, "sign-in-insecure", "", null, null, {}, null);
  const provider = await discover();
  const pending: Pending = {
    provider,
    state: random(),
    nonce: random(),
    verifier: random(),
    redirectUri: `${location.origin}${base}/signed-in`,
    returnTo,
  };
  const url = new URL(provider.authorization_endpoint);
  const asked = {
    response_type: "code",
    client_id: provider.client_id,
    redirect_uri: pending.redirectUri,
    scope: provider.scope,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: "S256",
    ui_locales: locale.value,
    ...(prompt === undefined ? {} : { prompt }),
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return { url: url.href, pending };
}

/** The tokens for what somebody came back with; throws `Refused`, or another `Problem`. */
export async function redeem(pending: Pending, back: URLSearchParams): Promise<Tokens> {
  const { provider } = pending;
  if (back.get("state") !== pending.state) throw new Refused("state_mismatch");
  if (back.has("iss") && back.get("iss") !== provider.issuer) throw new Refused("issuer_mismatch"); // RFC 9207
  const code = back.get("code");
  if (code === null) throw new Refused(back.get("error") ?? "no_code");
  const body = await asked(provider.token_endpoint, {
    grant_type: "authorization_code",
    code,
    redirect_uri: pending.redirectUri,
    client_id: provider.client_id,
    code_verifier: pending.verifier,
  });
  return tokensOf(body, provider, pending.nonce);
}

/** The next tokens; throws `Refused` where the session has ended, or another `Problem`. */
export async function renew(provider: Provider, held: Tokens): Promise<Tokens> {
  const body = await asked(provider.token_endpoint, {
    grant_type: "refresh_token",
    refresh_token: held.refresh ?? "",
    client_id: provider.client_id,
  });
  const next = tokensOf({ id_token: held.idToken, refresh_token: held.refresh, ...body }, provider, null);
  if (next.claims.sub !== held.claims.sub) throw new Refused("subject_changed"); // OpenID Connect Core 1.0, 12.2
  return next;
}

/** End what follows from a refresh token (RFC 7009), as far as the issuer can be reached. */
export async function revoke(provider: Provider, held: Tokens): Promise<void> {
  if (provider.revocation_endpoint === null || held.refresh === null) return;
  const form = { token: held.refresh, token_type_hint: "refresh_token", client_id: provider.client_id };
  await send(formTo(provider.revocation_endpoint, form)).catch(() => undefined);
}

/** Where the issuer ends its own session (RP-Initiated Logout 1.0); null where it cannot. */
export function endOfSession(provider: Provider, held: Tokens, base: string): string | null {
  if (provider.end_session_endpoint === null) return null;
  const url = new URL(provider.end_session_endpoint);
  url.searchParams.set("id_token_hint", held.idToken);
  url.searchParams.set("client_id", provider.client_id);
  url.searchParams.set("post_logout_redirect_uri", `${location.origin}${base}/signed-out`);
  return url.href;
}

/** 256 bits, as `state`, `nonce` and verifier want them. */
export function random(): string {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** The S256 challenge of a verifier (RFC 7636, 4.2). */
export async function challengeOf(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(digest));
}

/**
 * The claims of an ID token that came from the token endpoint itself: the connection vouches for it
 * and the signature need not be looked at (OpenID Connect Core 1.0, 3.1.3.7, 6). Throws `Refused`.
 */
export function claimsOf(idToken: string, provider: Provider, nonce: string | null): Claims {
  const claims = payloadOf(idToken);
  const audience = Array.isArray(claims["aud"]) ? claims["aud"] : [claims["aud"]];
  if (claims["iss"] !== provider.issuer) throw new Refused("issuer_mismatch");
  if (!audience.includes(provider.client_id)) throw new Refused("audience_mismatch");
  if (nonce !== null && claims["nonce"] !== nonce) throw new Refused("nonce_mismatch");
  if (nonce !== null && !(Number(claims["exp"]) + SKEW_SECONDS > Date.now() / 1000)) throw new Refused("expired");
  if (typeof claims["sub"] !== "string") throw new Refused("no_subject");
  return claims as unknown as Claims;
}

function payloadOf(jwt: string): Record<string, unknown> {
  try {
    const part = (jwt.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(part), (each) => each.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  } catch {
    throw new Refused("no_id_token");
  }
}

function tokensOf(body: Record<string, unknown>, provider: Provider, nonce: string | null): Tokens {
  const text = (name: string): string => (typeof body[name] === "string" ? body[name] : "");
  if (text("access_token") === "" || text("token_type").toLowerCase() !== "bearer") throw new Refused("no_token");
  return {
    access: text("access_token"),
    endsAt: Date.now() + Number(body["expires_in"] ?? 300) * 1000,
    refresh: text("refresh_token") || null,
    idToken: text("id_token"),
    claims: claimsOf(text("id_token"), provider, nonce),
  };
}

async function asked(url: string, form: Record<string, string>): Promise<Record<string, unknown>> {
  const answer = await sent(formTo(url, form));
  const body = ((await answer.json().catch(() => null)) ?? {}) as Record<string, unknown>;
  if (answer.ok) return body;
  const error = body["error"];
  if (answer.status < 500 && answer.status !== 429 && typeof error === "string") throw new Refused(error);
  throw problemIn(answer, body);
}

function formTo(url: string, form: Record<string, string>): Request {
  return new Request(url, {
    method: "POST",
    body: new URLSearchParams(form),
    credentials: "omit",
    keepalive: true, // a page that is being left says so still
  });
}

async function sent(request: Request): Promise<Response> {
  try {
    return await send(request);
  } catch {
    throw noNetwork();
  }
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
