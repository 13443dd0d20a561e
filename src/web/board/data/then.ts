// What was so one by one at the minute looked back at: deadlines that ran, how junctions stood and what
// queues they had, who stood at which berth.

import { defineStore } from "pinia";
import { computed, onScopeDispose, shallowRef, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { inWords } from "../../shared/i18n";
import type { Running } from "../charts/deadlines";
import type { Arm, Cost, Face, Junction } from "./snapshot";
import { useStanding } from "./standing";
import { useTime } from "./time";

type Thing = Model<"BoardThing">;

const read = async (kind: "case-deadline" | "junction-standing", at: string): Promise<readonly Thing[]> =>
  (await ask(api.GET("/v1/board/things", { params: { query: { kind, at } } }))).things;

/** What `/v1/board/pictures` has: members of the snapshot, as far as they are known of a past minute. */
export interface Pictures {
  parking?: { faces: readonly Face[] };
  signals?: { junctions: readonly Queued[] };
}

interface Queued {
  junction: string;
  last: Cost | null;
  before: Cost | null;
  arms: readonly Arm[];
}

const readPictures = async (at: string): Promise<Pictures> =>
  (await ask(api.GET("/v1/board/pictures", { params: { query: { at } } }))).members as Pictures;

/** How it stood, and its queues; of its lamps nothing is known. */
export function junctionOf({ about, place, simulated }: Thing, queued: readonly Queued[] = []): Junction | null {
  if (place?.place_id == null) return null;
  const name = place.name ?? place.place_id;
  const { last, before, arms } = queued.find((each) => each.junction === place.place_id) ?? { last: null, before: null, arms: [] };
  const unknown = { strategy: "", stage: null, bus: null, lamps: {}, faults: [] };
  return { ...unknown, last, before, arms, junction: place.place_id, name: inWords(name, place.name_en), name_en: place.name_en, standing: about ?? "", simulated };
}

export const useThen = defineStore("board-then", () => {
  const time = useTime();
  const standing = useStanding();
  /** `null`: live, or not known. */
  const deadlines = shallowRef<readonly Thing[] | null>(null);
  const things = shallowRef<readonly Thing[]>([]);
  const pictures = shallowRef<Pictures>({});
  let turn = 0;

  const junctions = computed(() =>
    time.past ? things.value.flatMap((each) => junctionOf(each, pictures.value.signals?.junctions) ?? []) : [],
  );
  const faces = computed((): readonly Face[] => (time.past ? (pictures.value.parking?.faces ?? []) : []));
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
      pictures.value = {};
      return;
    }
    const [cases, signals, drawn] = await Promise.all([
      read("case-deadline", at).catch(() => null),
      read("junction-standing", at).catch(() => []),
      readPictures(at).catch(() => ({})),
    ]);
    if (mine === turn) [deadlines.value, things.value, pictures.value] = [cases, signals, drawn];
  }

  /** Read for as long as the scope lives. */
  function run(): void {
    onScopeDispose(watch([() => time.minute, () => standing.allowed], () => void look(), { immediate: true }));
  }

  return { deadlines, junctions, faces, running, run };
});
