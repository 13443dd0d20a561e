// One application as it goes on: what is known of it, and each new step as it comes.

import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { follow } from "../../shared/follow";
import { noNetwork, Problem } from "../../shared/problems";

export type Application = Model<"ApplicationRow">;
export type Step = Model<"StepRow">;

const ENDED: readonly string[] = ["paid", "refused", "withdrawn", "expired"];

/** Whether nothing more happens by itself. */
export function hasEnded(application: Application): boolean {
  return ENDED.includes(application.status) || (application.status === "approved" && !application.pays);
}

export interface Followed {
  application: ShallowRef<Application | null>;
  steps: ComputedRef<Step[]>;
  problem: ShallowRef<Problem | null>;
  /** The connection is lost: what is shown is of `seenAt`. */
  away: Ref<boolean>;
  seenAt: Ref<string | null>;
  again: () => Promise<void>;
}

/** Read it, then follow it until it has ended or the page is left. */
export function useFollowed(id: string): Followed {
  const application = shallowRef<Application | null>(null);
  const known = shallowRef<ReadonlyMap<number, Step>>(new Map());
  const problem = shallowRef<Problem | null>(null);
  const away = ref(false);
  const seenAt = ref<string | null>(null);
  const steps = computed(() => [...known.value.values()].sort((a, b) => a.version - b.version));
  const leaving = new AbortController();
  let following = false;

  function learn(found: readonly Step[]): void {
    const next = new Map(known.value);
    for (const step of found) next.set(step.version, step);
    known.value = next;
    seenAt.value = steps.value.at(-1)?.recorded_at ?? null;
  }

  async function again(): Promise<void> {
    try {
      const found = await ask(
        api.GET("/v1/applications/{application_id}", { params: { path: { application_id: id } } }),
      );
      application.value = found.application;
      learn(found.steps);
      problem.value = null;
      if (!hasEnded(found.application)) void keepUp();
    } catch (error) {
      problem.value = error instanceof Problem ? error : noNetwork();
    }
  }

  async function keepUp(): Promise<void> {
    if (following) return;
    following = true;
    try {
      await follow(`/v1/applications/${id}/live`, {
        signal: leaving.signal,
        onState: (state) => (away.value = state === "away"),
        onMessage: (message) => {
          if (message.event === "step") learn([JSON.parse(message.data) as Step]);
          if (message.event === "end" || settles(message.data)) void again();
        },
      });
    } catch (error) {
      problem.value = error instanceof Problem ? error : noNetwork();
    } finally {
      following = false;
    }
  }

  onScopeDispose(() => leaving.abort());
  void again();
  return { application, steps, problem, away, seenAt, again };
}

/** Whether a step changes more than the list of records. */
function settles(data: string): boolean {
  return /"topic":"application\.(?!evidence)/.test(data);
}
