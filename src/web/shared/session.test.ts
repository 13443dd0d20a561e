import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { arrive } from "./arriving";
import { begin, challengeOf, claimsOf, redeem, Refused, type Pending } from "./oidc";
import { noNetwork } from "./problems";
import { useSession } from "./session";
import { replaceTransport } from "./transport";

const ISSUER = "https://id.example";
const PROVIDER = {
  issuer: ISSUER,
  authorization_endpoint: `${ISSUER}/authorize?tenant=city`,
  token_endpoint: `${ISSUER}/token`,
  revocation_endpoint: `${ISSUER}/revoke`,
  end_session_endpoint: `${ISSUER}/logout`,
  client_id: "pages",
  scope: "openid",
};

/** An issuer that gives tokens, as long as `refuses` is null. */
class Issuer {
  sent: [string, URLSearchParams][] = [];
  refuses: string | null = null;
  away = false;
  seconds = 600;
  subject = "official-1";
  nonce = "";

  async answer(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname;
    if (this.away) throw new TypeError("no network");
    if (path === "/v1/sign-in") return Response.json(PROVIDER);
    this.sent.push([path, new URLSearchParams(await request.text())]);
    if (path === "/revoke") return new Response();
    if (this.refuses !== null) return Response.json({ error: this.refuses }, { status: 400 });
    const count = this.sent.length;
    return Response.json({
      access_token: `access-${count}`,
      token_type: "Bearer",
      expires_in: this.seconds,
      refresh_token: `refresh-${count}`,
      id_token: this.idToken(),
    });
  }

  idToken(other: object = {}): string {
    const exp = Date.now() / 1000 + 600;
    const claims = { iss: ISSUER, aud: "pages", sub: this.subject, exp, nonce: this.nonce, name: "何静", roles: ["official"] };
    const bytes = new TextEncoder().encode(JSON.stringify({ ...claims, ...other }));
    return `e30.${btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_")}.c2ln`;
  }
}

let issuer: Issuer;
let gone: string[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  setActivePinia(createPinia());
  sessionStorage.clear();
  localStorage.clear();
  issuer = new Issuer();
  gone = [];
  replaceTransport((request) => issuer.answer(request));
  vi.stubGlobal("isSecureContext", true);
  at("http://localhost/desk/");
  vi.spyOn(location, "assign").mockImplementation((url) => void gone.push(String(url)));
  vi.spyOn(location, "replace").mockImplementation((url) => void gone.push(String(url)));
});

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function at(url: string): void {
  (window as unknown as { happyDOM: { setURL: (url: string) => void } }).happyDOM.setURL(url);
}

function pending(): Pending {
  return JSON.parse(sessionStorage.getItem("citybrain-sign-in") ?? "null") as Pending;
}

/** Somebody signs in and is back where they were; what `arrive` says. */
async function signedIn(path = "/desk/cases/7?tab=map"): Promise<string | null> {
  at(`http://localhost${path}`);
  expect(await arrive("/desk", true)).toBeNull();
  const { state, nonce } = pending();
  issuer.nonce = nonce;
  setActivePinia(createPinia()); // the page was left, and is loaded anew
  at(`http://localhost/desk/signed-in?code=c0de&state=${state}&iss=${encodeURIComponent(ISSUER)}`);
  return arrive("/desk", true);
}

