// The figures that the board shows: of the live snapshot, or of the minute looked back at. `null`: not
// known of that moment.

import { defineStore } from "pinia";
import { computed } from "vue";
import { inWords } from "../../shared/i18n";
import type { Histogram } from "../charts/durations";
import { useLive } from "./live";
import type { Cost, Face, Junction } from "./snapshot";
import { useStanding } from "./standing";
import { useThen } from "./then";
import { useTime } from "./time";
import { percentile } from "../charts/durations";

/** Seconds of delay by vehicle over all junctions that tell; `null`: none does. */
export function delayOf(costs: readonly (Cost | null)[]): number | null {
  let [seconds, vehicles] = [0, 0];
  for (const cost of costs) {
    if (cost === null || cost.delay_seconds === null) continue;
    seconds += cost.delay_seconds * cost.vehicles;
    vehicles += cost.vehicles;
  }
  return vehicles === 0 ? null : seconds / vehicles;
}

export const useShown = defineStore("board-shown", () => {
  const time = useTime();
  const live = useLive();
  const standing = useStanding();
  const before = useThen();

  /** The snapshot while the board is live; `null` when it looks back. */
  const now = computed(() => (time.past ? null : live.snapshot));
  /** A figure of the past minute. */
  const then = (system: "applications" | "parking" | "signals" | "inspection", name: string): number | null =>
    time.past && standing.board?.live === false ? standing.figure(system, name) : null;

  const seconds = computed((): Histogram | null => {
    if (now.value !== null) return now.value.applications.seconds;
    return time.past && standing.board?.live === false ? (standing.board.histograms["seconds_to_money"] ?? null) : null;
  });
  const secondsToMoney = computed(() => (seconds.value === null ? then("applications", "seconds_to_money") : percentile(seconds.value, 50)));
  const paid = computed(() => now.value?.applications.paid ?? then("applications", "paid"));
  const submitted = computed(() => now.value?.applications.submitted ?? then("applications", "submitted"));
  const waiting = computed(() => now.value?.applications.waiting ?? then("applications", "waiting"));

  const berths = computed(() => {
    const found = now.value?.parking.berths;
    if (found !== undefined) return { occupied: found.occupied ?? 0, free: found.free ?? 0, unknown: found.unknown ?? 0 };
    const [all, occupied, free] = [then("parking", "berths"), then("parking", "occupied"), then("parking", "free")];
    return all === null || occupied === null || free === null ? null : { occupied, free, unknown: all - occupied - free };
  });
  const occupiedShare = computed(() => {
    if (berths.value === null) return null;
    const known = berths.value.occupied + berths.value.free;
    return known === 0 ? null : berths.value.occupied / known;
  });
  const unknownBerths = computed(() => berths.value?.unknown ?? null);
  const turnover = computed(() => standing.figure("parking", "turnover"));

  const junctions = computed((): readonly Junction[] =>
    time.past ? before.junctions : (now.value?.signals.junctions ?? []).map((each) => ({ ...each, name: inWords(each.name, each.name_en) })),
  );
  const faces = computed((): readonly Face[] => (time.past ? before.faces : (now.value?.parking.faces ?? [])).map((face) => ({ ...face, name: inWords(face.name) })));
  const delay = computed(() => delayOf(junctions.value.map((each) => each.last)));
  const delayBefore = computed(() => delayOf(junctions.value.map((each) => each.before)));
  const refusedLastHour = computed(() => now.value?.signals.refused_last_hour ?? null);
  const flashing = computed(() => (now.value === null ? then("signals", "flashing") : (now.value.signals.standing["flashing"] ?? 0)));

  const openCases = computed(() => now.value?.open_total ?? then("inspection", "open"));
  const inTime = computed(() => (now.value === null ? then("inspection", "handled_in_time_share") : now.value.cases.rates.handled_in_time));
  const rework = computed(() => (now.value === null ? then("inspection", "rework_share") : now.value.cases.rates.rework));
  const within = computed(() => now.value?.cases.within_1_hour ?? then("inspection", "within_1_hour"));
  const late = computed(() => now.value?.cases.overdue ?? then("inspection", "overdue"));

  return {
    now,
    seconds,
    secondsToMoney,
    paid,
    submitted,
    waiting,
    berths,
    occupiedShare,
    unknownBerths,
    turnover,
    junctions,
    faces,
    delay,
    delayBefore,
    refusedLastHour,
    flashing,
    openCases,
    inTime,
    rework,
    within,
    late,
  };
});
