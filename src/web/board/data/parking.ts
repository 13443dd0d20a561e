// What the parking page reads: since when berths are taken, hours by block face, what is owed by age.

import { api, ask, type Model } from "../../shared/api";
import { CITY_ZONE, clockTime } from "../../shared/format";
import type { Berth, BerthState, Group } from "../charts/berth_field";
import { hoursOf, type Cell } from "../charts/strips";
import type { Face } from "./snapshot";

const HOUR_MS = 3_600_000;
const SHOWN_HOURS = 24;
const PAGE = 500;

/** All berths with when they last changed; 500 at most. */
export async function readBerths(): Promise<readonly Model<"BerthRow">[]> {
  return (await ask(api.GET("/v1/parking/berths", { params: { query: { limit: PAGE } } }))).berths;
}

const LETTERS: Readonly<Record<string, BerthState>> = { o: "occupied", f: "free", u: "unknown" };

/** Block faces in groups by area, each berth with the hours of its stay at a moment (milliseconds). */
export function berthGroups(
  faces: readonly Face[],
  areaOf: ReadonlyMap<string, string>,
  nameOf: (area: string) => string,
  berths: readonly Model<"BerthRow">[],
  now: number,
): Group[] {
  const since = new Map(berths.map((each) => [`${each.zone_id ?? ""} ${each.number ?? 0}`, each.changed_at]));
  const groups = new Map<string, Group["faces"]>();
  for (const face of faces) {
    const area = areaOf.get(face.zone_id) ?? "";
    const row = {
      id: face.zone_id,
      name: face.name,
      berths: [...face.berths].map((letter, place): Berth => {
        const changed = face.since === undefined ? (since.get(`${face.zone_id} ${place + 1}`) ?? null) : (face.since[place] ?? null);
        const state = LETTERS[letter] ?? "unknown";
        const hours = state !== "occupied" || changed === null ? null : (now - Date.parse(changed)) / HOUR_MS;
        return { id: `${face.zone_id}-${place}`, state, hours };
      }),
    };
    groups.set(area, [...(groups.get(area) ?? []), row]);
  }
  return [...groups].map(([area, found]) => ({ name: nameOf(area), faces: found }));
}

export interface Strips {
  hours: readonly string[];
  rows: readonly { zone: string; cells: readonly Cell[] }[];
}

const parts = new Intl.DateTimeFormat("sv-SE", { timeZone: CITY_ZONE, dateStyle: "short" });

/** Occupancy of each zone over the 24 hours before a moment (milliseconds). */
export async function readHours(zones: readonly string[], now: number): Promise<Strips> {
  const last = Math.floor(now / HOUR_MS);
  const query = { since: parts.format(now - SHOWN_HOURS * HOUR_MS), until: parts.format(now) };
  const rows = await Promise.all(
    zones.map(async (zone) => {
      const found = await ask(api.GET("/v1/parking/places/{place_id}/metrics", { params: { path: { place_id: zone }, query } }));
      const hours = found.hours.map(({ date, hour, occupancy }) => ({ hour: hourOf(date, hour), share: occupancy }));
      return { zone, cells: hoursOf(hours, last, SHOWN_HOURS) };
    }),
  );
  const hours = Array.from({ length: SHOWN_HOURS }, (_, place) => clockTime((last - SHOWN_HOURS + 1 + place) * HOUR_MS));
  return { hours, rows };
}

/** Whole hours since the epoch, of an hour of the city's day. */
export const hourOf = (date: string, hour: number): number => Math.floor(Date.parse(`${date}T00:00:00+08:00`) / HOUR_MS) + hour;

export interface Owed {
  age: string;
  fen: number;
  debtors: number;
}

/** What is owed by age over all areas, at a moment; small groups are not told to the public. */
export async function readArrears(at: string | null): Promise<Owed[]> {
  const found = await ask(api.GET("/v1/parking/arrears", { params: { query: at === null ? {} : { at } } }));
  const sums = new Map<string, Owed>();
  for (const { age_days: age, open_fen: fen, debtors } of found.groups) {
    const sum = sums.get(age) ?? { age, fen: 0, debtors: 0 };
    sums.set(age, { age, fen: sum.fen + fen, debtors: sum.debtors + debtors });
  }
  return [...sums.values()];
}
