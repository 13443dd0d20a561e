// What is usual at this hour of this weekday, and how the last day went: from the board's own history,
// read at once each half hour. Moments that are over do not change.

import { defineStore } from "pinia";
import { computed, onScopeDispose, shallowRef, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { useStanding, type System } from "./standing";
import { useTime } from "./time";

export type Quartiles = Model<"Quartiles">;
type Moments = Model<"BoardSeries">["moments"];

const STEP = 60;
const POINTS = 24;

export const useUsual = defineStore("board-usual", () => {
  const time = useTime();
  const standing = useStanding();
  const read = shallowRef<{ last: number; moments: Moments } | null>(null);
  let turn = 0;

  const last = computed(() => Math.floor((time.minute ?? time.nowMinute) / 30) * 30);
  /** The minutes of the points, the last is of this half hour. */
  const minutes = computed(() => Array.from({ length: POINTS + 1 }, (_, place) => last.value - (POINTS - place) * STEP));
  const moments = computed((): Moments => (read.value?.last === last.value ? read.value.moments : []));

  /** What is usual now, of a figure; `null`: too few weeks are known. */
  const usual = (system: System, name: string): Quartiles | null => moments.value.at(-1)?.usual[system]?.[name] ?? null;

  /** A figure over the last day; the last point is what it is now. */
  function line(system: System, name: string): (number | null)[] {
    const found = minutes.value.map((_, place) => moments.value[place]?.systems[system]?.[name] ?? null);
    return [...found.slice(0, -1), standing.figure(system, name)];
  }

  /** The band of the usual at the same points. */
  const band = (system: System, name: string): ({ lower: number; upper: number } | null)[] =>
    minutes.value.map((_, place) => {
      const found = moments.value[place]?.usual[system]?.[name] ?? null;
      return found === null ? null : { lower: found.low, upper: found.high };
    });

  async function look(): Promise<void> {
    if (!standing.allowed) return;
    const mine = ++turn;
    const wanted = last.value;
    const query = { to: new Date(wanted * 60_000).toISOString(), apart_minutes: STEP, number: POINTS + 1 };
    try {
      const found = await ask(api.GET("/v1/board/series", { params: { query } }));
      if (mine === turn) read.value = { last: wanted, moments: found.moments };
    } catch {
      // The board says what is wrong; a line without points is drawn as far as they are known.
    }
  }

  /** Read for as long as the scope lives. */
  function run(): void {
    const stop = watch([last, () => standing.allowed], () => void look(), { immediate: true });
    onScopeDispose(stop);
  }

  return { minutes, usual, line, band, run };
});
