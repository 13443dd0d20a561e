// The minute that the board stands at, and the clock that goes on.

import { defineStore } from "pinia";
import { computed, onScopeDispose, ref } from "vue";
import { now } from "../../shared/clock";
import { minuteOf, type TrackSpan, SPANS } from "../charts/track";

const TICK_MS = 1000;

export const useTime = defineStore("board-time", () => {
  /** Now, in milliseconds; goes on every second. */
  const clock = ref(now());
  /** The minute looked back at, since the epoch; `null`: live. */
  const minute = ref<number | null>(null);
  const span = ref<TrackSpan>(SPANS[0]);

  const nowMinute = computed(() => minuteOf(clock.value));
  const past = computed(() => minute.value !== null);
  /** The moment that is shown, in milliseconds. */
  const shown = computed(() => (minute.value === null ? clock.value : minute.value * 60_000));
  /** The moment looked back at as RFC 3339, for routes that take one; `null`: live. */
  const at = computed(() => (minute.value === null ? null : new Date(minute.value * 60_000).toISOString()));

  function lookAt(wanted: number | null): void {
    minute.value = wanted;
  }

  function nextSpan(): void {
    span.value = SPANS[(SPANS.indexOf(span.value) + 1) % SPANS.length] ?? SPANS[0];
  }

  /** Let the clock go on for as long as the scope lives. */
  function run(): void {
    const timer = setInterval(() => (clock.value = now()), TICK_MS);
    onScopeDispose(() => clearInterval(timer));
  }

  return { clock, minute, span, nowMinute, past, shown, at, lookAt, nextSpan, run };
});
