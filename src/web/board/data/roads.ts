// Roads whose junctions are coordinated, and how far their junctions lie from the first.

import { defineStore } from "pinia";
import { computed, shallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { inWords } from "../../shared/i18n";

export const useRoads = defineStore("board-roads", () => {
  const read = shallowRef<readonly Model<"Corridor">[]>([]);
  const roads = computed(() => read.value.map((road) => ({ ...road, name: inWords(road.name, road.name_en) })));
  /** Metres from the first junction of its road, by code. */
  const distances = computed(
    () => new Map(roads.value.flatMap((road) => road.junctions.map((each) => [each.junction, each.distance_m]))),
  );
  let asked = false;

  /** Ask once; they change by the year. */
  async function load(): Promise<void> {
    if (asked) return;
    asked = true;
    try {
      read.value = (await ask(api.GET("/v1/signals/corridors"))).corridors;
    } catch {
      asked = false;
    }
  }

  return { roads, distances, load };
});
