// One thing of the citizen's as it goes on, an application or a report: what is known of it, and each
// new step as it comes.

import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { follow } from "../../shared/follow";
import { noNetwork, Problem } from "../../shared/problems";

export type Application = Model<"ApplicationRow">;
export type Step = Model<"StepRow">;
export type Case = Model<"CaseState">;
export type Entry = Model<"TimelineEntry">;

/** What is followed, and how it is read. */
export interface Way<Thing, Part> {
  /** The address of its steps: all of them, then each new one. */
  path: string;
  /** How it stands, with its steps where that tells them, too. */
  read: () => Promise<{ thing: Thing; steps: readonly Part[] }>;
  /** Whether nothing more happens by itself. */
  isOver: (thing: Thing) => boolean;
  /** Whether a step changes more than the list of steps: then it is read again. */
  settles: (step: Part) => boolean;
}

export interface Followed<Thing, Part> {
  thing: ShallowRef<Thing | null>;
  steps: ComputedRef<Part[]>;
  problem: ShallowRef<Problem | null>;
  /** The connection is lost: what is shown is of `seenAt`. */
  away: Ref<boolean>;
  seenAt: Ref<string | null>;
  again: () => Promise<void>;
}

/** Read it, then follow it until it is over or the page is left. Nobody looks: it is let go of. */
export function useFollowed<Thing extends { version: number }, Part extends { version: number; recorded_at: string }>(
  way: Way<Thing, Part>,
): Followed<Thing, Part> {
  const thing: ShallowRef<Thing | null> = shallowRef(null);
  const known = shallowRef<ReadonlyMap<number, Part>>(new Map());
  const problem = shallowRef<Problem | null>(null);
  const away = ref(false);
  const seenAt = ref<string | null>(null);
  const steps = computed(() => [...known.value.values()].sort((a, b) => a.version - b.version));
  let following: AbortController | null = null;
  let ended = false;
  let turn = 0;

  function learn(found: readonly Part[]): void {
    const next = new Map(known.value);
    for (const step of found) next.set(step.version, step);
    known.value = next;
    seenAt.value = steps.value.at(-1)?.recorded_at ?? null;
  }

  async function again(): Promise<void> {
    const mine = ++turn;
    try {
      const found = await way.read();
      if (mine !== turn) return;
      thing.value = found.thing;
      learn(found.steps);
      problem.value = null;
      if (!way.isOver(found.thing) || (known.value.size === 0 && !ended)) void keepUp();
    } catch (error) {
      if (mine === turn) problem.value = error instanceof Problem ? error : noNetwork();
    }
  }

  async function keepUp(): Promise<void> {
    if (following !== null || document.hidden) return;
    const ending = (following = new AbortController());
    try {
      await follow(way.path, {
        signal: ending.signal,
        onState: (state) => (away.value = state === "away"),
        onMessage: ({ event, data }) => {
          if (event === "end") finish();
          if (event !== "step") return;
          const step = JSON.parse(data) as Part;
          learn([step]);
          if (step.version > (thing.value?.version ?? 0) && way.settles(step)) void again();
        },
      });
    } catch (error) {
      problem.value = error instanceof Problem ? error : noNetwork();
    } finally {
      if (following === ending) following = null;
    }
  }

  function finish(): void {
    ended = true;
    letGo();
    void again();
  }

  function letGo(): void {
    following?.abort();
    following = null;
  }

  function look(): void {
    if (document.hidden) letGo();
    else void again();
  }

  document.addEventListener("visibilitychange", look);
  onScopeDispose(() => {
    document.removeEventListener("visibilitychange", look);
    turn += 1;
    letGo();
  });
  void again();
  return { thing, steps, problem, away, seenAt, again };
}

const ENDED: readonly string[] = ["paid", "refused", "withdrawn", "expired"];

/** Whether nothing more happens by itself. */
export function hasEnded(application: Application): boolean {
  return ENDED.includes(application.status) || (application.status === "approved" && !application.pays);
}

/** An application; single records come without its being read again. */
export function useApplication(application_id: string): Followed<Application, Step> {
  const params = { path: { application_id } };
  return useFollowed({
    path: `/v1/applications/${application_id}/live`,
    read: async () => {
      const { application, steps } = await ask(api.GET("/v1/applications/{application_id}", { params }));
      return { thing: application, steps };
    },
    isOver: hasEnded,
    settles: ({ topic }) => !topic.startsWith("application.evidence"),
  });
}

const OVER: readonly string[] = ["closed", "voided", "merged"];

/** A report; its history comes with the stream, and each step may change how it stands. */
export function useCase(case_id: string): Followed<Case, Entry> {
  const params = { path: { case_id } };
  return useFollowed({
    path: `/v1/cases/${case_id}/live`,
    read: async () => ({ thing: await ask(api.GET("/v1/cases/{case_id}", { params })), steps: [] }),
    isOver: ({ status }) => OVER.includes(status),
    settles: () => true,
  });
}
