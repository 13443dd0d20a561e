// What is usual at this hour of this weekday, and how the last day went: from the board's own history.
// A moment that is over does not change, so what was read of it stays.

import { defineStore } from "pinia";
import { computed, onScopeDispose, ref, shallowReactive, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { useStanding, type Board, type System } from "./standing";
import { useTime } from "./time";

export type Usual = Model<"BoardUsual">;
export type Quartiles = Model<"Quartiles">;

const STEP = 60;
const POINTS = 24;

export const useUsual = defineStore("board-usual", () => {
  const time = useTime();
  const standing = useStanding();
  const boards = shallowReactive(new Map<number, Board>());
  const usuals = shallowReactive(new Map<number, Usual>());
  const reading = ref(false);

  const last = computed(() => Math.floor((time.minute ?? time.nowMinute) / 30) * 30);
  /** The minutes of the points, the last is of this half hour. */
  const minutes = computed(() => Array.from({ length: POINTS + 1 }, (_, place) => last.value - (POINTS - place) * STEP));

  /** What is usual now, of a figure; `null`: too few weeks are known. */
  const usual = (system: System, name: string): Quartiles | null =>
    usuals.get(last.value)?.systems[system]?.[name] ?? null;

  /** A figure over the last day; the last point is what it is now. */
  function line(system: System, name: string): (number | null)[] {
    const found = minutes.value.map((minute) => boards.get(minute)?.systems[system]?.[name] ?? null);
    return [...found.slice(0, -1), standing.figure(system, name)];
  }

  /** The band of the usual at the same points. */
  const band = (system: System, name: string): ({ lower: number; upper: number } | null)[] =>
    minutes.value.map((minute) => {
      const found = usuals.get(minute)?.systems[system]?.[name] ?? null;
      return found === null ? null : { lower: found.low, upper: found.high };
    });

  const iso = (minute: number): string => new Date(minute * 60_000).toISOString();
  const known = (found: Usual): boolean =>
    Object.values(found.systems).some((figures) => Object.values(figures).some((each) => each !== null));

  async function read(): Promise<void> {
    if (!standing.allowed || reading.value) return;
    reading.value = true;
    try {
      const wanted = minutes.value;
      const now = await usualAt(last.value);
      for (const minute of wanted.slice(0, -1)) {
        if (!boards.has(minute)) {
          boards.set(minute, await ask(api.GET("/v1/board", { params: { query: { at: iso(minute) } } })));
        }
        if (known(now)) await usualAt(minute);
      }
      forget(wanted);
    } catch {
      // The board says what is wrong; a line without points is drawn as far as they are known.
    } finally {
      reading.value = false;
    }
  }

  async function usualAt(minute: number): Promise<Usual> {
    const found = usuals.get(minute) ?? (await ask(api.GET("/v1/board/usual", { params: { query: { at: iso(minute) } } })));
    usuals.set(minute, found);
    return found;
  }

  /** Points that no line shows any more. */
  function forget(wanted: readonly number[]): void {
    const first = wanted[0] ?? 0;
    for (const kept of [boards, usuals]) {
      for (const minute of kept.keys()) if (minute < first - 1440) kept.delete(minute);
    }
  }

  /** Read for as long as the scope lives. */
  function run(): void {
    const stop = watch([last, () => standing.allowed], () => void read(), { immediate: true });
    onScopeDispose(stop);
  }

  return { minutes, usual, line, band, run };
});
