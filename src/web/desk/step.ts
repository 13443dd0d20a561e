// One step that an official takes: sent once, whatever is pressed twice; a colleague who was faster is
// told, and what was typed stays.

import { ref, shallowRef, type Ref, type ShallowRef } from "vue";
import { noNetwork, Problem } from "../shared/problems";

export interface Step {
  sending: Ref<boolean>;
  problem: ShallowRef<Problem | null>;
  /** Send it; true when it was done. The key is the same as long as `said` is: it counts once. */
  take: (said: unknown, send: (key: string) => Promise<unknown>) => Promise<boolean>;
  forget: () => void;
}

/** A step with its problem and its idempotency key. */
export function useStep(): Step {
  const sending = ref(false);
  const problem = shallowRef<Problem | null>(null);
  let key = "";
  let last = "";

  async function take(said: unknown, send: (key: string) => Promise<unknown>): Promise<boolean> {
    if (sending.value) return false;
    const now = JSON.stringify(said);
    if (now !== last || key === "") [last, key] = [now, crypto.randomUUID()];
    sending.value = true;
    problem.value = null;
    try {
      await send(key);
      key = "";
      return true;
    } catch (error) {
      if (!(error instanceof Problem)) console.error(error);
      problem.value = error instanceof Problem ? error : noNetwork();
      if (!problem.value.passes) key = "";
      return false;
    } finally {
      sending.value = false;
    }
  }

  return { sending, problem, take, forget: () => (problem.value = null) };
}

/**
 * Whether somebody else was faster: the version moved on. A refusal (409) may be about something else:
 * it is only where what is shown `differs` from what was seen.
 */
export function overtaken(problem: Problem | null, differs: boolean): boolean {
  return problem !== null && (problem.stale || (problem.status === 409 && differs));
}