test("the challenge is that of the standard", async () => {
  const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"; // RFC 7636, B
  expect(await challengeOf(verifier)).toBe("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("somebody leaves to sign in, and is back where they were, with tokens in memory alone", async () => {
  expect(await signedIn()).toBe("/cases/7?tab=map");
  const asked = new URL(gone[0] ?? "");
  expect(asked.origin + asked.pathname).toBe(`${ISSUER}/authorize`);
  expect(asked.searchParams.get("tenant")).toBe("city");
  expect(asked.searchParams.get("code_challenge_method")).toBe("S256");
  expect(asked.searchParams.get("redirect_uri")).toBe("http://localhost/desk/signed-in");
  const [path, form] = issuer.sent[0] ?? ["", new URLSearchParams()];
  expect(path).toBe("/token");
  expect(form.get("code")).toBe("c0de");
  expect(await challengeOf(form.get("code_verifier") ?? "")).toBe(asked.searchParams.get("code_challenge"));

  const session = useSession();
  expect(session.person).toEqual({ subject: "official-1", roles: ["official"], department: undefined, counter: undefined });
  expect(await session.bearer()).toBe("access-1");
  const kept = JSON.stringify([{ ...sessionStorage }, { ...localStorage }]);
  for (const secret of ["access-1", "refresh-1", "c0de", form.get("code_verifier") ?? "?"]) expect(kept).not.toContain(secret);
});

test("what came back for somebody else, or from somebody else, is not taken", async () => {
  const { pending: kept } = await begin("/desk", "/desk/");
  issuer.nonce = kept.nonce;
  const back = { code: "c", state: kept.state, iss: ISSUER };
  const redeemed = (other: object) => redeem(kept, new URLSearchParams({ ...back, ...other }));
  await expect(redeemed({ state: "another" })).rejects.toThrow(Refused);
  await expect(redeemed({ iss: "https://evil.example" })).rejects.toThrow(Refused);
  expect(issuer.sent).toEqual([]);
  issuer.nonce = "another";
  await expect(redeemed({})).rejects.toThrow(Refused);
  for (const wrong of [{ iss: "https://evil.example" }, { aud: ["others"] }, { nonce: "x" }, { exp: 1 }, { sub: 7 }]) {
    issuer.nonce = "n";
    expect(() => claimsOf(issuer.idToken(wrong), PROVIDER, "n")).toThrow(Refused);
  }
  expect(claimsOf(issuer.idToken(), PROVIDER, "n").sub).toBe("official-1");
});

test("a token is renewed before its end, once for all who ask", async () => {
  await signedIn();
  const session = useSession();
  vi.setSystemTime(Date.now() + 545_000);
  expect(await Promise.all([session.bearer(), session.bearer(), session.bearer()])).toEqual(Array(3).fill("access-2"));
  expect(issuer.sent.map(([, form]) => form.get("refresh_token"))).toEqual([null, "refresh-1"]);
  expect(await session.bearer()).toBe("access-2");
});

test("while the issuer is away the token is good to its end, and then nobody is signed out", async () => {
  await signedIn();
  const session = useSession();
  issuer.away = true;
  vi.setSystemTime(Date.now() + 545_000);
  expect(await session.bearer()).toBe("access-1");
  vi.setSystemTime(Date.now() + 60_000);
  await expect(session.bearer()).rejects.toMatchObject({ code: noNetwork().code });
  expect(session.signedIn).toBe(true);
  issuer.away = false;
  expect(await session.bearer()).toBe("access-2");
});

test("a session that is over is said, with the person still there, and can be signed out of", async () => {
  await signedIn();
  const session = useSession();
  issuer.refuses = "invalid_grant";
  vi.setSystemTime(Date.now() + 545_000);
  expect(await session.bearer()).toBeNull();
  expect([session.notice, session.ended, session.signedIn, session.person?.subject]).toEqual(["ended", true, false, "official-1"]);
  await session.signOut();
  expect(gone.at(-1)).toContain(`${ISSUER}/logout?id_token_hint=`);
});

test("signing out ends the tokens here, at the issuer and in the other tabs", async () => {
  await signedIn();
  const [session, tab] = [useSession(), new BroadcastChannel("citybrain-session")];
  const told = new Promise((resolve) => tab.addEventListener("message", ({ data }) => resolve(data)));
  await session.signOut();
  expect(await told).toEqual({ kind: "signed-out", subject: "official-1" });
  expect(issuer.sent.at(-1)).toEqual(["/revoke", expect.anything()]);
  expect(issuer.sent.at(-1)?.[1].get("token")).toBe("refresh-1");
  const end = new URL(gone.at(-1) ?? "");
  expect(end.searchParams.get("post_logout_redirect_uri")).toBe("http://localhost/desk/signed-out");
  expect([session.person, await session.bearer()]).toEqual([null, null]);
  tab.close();
});

test("another tab's sign-out counts where it is the same person", async () => {
  await signedIn();
  const [session, tab] = [useSession(), new BroadcastChannel("citybrain-session")];
  tab.postMessage({ kind: "signed-out", subject: "citizen-1" });
  tab.postMessage({ kind: "signed-out", subject: "official-1" });
  await vi.waitFor(() => expect(session.person).toBeNull());
  expect(gone.filter((url) => url === "/desk/signed-out").length).toBeGreaterThan(0);
  expect(issuer.sent.at(-1)?.[0]).toBe("/revoke");
  tab.close();
});

test("a window that was opened to sign in hands the code to who opened it", async () => {
  const tab = new BroadcastChannel("citybrain-session");
  tab.addEventListener("message", ({ data }) => tab.postMessage({ kind: "taken", state: (data as { state: string }).state }));
  const close = vi.spyOn(window, "close").mockImplementation(() => undefined);
  at("http://localhost/desk/signed-in?code=c0de&state=of-another-window");
  expect(await arrive("/desk", true)).toBeNull();
  expect(useSession().notice).toBe("handed");
  expect(close).toHaveBeenCalled();
  expect(issuer.sent).toEqual([]);
  tab.close();
});

test("who was signed in and loads the page anew is not asked, and may have signed out elsewhere", async () => {
  at("http://localhost/m/");
  expect(await arrive("/m", false)).toBe("/");
  expect(gone).toEqual([]);
  sessionStorage.setItem("citybrain-was-signed-in", "yes");
  expect(await arrive("/m", false)).toBeNull();
  expect(new URL(gone[0] ?? "").searchParams.get("prompt")).toBe("none");
  at(`http://localhost/m/signed-in?error=login_required&state=${pending().state}`);
  expect(await arrive("/m", false)).toBe("/");
  expect([useSession().person, useSession().notice, gone.length]).toEqual([null, null, 1]);
});

test("where signing in does not work that is said, and nobody goes round in circles", async () => {
  issuer.away = true;
  expect(await arrive("/desk", true)).toBe("/");
  expect([useSession().notice, useSession().problem?.code]).toEqual(["failed", "network"]);
  issuer.away = false;
  await useSession().signIn("/desk/");
  at(`http://localhost/desk/signed-in?error=access_denied&state=${pending().state}`);
  expect(await arrive("/desk", true)).toBe("/");
  expect(useSession().problem?.members["error"]).toBe("access_denied");
  expect(gone.length).toBe(1);
});
