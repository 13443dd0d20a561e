// How the city stands now, or stood at the minute looked back at: what waits for a person, and the
// figures of every system. For the centre's roles; without one the board has `/live` alone.

import { defineStore } from "pinia";
import { computed, onScopeDispose, shallowRef, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { now } from "../../shared/clock";
import { noNetwork, Problem } from "../../shared/problems";
import { useSession } from "../../shared/session";
import { rowsOf } from "./exception_rows";
import { keepTo } from "./feed";
import { useTime } from "./time";

export type Board = Model<"Board">;
export type BoardException = Model<"BoardException">;
export type System = "applications" | "parking" | "signals" | "inspection";

const READERS = ["operator", "supervisor", "auditor"];

export const useStanding = defineStore("board-standing", () => {
  const time = useTime();
  const session = useSession();
  const live = shallowRef<Board | null>(null);
  const then = shallowRef<Board | null>(null);
  const problem = shallowRef<Problem | null>(null);
  let turn = 0;

  /** Whether who is signed in may read it. */
  const allowed = computed(() => session.signedIn && READERS.some((role) => session.has(role)));
  const board = computed(() => (time.past ? then.value : live.value));
  const exceptions = computed(() => board.value?.exceptions ?? []);
  const rows = computed(() => rowsOf(exceptions.value));

  /** A figure of a system; `null`: not known. */
  function figure(system: System, name: string): number | null {
    return board.value?.systems[system]?.[name] ?? null;
  }

  /** The board as it was at the minute looked back at; nothing while it is live. */
  async function read(): Promise<void> {
    const mine = ++turn;
    if (!allowed.value || time.at === null) return;
    try {
      const found = await ask(api.GET("/v1/board", { params: { query: { at: time.at } } }));
      if (mine !== turn) return;
      showThen(found as Board); // openapi-fetch reads tuples as arrays
      problem.value = null;
    } catch (error) {
      if (mine !== turn) return;
      then.value = null;
      problem.value = error instanceof Problem ? error : noNetwork();
    }
  }

  /** The board of the minute looked back at. */
  const showThen = (found: Board): void => void (then.value = found);

  function take(found: Record<string, unknown> | null): void {
    if (found === null) return;
    live.value = { ...found, at: new Date(now()).toISOString() } as Board;
    problem.value = null;
  }

  /** Follow the live board while somebody may, and read what is looked back at. */
  function run(): void {
    let stop: (() => void) | null = null;
    const follow = (may: boolean): void => {
      stop?.();
      stop = null;
      if (!may) live.value = then.value = null;
      else stop = keepTo("/v1/board/live", { onSnapshot: take, onLost: () => (problem.value = live.value === null ? noNetwork() : null) });
    };
    watch(allowed, follow, { immediate: true });
    watch([() => time.minute, allowed], () => void read(), { immediate: true });
    onScopeDispose(() => stop?.());
  }

  return { board, problem, allowed, exceptions, rows, figure, showThen, read, run };
});
