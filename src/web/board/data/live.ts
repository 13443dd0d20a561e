// What everybody may see: the newest snapshot of `/live`, and how the connection stands. What was last
// heard stays.

import { defineStore } from "pinia";
import { computed, onScopeDispose, ref, shallowRef } from "vue";
import { now } from "../../shared/clock";
import { keepTo } from "./feed";
import { isSnapshot, slowest, type Snapshot } from "./snapshot";

export type LiveState = "connecting" | "live" | "away" | "outdated";

/** A read model further behind than this makes figures old. */
export const BEHIND_EVENTS = 1000;

export const useLive = defineStore("board-live", () => {
  const snapshot = shallowRef<Snapshot | null>(null);
  const state = ref<LiveState>("connecting");
  /** When the newest snapshot came, in milliseconds. */
  const heardAt = ref<number | null>(null);
  /** Since when the connection has been away. */
  const awayAt = ref<number | null>(null);

  const behind = computed(() => {
    const found = snapshot.value === null ? null : slowest(snapshot.value.lag);
    return found !== null && found.lag > BEHIND_EVENTS ? found : null;
  });
  /** What is shown is not of now. */
  const stale = computed(() => state.value !== "live" || behind.value !== null);

  function take(found: Record<string, unknown> | null): void {
    if (found === null || !isSnapshot(found)) {
      state.value = "outdated";
      return;
    }
    // Another log, after a restore: whatever the page knows may never have been.
    if (snapshot.value !== null && snapshot.value.incarnation !== found.incarnation) location.reload();
    snapshot.value = found;
    heardAt.value = now();
    state.value = "live";
    awayAt.value = null;
  }

  function lost(): void {
    if (state.value === "outdated") return;
    state.value = heardAt.value === null ? "connecting" : "away";
    awayAt.value ??= now();
  }

  /** Follow for as long as the scope lives. */
  function run(): void {
    onScopeDispose(keepTo("/live", { onSnapshot: take, onLost: lost }));
  }

  return { snapshot, state, heardAt, awayAt, behind, stale, lost, run };
});
