// Where block faces and berths lie, and how long berths have been taken: from the public routes of parking.

import { defineStore } from "pinia";
import { shallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { inWords } from "../../shared/i18n";
import type { Zone } from "../twin/features";

type Place = Model<"Places">["places"][number];
const MOST = 500;

export const usePlaces = defineStore("board-places", () => {
  const zones = shallowRef<readonly Zone[]>([]);
  const areas = shallowRef<ReadonlyMap<string, string>>(new Map());
  /** The area of each zone. */
  const areaOf = shallowRef<ReadonlyMap<string, string>>(new Map());
  const names = shallowRef<ReadonlyMap<string, string>>(new Map());
  let asked: Promise<void> | null = null;

  const nameOf = (zone: string): string => inWords(names.value.get(zone) ?? zone);
  const areaName = (area: string): string => inWords(areas.value.get(area) ?? area);

  /** Ask once; they change by the year. */
  function load(): Promise<void> {
    asked ??= readAll().catch(() => void (asked = null));
    return asked;
  }

  async function readAll(): Promise<void> {
    const [found, above] = await Promise.all([read("zone"), read("area")]);
    areas.value = new Map(above.map((each) => [each.place_id, each.name]));
    areaOf.value = new Map(found.map((each) => [each.place_id, each.parent ?? ""]));
    names.value = new Map(found.map((each) => [each.place_id, each.name]));
    zones.value = found.flatMap(({ place_id: id, longitude, latitude }) =>
      longitude === null || latitude === null ? [] : [{ id, longitude, latitude }],
    );
  }

  return { zones, areaName, areaOf, nameOf, load };
});

async function read(kind: "zone" | "area"): Promise<readonly Place[]> {
  const found = await ask(api.GET("/v1/parking/places", { params: { query: { kind, limit: MOST } } }));
  return found.places;
}
