// Who is signed in. The token is in memory only: it is gone with the page.

import { defineStore } from "pinia";
import { computed, ref } from "vue";
import { send } from "./transport";

export interface Person {
  subject: string;
  roles: readonly string[];
}

interface Held {
  token: string;
  endsAt: number;
}

/** The session of this page. */
export const useSession = defineStore("session", () => {
  const person = ref<Person | null>(null);
  const ended = ref(false);
  let held: Held | null = null;

  /** The access token, or null for nobody. */
  async function bearer(): Promise<string | null> {
    if (held !== null && held.endsAt < Date.now()) end();
    return held?.token ?? null;
  }

  /** Sign somebody in; comes back to `returnTo`, a path of this origin. */
  async function signIn(wanted: { subject: string; role: string; department?: string }): Promise<void> {
    const answer = await send(
      new Request(`${location.origin}/dev/token`, {
        method: "POST",
        headers: { "Content-Type": "application/json" },
        body: JSON.stringify({
          subject: wanted.subject,
          roles: [wanted.role],
          ...(wanted.department === undefined ? {} : { department: wanted.department }),
        }),
      }),
    );
    const body = (await answer.json()) as { access_token: string; expires_in: number };
    hold({ subject: wanted.subject, roles: [wanted.role] }, body.access_token, body.expires_in);
  }

  function hold(who: Person, token: string, seconds: number): void {
    held = { token, endsAt: Date.now() + seconds * 1000 };
    person.value = who;
    ended.value = false;
  }

  /** The session is over without anybody's wish: the page says so, and keeps what was typed. */
  function end(): void {
    if (held === null) return;
    held = null;
    ended.value = true;
  }

  /** Sign out: nothing of the person stays in the page. */
  async function signOut(): Promise<void> {
    held = null;
    person.value = null;
    ended.value = false;
  }

  /** For stories: be somebody without asking the server. */
  function pretend(who: Person | null): void {
    person.value = who;
    held = who === null ? null : { token: "story", endsAt: Number.POSITIVE_INFINITY };
  }

  const signedIn = computed(() => person.value !== null && !ended.value);
  const has = (role: string): boolean => person.value?.roles.includes(role) ?? false;

  return { person, ended, signedIn, has, bearer, signIn, signOut, end, hold, pretend };
});
