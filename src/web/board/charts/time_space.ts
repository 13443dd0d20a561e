// The time–space diagram of a road: greens of its junctions, and through which of them one who
// keeps the planned speed gets without standing. Pure functions; times in milliseconds, lengths in
// metres.

import { areaOf, linear, type Point, type Scale } from "./scales";
import type { Room } from "./durations";

export interface Green {
  begins: number;
  /** `null`: it still goes on. */
  ends: number | null;
}

export interface Stop {
  junction: string;
  name: string;
  distance: number;
  /** Planned time to travel from the first junction. */
  travel: number;
  greens: readonly Green[];
  /** It flashes or is dark: it shows no greens. */
  out: boolean;
}

export type Span = readonly [number, number];

export interface Scales {
  x: Scale;
  y: Scale;
}

/** Where times and distances lie; the first junction is at the foot. */
export function scalesOf(stops: readonly Stop[], since: number, until: number, room: Room): Scales {
  const far = Math.max(1, ...stops.map((stop) => stop.distance));
  return {
    x: linear(since, until, room.left, room.right),
    y: linear(0, far, room.foot, room.top),
  };
}

/** Greens within the span; one that goes on ends at `now`. */
export function greensWithin(greens: readonly Green[], since: number, until: number, now: number): Span[] {
  return greens
    .map(({ begins, ends }): Span => [Math.max(begins, since), Math.min(ends ?? now, until)])
    .filter(([begins, ends]) => ends > begins);
}

/** Where both are. Each list ascends and does not overlap itself. */
export function overlaps(one: readonly Span[], other: readonly Span[]): Span[] {
  const found: Span[] = [];
  let first = 0;
  let second = 0;
  while (first < one.length && second < other.length) {
    const [a, b] = one[first] as Span;
    const [c, d] = other[second] as Span;
    if (Math.min(b, d) > Math.max(a, c)) found.push([Math.max(a, c), Math.min(b, d)]);
    if (b < d) first++;
    else second++;
  }
  return found;
}

/** Departures at the junction before (`from`) that meet green there and at the next. */
export function throughs(from: Stop, to: Stop, since: number, now: number): Span[] {
  const ride = to.travel - from.travel;
  const arrivals = greensWithin(to.greens, since, now, now).map(([a, b]): Span => [a - ride, b - ride]);
  return overlaps(greensWithin(from.greens, since - Math.abs(ride), now, now), arrivals);
}

/** The green bands: between each two junctions an area for each of `throughs`. */
export function bands(stops: readonly Stop[], since: number, now: number, { x, y }: Scales): string {
  const areas: string[] = [];
  stops.slice(1).forEach((to, place) => {
    const from = stops[place] as Stop;
    const ride = to.travel - from.travel;
    for (const [begins, ends] of throughs(from, to, since, now)) {
      const corners: Point[] = [
        [x(begins), y(from.distance)],
        [x(begins + ride), y(to.distance)],
        [x(ends + ride), y(to.distance)],
        [x(ends), y(from.distance)],
      ];
      areas.push(areaOf(corners));
    }
  });
  return areas.join("");
}

/** How much of the green of the first junction gets through the whole road, 0 to 1; `null`: no green. */
export function throughShare(stops: readonly Stop[], since: number, now: number): number | null {
  const [first, last] = [stops[0], stops.at(-1)];
  if (!first || !last) return null;
  const ride = last.travel - first.travel;
  const offered = greensWithin(first.greens, since, now - ride, now - ride);
  const length = (spans: readonly Span[]): number => spans.reduce((sum, [a, b]) => sum + b - a, 0);
  if (length(offered) === 0) return null;
  let through: Span[] = offered;
  for (const stop of stops.slice(1)) {
    const back = stop.travel - first.travel;
    const greens = greensWithin(stop.greens, since, now, now).map(([a, b]): Span => [a - back, b - back]);
    through = overlaps(through, greens);
  }
  return length(through) / length(offered);
}
