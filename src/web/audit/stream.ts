// One stream as the window shows it: its events, two of its versions, and the states there.

import { computed, onScopeDispose, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from "vue";
import { api, ask } from "../shared/api";
import { clockTime } from "../shared/format";
import { locale, t } from "../shared/i18n";
import { noNetwork, Problem } from "../shared/problems";
import type { State } from "./logic/diff";
import type { StoredEvent } from "./logic/entries";
import { stateAt, streamPage, type StreamState } from "./reading";

const SETTLED_MS = 250; // while arrow keys are held, no state is asked for: each reading leaves a trace
const SHORT_MS = 600_000;

/** All events of a stream, page by page, as far as they were asked for. */
export interface StreamEvents {
  events: ShallowRef<readonly StoredEvent[]>;
  next: Ref<number | null>;
  problem: ShallowRef<Problem | null>;
  loading: Ref<boolean>;
  more: () => Promise<void>;
}

export function useStreamEvents(streamId: string): StreamEvents {
  const events = shallowRef<readonly StoredEvent[]>([]);
  const next = ref<number | null>(0);
  const problem = shallowRef<Problem | null>(null);
  const loading = ref(true);
  async function more(): Promise<void> {
    problem.value = null;
    try {
      const page = await streamPage(streamId, events.value.at(-1)?.version ?? 0);
      events.value = [...events.value, ...page.events];
      next.value = page.next;
    } catch (error) {
      problem.value = error instanceof Problem ? error : noNetwork();
      if (!(error instanceof Problem)) console.error(error);
    } finally {
      loading.value = false;
    }
  }
  void more();
  return { events, next, problem, loading, more };
}

/** The states at two versions; asked for once each, and not while the versions still move. */
export function useStates(streamId: string, versions: ComputedRef<readonly number[]>) {
  const states = shallowRef<ReadonlyMap<number, StreamState>>(new Map());
  const problem = shallowRef<Problem | null>(null);
  let timer: ReturnType<typeof setTimeout> | undefined;
  async function read(): Promise<void> {
    problem.value = null;
    try {
      const missing = versions.value.filter((version) => !states.value.has(version));
      const found = await Promise.all(missing.map((version) => stateAt(streamId, version)));
      states.value = new Map([...states.value, ...found.map((each) => [each.version, each] as const)]);
    } catch (error) {
      problem.value = error instanceof Problem ? error : noNetwork();
      if (!(error instanceof Problem)) console.error(error);
    }
  }
  let first = true;
  watch(
    versions,
    (now) => {
      clearTimeout(timer);
      if (now.length === 0) return;
      if (first) void read();
      else timer = setTimeout(() => void read(), SETTLED_MS);
      first = false;
    },
    { immediate: true },
  );
  onScopeDispose(() => clearTimeout(timer));
  const lastOfStream = computed(() => Math.max(0, ...[...states.value.values()].map((each) => each.last_version)));
  return { states, problem, read, lastOfStream };
}

/** What an application is for, by the catalogue; null until it is known, or where it is none. */
export function useServiceName(state: ComputedRef<State | undefined>): ComputedRef<string | null> {
  const item = shallowRef<{ name?: string; name_en?: string } | null>(null);
  const code = computed(() => state.value?.["service"]);
  watch(
    code,
    async (now) => {
      if (typeof now !== "string") return;
      const found = await ask(api.GET("/v1/services/{code}", { params: { path: { code: now } } })).catch(() => null);
      item.value = found?.item ?? null;
    },
    { immediate: true },
  );
  return computed(() => (locale.value === "en" ? item.value?.name_en : item.value?.name) ?? null);
}

/** When an event was recorded: seconds since the first one, or a time where they are far apart. */
export function sinceFirst(events: readonly StoredEvent[]): (event: StoredEvent) => string {
  const from = Date.parse(events[0]?.recorded_at ?? "");
  const long = Date.parse(events.at(-1)?.recorded_at ?? "") - from;
  if (long > SHORT_MS) return (event) => clockTime(event.recorded_at, true);
  const digits = long < 10_000 ? 2 : 0;
  return (event) => t("axis.seconds", { n: ((Date.parse(event.recorded_at) - from) / 1000).toFixed(digits) });
}
