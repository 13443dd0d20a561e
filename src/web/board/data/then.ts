// What was so one by one at the minute looked back at: deadlines that ran, how junctions stood.

import { defineStore } from "pinia";
import { computed, onScopeDispose, shallowRef, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { inWords } from "../../shared/i18n";
import type { Running } from "../charts/deadlines";
import type { Junction } from "./snapshot";
import { useStanding } from "./standing";
import { useTime } from "./time";

type Thing = Model<"BoardThing">;

const read = async (kind: "case-deadline" | "junction-standing", at: string): Promise<readonly Thing[]> =>
  (await ask(api.GET("/v1/board/things", { params: { query: { kind, at } } }))).things;

/** How it stood; of its queues and lamps nothing is known. */
export function junctionOf({ about, place, simulated }: Thing): Junction | null {
  if (place?.place_id == null) return null;
  const name = place.name ?? place.place_id;
  const unknown = { strategy: "", stage: null, bus: null, lamps: {}, faults: [], last: null, before: null, arms: [] };
  return { ...unknown, junction: place.place_id, name: inWords(name, place.name_en), name_en: place.name_en, standing: about ?? "", simulated };
}

export const useThen = defineStore("board-then", () => {
  const time = useTime();
  const standing = useStanding();
  /** `null`: live, or not known. */
  const deadlines = shallowRef<readonly Thing[] | null>(null);
  const things = shallowRef<readonly Thing[]>([]);
  let turn = 0;

  const junctions = computed(() => (time.past ? things.value.flatMap((each) => junctionOf(each) ?? []) : []));
  const running = computed((): Running[] =>
    (deadlines.value ?? []).flatMap(({ owner, due_at: due }) =>
      due === null ? [] : [{ responsible: owner ?? "", left: (Date.parse(due) - time.shown) / 60_000 }],
    ),
  );

  async function look(): Promise<void> {
    const mine = ++turn;
    const at = time.at;
    if (!standing.allowed || at === null) {
      deadlines.value = null;
      things.value = [];
      return;
    }
    const [cases, signals] = await Promise.all([
      read("case-deadline", at).catch(() => null),
      read("junction-standing", at).catch(() => []),
    ]);
    if (mine === turn) [deadlines.value, things.value] = [cases, signals];
  }

  /** Read for as long as the scope lives. */
  function run(): void {
    onScopeDispose(watch([() => time.minute, () => standing.allowed], () => void look(), { immediate: true }));
  }

  return { deadlines, junctions, running, run };
});
