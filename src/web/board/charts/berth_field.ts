// Berths as columns, seen from above at a slant: block faces as rows, in groups by area. It is an
// arrangement, not a map: rows that lie kilometres apart stand beside each other. Pure functions.

import type { Point } from "./scales";

export type BerthState = "occupied" | "free" | "unknown" | "reserved";

export interface Berth {
  id: string;
  state: BerthState;
  /** Hours that it has been occupied; `null`: not occupied, or not known since when. */
  hours: number | null;
}

export interface FaceRow {
  id: string;
  name: string;
  berths: readonly Berth[];
}

export interface Group {
  name: string;
  faces: readonly FaceRow[];
}

/** Metres in a drawing of its own: x along a face, y from face to face, z up. */
export interface Placed {
  berth: Berth;
  x: number;
  y: number;
}

export const LONG = 6;
export const WIDE = 6;
export const ROW = 30;
const GROUP_GAP = 12;
const LONGEST_HOURS = 8;
export const HIGHEST = 34;
const LEAST_HIGH = 2.2;

export interface Layout {
  berths: Placed[];
  labels: { name: string; x: number; y: number }[];
  groups: { name: string; x: number; y: number; width: number; depth: number }[];
  width: number;
  depth: number;
}

/** Groups beside each other, their faces one behind the other. */
export function layoutOf(groups: readonly Group[]): Layout {
  const found: Layout = { berths: [], labels: [], groups: [], width: 0, depth: 0 };
  let left = 0;
  for (const group of groups) {
    const most = Math.max(1, ...group.faces.map((face) => face.berths.length));
    const depth = group.faces.length * ROW;
    group.faces.forEach((face, row) => {
      const y = row * ROW;
      found.labels.push({ name: face.name, x: left, y });
      face.berths.forEach((berth, place) => found.berths.push({ berth, x: left + place * (LONG + 0.6), y }));
    });
    found.groups.push({ name: group.name, x: left, y: 0, width: most * (LONG + 0.6), depth });
    left += most * (LONG + 0.6) + GROUP_GAP;
    found.depth = Math.max(found.depth, depth);
  }
  found.width = Math.max(0, left - GROUP_GAP);
  return found;
}

/** The longest stay among them in hours, 1 to 8: what the highest column stands for. */
export const longestOf = (berths: readonly Berth[]): number =>
  Math.min(LONGEST_HOURS, Math.max(1, ...berths.map((berth) => Math.ceil(berth.hours ?? 0))));

const shareOf = (berth: Berth, longest: number): number => Math.min(1, (berth.hours ?? 0) / longest);

/** How high a column is: by the hours of the stay; some height where hours are not known. */
export const heightOf = (berth: Berth, longest: number): number =>
  berth.state === "occupied" ? LEAST_HIGH + shareOf(berth, longest) * HIGHEST : 0;

/** The step of the ramp of an occupied berth, 2 to 6, by the hours of its stay. */
export const stepOf = (berth: Berth, longest: number): number => Math.min(6, 2 + Math.floor(shareOf(berth, longest) * 5));

export interface View {
  project: (x: number, y: number, z?: number) => Point;
  scale: number;
}

const SLANT = 0.62;
const LEAN = 0.22;

/** A parallel view that puts the whole layout into the room, with air above for columns. */
export function viewOf(layout: Layout, width: number, height: number, air: number): View {
  const across = layout.width + layout.depth * LEAN;
  const high = layout.depth * SLANT;
  const scale = Math.min(width / Math.max(1, across), (height - air) / Math.max(1, high));
  const left = (width - across * scale) / 2;
  const foot = height - Math.max(0, (height - air - high * scale) / 2);
  return {
    scale,
    project: (x, y, z = 0) => [left + (x + y * LEAN) * scale, foot - (y * SLANT + z) * scale],
  };
}

/** Front, side and top of a column, or only its ground. */
export function facesOf({ berth, x, y }: Placed, view: View, longest: number): { front: Point[]; side: Point[]; top: Point[] } {
  const high = heightOf(berth, longest);
  const p = view.project;
  const [a, b, c, d] = [x, x + LONG, y, y + WIDE];
  return {
    front: [p(a, c), p(b, c), p(b, c, high), p(a, c, high)],
    side: [p(b, c), p(b, d), p(b, d, high), p(b, c, high)],
    top: [p(a, c, high), p(b, c, high), p(b, d, high), p(a, d, high)],
  };
}
