// Lines over time with the band of the usual, or with what they compete against. Pure functions.

import { bandOf, linear, pathOf, type Point } from "./scales";
import type { Room } from "./durations";

export interface Usual {
  lower: number;
  upper: number;
}

export interface Line {
  path: string;
  /** Where it ends; `null` where nothing is known at the end. */
  end: Point | null;
}

/** The least and the most of what is shown, a little wider, so that no line lies on the edge. */
export function extentOf(values: readonly (number | null)[]): readonly [number, number] {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return [0, 1];
  const least = Math.min(...known);
  const most = Math.max(...known);
  const air = (most - least) * 0.08 || Math.abs(most) * 0.1 || 1;
  return [least - air, most + air];
}

/** Places of `count` values of equal distance, from the first at `left` to the last at `right`. */
export const placesOf = (count: number, room: Room): number[] => {
  const scale = linear(0, Math.max(1, count - 1), room.left, room.right);
  return Array.from({ length: count }, (_, place) => scale(place));
};

/** A line through values of equal distance; gaps stay gaps. */
export function lineOf(
  values: readonly (number | null)[],
  extent: readonly [number, number],
  room: Room,
): Line {
  const y = linear(extent[0], extent[1], room.foot, room.top);
  const xs = placesOf(values.length, room);
  const points = values.map((value, place): Point | null =>
    value === null ? null : [xs[place] ?? 0, y(value)],
  );
  return { path: pathOf(points), end: points.at(-1) ?? null };
}

/** The grey band of the usual. */
export function usualBand(
  usual: readonly (Usual | null)[],
  extent: readonly [number, number],
  room: Room,
): string {
  const y = linear(extent[0], extent[1], room.foot, room.top);
  const edge = (pick: (each: Usual) => number): (number | null)[] =>
    usual.map((each) => (each === null ? null : y(pick(each))));
  return bandOf(
    placesOf(usual.length, room),
    edge((each) => each.lower),
    edge((each) => each.upper),
  );
}
