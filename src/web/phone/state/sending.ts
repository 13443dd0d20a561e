// Sends what waits: at once, whenever there is a network again, and now and then, as a phone does not
// always know that it has none; always with the same idempotency key. What the city has acknowledged is
// taken off the phone.

import { defineStore } from "pinia";
import { shallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { now } from "../../shared/clock";
import { noNetwork, Problem } from "../../shared/problems";
import { useSession } from "../../shared/session";
import { upload } from "../report/upload";
import { drop, empty, keep, keptOf, type Waiting } from "./kept";

export interface Outcome {
  /** The application or case, once it was acknowledged. */
  id: string | null;
  problem: Problem | null;
}

const IN_FLIGHT = "idempotency-key-in-flight";
const AGAIN_MS = 1000;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 60_000;

/** What waits to be sent, and what has become of what was. */
export const useSending = defineStore("sending", () => {
  const waiting = shallowRef<readonly Waiting[]>([]);
  const outcomes = shallowRef<ReadonlyMap<string, Outcome>>(new Map());
  const underWay = new Map<string, Promise<Outcome>>();
  const waits = new Map<string, number>();

  /** Find what was kept before, and try to send it. */
  async function resume(): Promise<void> {
    const subject = useSession().person?.subject;
    if (subject === undefined) return;
    waiting.value = await keptOf(subject);
    for (const each of waiting.value) void attempt(each);
  }

  /** Keep it, then send it; the outcome says whether it arrived. */
  async function submit(
    kind: Waiting["kind"],
    what: string,
    body: Record<string, unknown>,
    photo: Blob | null = null,
    draft: string | null = null,
  ): Promise<{ key: string; outcome: Outcome }> {
    const subject = useSession().person?.subject ?? "";
    const at = new Date(now()).toISOString();
    const entry: Waiting = { key: crypto.randomUUID(), subject, kind, what, body, photo, draft, at };
    await keep(entry);
    waiting.value = [...waiting.value, entry];
    return { key: entry.key, outcome: await attempt(entry) };
  }

  /** Try once more, as whoever is impatient. */
  async function again(key: string): Promise<Outcome | null> {
    const entry = waiting.value.find((each) => each.key === key);
    return entry === undefined ? null : attempt(entry);
  }

  function attempt(entry: Waiting): Promise<Outcome> {
    let going = underWay.get(entry.key);
    if (going === undefined) {
      going = send(entry).finally(() => underWay.delete(entry.key));
      underWay.set(entry.key, going);
    }
    return going;
  }

  async function send(entry: Waiting): Promise<Outcome> {
    for (;;) {
      try {
        const id = entry.kind === "application" ? await apply(entry) : await report(entry);
        return await settle(entry, { id, problem: null });
      } catch (error) {
        const problem = error instanceof Problem ? error : noNetwork();
        if (problem.code === IN_FLIGHT) {
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
          continue;
        }
        const outcome = { id: null, problem };
        if (problem.passes) tryLater(entry.key);
        if (problem.passes || problem.status === 401) return note(entry.key, outcome);
        return settle(entry, outcome);
      }
    }
  }

  function tryLater(key: string): void {
    const wait = waits.get(key) ?? FIRST_WAIT_MS;
    waits.set(key, Math.min(2 * wait, LONGEST_WAIT_MS));
    setTimeout(() => void again(key), wait);
  }

  async function settle(entry: Waiting, outcome: Outcome): Promise<Outcome> {
    await drop(entry.key);
    waits.delete(entry.key);
    waiting.value = waiting.value.filter((each) => each.key !== entry.key);
    return note(entry.key, outcome);
  }

  function note(key: string, outcome: Outcome): Outcome {
    outcomes.value = new Map(outcomes.value).set(key, outcome);
    return outcome;
  }

  /** Sign-out: nothing stays. */
  async function forget(): Promise<void> {
    waiting.value = [];
    outcomes.value = new Map();
    await empty();
  }

  return { waiting, outcomes, resume, submit, again, forget };
});

async function apply(entry: Waiting): Promise<string> {
  if (entry.draft) return applyByDraft(entry, entry.draft);
  const answer = await ask(
    api.POST("/v1/applications", {
      body: entry.body as Model<"SubmitApplication">,
      params: { header: { "Idempotency-Key": entry.key } },
    }),
  );
  return answer.application_id;
}

/** A draft becomes the application: it is not begun twice. */
async function applyByDraft(entry: Waiting, draft_id: string): Promise<string> {
  const path = { draft_id };
  const form = entry.body["form"] as Record<string, unknown>;
  const saved = { path, header: { "Idempotency-Key": `${entry.key}-form` } };
  await ask(api.POST("/v1/drafts/{draft_id}/content", { params: saved, body: { form } }));
  const params = { path, header: { "Idempotency-Key": entry.key } };
  const { application_id } = await ask(api.POST("/v1/drafts/{draft_id}/submission", { params, body: {} }));
  return application_id ?? draft_id.replace("draft-", "application-");
}

async function report(entry: Waiting): Promise<string> {
  if (entry.photo !== null) {
    const sha256 = await upload(entry.photo);
    entry.body = { ...entry.body, evidence_sha256: [sha256] };
    entry.photo = null;
    await keep({ ...entry, body: { ...entry.body } });
  }
  const answer = await ask(
    api.POST("/v1/cases", {
      body: entry.body as Model<"ReportCase">,
      params: { header: { "Idempotency-Key": entry.key } },
    }),
  );
  return answer.case_id;
}
