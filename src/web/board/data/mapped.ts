// Open cases as points of the map, for those who may see the desk: all in the box, then what has changed.

import { defineStore } from "pinia";
import type { FeatureCollection } from "geojson";
import { onScopeDispose, shallowRef, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { now } from "../../shared/clock";
import { nothing } from "../twin/style";
import { useStanding } from "./standing";
import { useThen } from "./then";
import { useTime } from "./time";

const AGAIN_MS = 5000;
/** The city and its surroundings, in degrees. */
const BOX = { south: 34.5, west: 113.3, north: 35.0, east: 114.0 };

type Mapped = Pick<Model<"CasesOnMap">["cases"][number], "case_id" | "latitude" | "longitude" | "due_at">;

export const useMapped = defineStore("board-mapped", () => {
  const time = useTime();
  const standing = useStanding();
  const before = useThen();
  const features = shallowRef<FeatureCollection>(nothing());
  const known = new Map<string, Mapped>();
  let position: number | null = null;

  async function read(): Promise<void> {
    if (time.past) {
      features.value = pointsOf(firstOf(before.deadlines ?? []), time.shown);
      return;
    }
    if (!standing.allowed) {
      features.value = nothing();
      return;
    }
    try {
      const query = { ...BOX, ...(position === null ? {} : { since_position: position }) };
      const found = await ask(api.GET("/v1/cases/map", { params: { query } }));
      if (found.whole) known.clear();
      for (const each of found.cases) known.set(each.case_id, each);
      for (const gone of found.removed) known.delete(gone);
      position = found.position;
      features.value = pointsOf([...known.values()], now());
    } catch {
      // The board itself says what is wrong; points that were read stay.
    }
  }

  function run(): void {
    const timer = setInterval(() => {
      if (!document.hidden) void read();
    }, AGAIN_MS);
    onScopeDispose(() => clearInterval(timer));
    watch([() => standing.allowed, () => time.past, () => before.deadlines], () => void read(), { immediate: true });
  }

  return { features, run };
});

/** Each case of which a deadline ran, with the first that was due: deadlines come by when they are. */
export function firstOf(deadlines: readonly Model<"BoardThing">[]): Mapped[] {
  const found = new Map<string, Mapped>();
  for (const { stream_id: id, due_at: due, place } of deadlines) {
    const { latitude, longitude } = place ?? {};
    if (found.has(id) || typeof latitude !== "number" || typeof longitude !== "number") continue;
    found.set(id, { case_id: id, latitude, longitude, due_at: due });
  }
  return [...found.values()];
}

/** Points; what is late at a moment (milliseconds) is marked. */
export const pointsOf = (cases: readonly Mapped[], at: number): FeatureCollection => ({
  type: "FeatureCollection",
  features: cases.map(({ case_id: id, longitude, latitude, due_at: due }) => ({
    type: "Feature",
    properties: { id, late: due !== null && Date.parse(due) < at },
    geometry: { type: "Point", coordinates: [longitude, latitude] },
  })),
});
