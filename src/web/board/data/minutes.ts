// What the time track shows: events by minute, and when exceptions began.

import { defineStore } from "pinia";
import { computed, onScopeDispose, shallowRef, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { minuteOf, windowOf, type Counted } from "../charts/track";
import { useStanding } from "./standing";
import { useTime } from "./time";

const AGAIN_MS = 60_000;

export const useMinutes = defineStore("board-minutes", () => {
  const time = useTime();
  const standing = useStanding();
  const track = shallowRef<Model<"BoardMinutes"> | null>(null);

  const steps = computed(() =>
    (track.value?.steps ?? []).map((step) => ({ ...step, minute: minuteOf(Date.parse(step.at)) })),
  );
  const counted = computed((): Counted[] => steps.value.map(({ minute, events }) => ({ minute, events })));
  const began = computed(() =>
    steps.value.filter((step) => step.now + step.limited > 0).map(({ minute, now }) => ({ minute, now: now > 0 })),
  );
  /** The first minute that can be looked at; `null`: not known. */
  const first = computed(() => {
    const from = track.value?.history_from ?? null;
    return from === null ? null : minuteOf(Date.parse(from));
  });

  async function read(): Promise<void> {
    if (!standing.allowed) return;
    const { from, to } = windowOf(time.minute, time.nowMinute, time.span);
    const iso = (minute: number): string => new Date(minute * 60_000).toISOString();
    try {
      const query = { from: iso(from), to: iso(to + 1) };
      track.value = await ask(api.GET("/v1/board/minutes", { params: { query } }));
    } catch {
      // The board itself says what is wrong; the track keeps what it has.
    }
  }

  function run(): void {
    const timer = setInterval(() => {
      if (!document.hidden) void read();
    }, AGAIN_MS);
    onScopeDispose(() => clearInterval(timer));
    const wanted = (): string => JSON.stringify([standing.allowed, time.span, time.past && windowOf(time.minute, time.nowMinute, time.span).from]);
    watch(wanted, () => void read(), { immediate: true });
  }

  return { track, counted, began, first, run };
});
