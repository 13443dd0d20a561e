// What the signals page reads: greens along a road, refusals by rule, delay by five minutes.

import { api, ask, type Model } from "../../shared/api";
import type { Stop } from "../charts/time_space";
import { isOut } from "../twin/features";
import type { Junction } from "./snapshot";

export const SHOWN_MS = 4 * 60_000;
/** What is decided already is shown ahead of now. */
export const AHEAD_MS = 60_000;
const FIVE_MINUTES_MS = 300_000;

const iso = (milliseconds: number): string => new Date(milliseconds).toISOString();

/** The stops of a road with their greens on the way out, from the first junction on. */
export async function readRoad(corridor: string, now: number): Promise<Model<"TimeSpace">> {
  const query = { since: iso(now - SHOWN_MS - FIVE_MINUTES_MS), until: iso(now + AHEAD_MS) };
  return ask(api.GET("/v1/signals/corridors/{corridor}/time-space", { params: { path: { corridor }, query } }));
}

/** As the picture takes them; how junctions stand is of the live snapshot. */
export function stopsOf(found: Model<"TimeSpace">, junctions: readonly Junction[], road: string): Stop[] {
  const known = new Map(junctions.map((each) => [each.junction, each]));
  return found.junctions.map((each) => ({
    junction: each.junction,
    name: sideStreet(known.get(each.junction)?.name ?? each.junction, road),
    distance: each.distance_m,
    travel: each.travel_s * 1000,
    greens: each.outbound.greens.map(({ begins, ends }) => ({
      begins: Date.parse(begins),
      ends: ends === null ? null : Date.parse(ends),
    })),
    out: isOut(known.get(each.junction)?.standing ?? ""),
  }));
}

/** `谷雨路 / 玉兰街` on 谷雨路 → `玉兰街`. */
export const sideStreet = (name: string, road: string): string => name.replace(road, "").replace(/^[\s/与與]+|[\s/]+$/g, "").replace(/^and /, "") || name;

export interface Refused {
  rule: number;
  refused: number;
}

/** How often each rule refused a wish in the span, most first. */
export async function readRefusals(since: number, until: number): Promise<Refused[]> {
  const query = { since: iso(since), until: iso(until) };
  const found = await ask(api.GET("/v1/signals/refusals/sums", { params: { query } }));
  const sums = new Map<number, number>();
  for (const { rule, refused } of found.sums) sums.set(rule, (sums.get(rule) ?? 0) + refused);
  return [...sums].map(([rule, refused]) => ({ rule, refused })).sort((a, b) => b.refused - a.refused);
}

export interface Delays {
  times: number[];
  delays: (number | null)[];
}

/** Seconds by vehicle over all lanes that tell, by five minutes of the `hours` before a moment. */
export async function readDelays(junctions: readonly string[], now: number, hours: number): Promise<Delays> {
  const until = Math.floor(now / FIVE_MINUTES_MS) * FIVE_MINUTES_MS;
  const since = until - hours * 3_600_000;
  const query = { since: iso(since), until: iso(until) };
  const found = await Promise.all(
    junctions.map((junction) => ask(api.GET("/v1/signals/junctions/{junction}/traffic", { params: { path: { junction }, query } }))),
  );
  const lanes = found.flatMap((each) => each.lanes);
  const times: number[] = [];
  for (let at = since; at < until; at += FIVE_MINUTES_MS) times.push(at);
  return { times, delays: times.map((at) => meanDelay(lanes.filter((lane) => Date.parse(lane.begins) === at))) };
}

/** By vehicle; `null` where no lane is believed. */
export function meanDelay(lanes: readonly { vehicles: number | null; delay_s: number | null }[]): number | null {
  let [seconds, vehicles] = [0, 0];
  for (const lane of lanes) {
    if (lane.vehicles === null || lane.delay_s === null) continue;
    seconds += lane.delay_s * lane.vehicles;
    vehicles += lane.vehicles;
  }
  return vehicles === 0 ? null : seconds / vehicles;
}
