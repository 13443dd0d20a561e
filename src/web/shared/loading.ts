// One read of the API as a view shows it: loading, the answer, a problem. What was read stays while
// it is read again.

import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import { noNetwork, Problem } from "./problems";

export interface Loaded<Data> {
  data: ShallowRef<Data | null>;
  problem: ShallowRef<Problem | null>;
  /** Nothing has come yet. */
  loading: ShallowRef<boolean>;
  /** When `data` was read, in milliseconds since 1970. */
  readAt: ShallowRef<number | null>;
  again: () => Promise<void>;
}

/** Read at once, and whenever `again` is called; an answer that comes late is dropped. */
export function useLoaded<Data>(read: () => Promise<Data>): Loaded<Data> {
  const data = shallowRef<Data | null>(null);
  const problem = shallowRef<Problem | null>(null);
  const loading = shallowRef(true);
  const readAt = shallowRef<number | null>(null);
  let turn = 0;
  async function again(): Promise<void> {
    const mine = ++turn;
    loading.value = data.value === null;
    try {
      const found = await read();
      if (mine !== turn) return;
      data.value = found;
      problem.value = null;
      readAt.value = Date.now();
    } catch (error) {
      if (mine !== turn) return;
      problem.value = error instanceof Problem ? error : noNetwork();
      if (!(error instanceof Problem)) console.error(error);
    } finally {
      if (mine === turn) loading.value = false;
    }
  }
  onScopeDispose(() => (turn += 1));
  void again();
  return { data, problem, loading, readAt, again };
}
