// Who is signed in. Tokens are in memory only: they are gone with the page, and a reload signs in
// again without a question while the issuer knows the browser. `sessionStorage` has what is needed
// between leaving for the issuer and coming back, and that somebody was signed in here.

import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { forgetKeptOf } from "./kept";
import {
  begin,
  endOfSession,
  redeem,
  Refused,
  renew,
  revoke,
  type Claims,
  type Pending,
  type Provider,
  type Tokens,
} from "./oidc";
import { noNetwork, Problem } from "./problems";
import { hear, heardOf, tell } from "./tabs";

export interface Person {
  subject: string;
  roles: readonly string[];
  department?: string | undefined;
  counter?: string | undefined;
}

/**
 * Why nobody is signed in, where that has to be said: the session is over without anybody's wish;
 * somebody signed out; this window was only for signing in; it did not work.
 */
export type Notice = "ended" | "left" | "handed" | "failed";

const PENDING = "citybrain-sign-in";
const WAS_SIGNED_IN = "citybrain-was-signed-in";
const EARLY_MS = 60_000; // before its end a token is renewed
const WINDOW_MS = 10 * 60_000; // so long a window may take to sign in
const TAKEN_MS = 3000;

/** The session of this page. */
export const useSession = defineStore("session", () => {
  const person = ref<Person | null>(null);
  const notice = ref<Notice | null>(null);
  const problem = shallowRef<Problem | null>(null);
  let base = "";
  let provider: Provider | null = null;
  let held: Tokens | null = null;
  let lapsed: Tokens | null = null; // of a session that is over: to sign out of
  let renewing: Promise<void> | null = null;

  const ended = computed(() => notice.value === "ended");
  const signedIn = computed(() => person.value !== null && !ended.value);
  const has = (role: string): boolean => person.value?.roles.includes(role) ?? false;

  /** The access token, or null for nobody; throws `Problem` where it is out and cannot be renewed now. */
  async function bearer(): Promise<string | null> {
    if (held !== null && held.endsAt - Date.now() < EARLY_MS) {
      await (renewing ??= renewed(held).finally(() => (renewing = null)));
    }
    return held?.access ?? null;
  }

  async function renewed(old: Tokens): Promise<void> {
    const out = (): boolean => old.endsAt <= Date.now();
    try {
      if (old.refresh === null || provider === null) {
        if (out()) end();
        return;
      }
      const next = await renew(provider, old);
      if (held === old) take(next);
    } catch (error) {
      if (held !== old) return;
      if (error instanceof Refused) end();
      else if (out()) throw error;
    }
  }

  /** Go to the issuer, and come back to `returnTo`, a path of this origin. */
  async function signIn(returnTo: string = here(), prompt?: "none"): Promise<void> {
    try {
      const { url, pending } = await begin(base, returnTo, prompt);
      sessionStorage.setItem(PENDING, JSON.stringify(pending));
      location.assign(url);
    } catch (error) {
      fail(error);
    }
  }

  /** Sign in once more in a window of its own: this page stays as it is, with what was typed. */
  async function signInAgain(): Promise<void> {
    const whose = person.value?.subject;
    const other = window.open("about:blank", "_blank", "popup,width=520,height=760"); // while it is a click
    try {
      if (other === null) return await signIn();
      const { url, pending } = await begin(base, here());
      other.location.replace(url);
      const back = await heardOf((told) => told.kind === "came-back" && told.state === pending.state, WINDOW_MS);
      if (back?.kind !== "came-back") return;
      tell({ kind: "taken", state: pending.state });
      const tokens = await redeem(pending, new URLSearchParams(back.query));
      if (whose !== undefined && tokens.claims.sub !== whose) {
        location.assign(`${base}/`); // somebody else: nothing of the first stays
        return;
      }
      ({ provider } = pending);
      take(tokens);
    } catch (error) {
      other?.close();
      fail(error);
    }
  }

  /** Somebody has come back from the issuer to `/…/signed-in`; where they wanted to be, or null. */
  async function comeBack(query: string): Promise<string | null> {
    const back = new URLSearchParams(query);
    const pending = taken(back.get("state"));
    if (pending === null) return handOver(back.get("state") ?? "", query);
    try {
      const tokens = await redeem(pending, back);
      ({ provider } = pending);
      take(tokens);
    } catch (error) {
      sessionStorage.removeItem(WAS_SIGNED_IN);
      if (!(error instanceof Refused && error.error === "login_required")) fail(error);
    }
    return pending.returnTo;
  }

  /** This window was opened to sign in: who opened it takes the code. */
  async function handOver(state: string, query: string): Promise<string | null> {
    const heard = heardOf((told) => told.kind === "taken" && told.state === state, TAKEN_MS);
    tell({ kind: "came-back", state, query });
    if ((await heard) === null) return `${base}/`; // nobody waits for it any more
    notice.value = "handed";
    window.close();
    return null;
  }

  /** Sign out everywhere: here, in the other tabs and at the issuer. Nothing of the person stays. */
  async function signOut(): Promise<void> {
    const [was, at] = [held ?? lapsed, provider];
    if (person.value !== null) {
      tell({ kind: "signed-out", subject: person.value.subject });
      await forgetKeptOf(person.value.subject).catch(() => undefined);
    }
    forget();
    if (was === null || at === null) {
      notice.value = "left";
      return;
    }
    await revoke(at, was);
    location.assign(endOfSession(at, was, base) ?? `${base}/signed-out`);
  }

  /** Begin at a client's address; what other tabs say counts here, too. */
  function open(at: string): void {
    base = at;
    hear((told) => {
      if (told.kind !== "signed-out" || told.subject !== person.value?.subject) return;
      if (held !== null && provider !== null) void revoke(provider, held);
      forget();
      location.replace(`${base}/signed-out`); // and what was shown is gone
    });
  }

  /** Whether somebody was signed in here before the page was loaded anew. */
  const wasSignedIn = (): boolean => sessionStorage.getItem(WAS_SIGNED_IN) !== null;

  /** They have signed out, and are told so. */
  function leave(): void {
    forget();
    notice.value = "left";
  }

  /** The session is over without anybody's wish: the page says so, and keeps what was typed. */
  function end(): void {
    if (held === null) return;
    lapsed = held;
    held = null;
    notice.value = "ended";
  }

  /** Be somebody with a token of this many seconds. */
  function hold(who: Person, token: string, seconds: number): void {
    const claims = { sub: who.subject };
    held = { access: token, endsAt: Date.now() + seconds * 1000, refresh: null, idToken: "", claims };
    person.value = who;
    notice.value = null;
  }

  /** For stories: be somebody without asking the server. */
  function pretend(who: Person | null): void {
    if (who === null) forget();
    else hold(who, "story", Number.POSITIVE_INFINITY);
  }

  /** What did not work has been read. */
  function dismiss(): void {
    if (notice.value === "failed") notice.value = null;
  }

  function take(tokens: Tokens): void {
    held = tokens;
    lapsed = null;
    person.value = personOf(tokens.claims);
    notice.value = null;
    sessionStorage.setItem(WAS_SIGNED_IN, "yes");
  }

  function forget(): void {
    held = lapsed = null;
    provider = null;
    person.value = null;
    notice.value = null;
    sessionStorage.removeItem(WAS_SIGNED_IN);
    sessionStorage.removeItem(PENDING);
  }

  function fail(error: unknown): void {
    if (!(error instanceof Problem)) console.error(error);
    problem.value = error instanceof Problem ? error : noNetwork();
    notice.value = "failed";
  }

  return {
    person, notice, problem, ended, signedIn, has, bearer, signIn, signInAgain, comeBack, signOut, open,
    wasSignedIn, leave, end, hold, pretend, dismiss,
  };
});

function here(): string {
  return location.pathname + location.search + location.hash;
}

function personOf(claims: Claims): Person {
  return {
    subject: claims.sub,
    roles: Array.isArray(claims.roles) ? claims.roles : [],
    department: claims.department,
    counter: claims.counter,
  };
}

/** What was kept for this state, once. */
function taken(state: string | null): Pending | null {
  const kept = sessionStorage.getItem(PENDING);
  const pending = kept === null ? null : (JSON.parse(kept) as Pending);
  if (pending === null || pending.state !== state) return null;
  sessionStorage.removeItem(PENDING);
  return pending;
}
