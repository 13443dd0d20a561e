// Berths of a block face as small squares in rows. Pure functions.

import type { Face } from "./snapshot";

export type State = "occupied" | "free" | "unknown";

const STATES: Record<string, State> = { o: "occupied", f: "free" };
const SQUARE = 10;
const GAP = 3;
const A_ROW = 20;

/** The state of each berth, by its number. */
export const statesOf = (face: Face): State[] => [...face.berths].map((letter) => STATES[letter] ?? "unknown");

/** How many berths are in each state. */
export function countsOf(states: readonly State[]): Record<State, number> {
  const found: Record<State, number> = { occupied: 0, free: 0, unknown: 0 };
  for (const state of states) found[state] += 1;
  return found;
}

/** Where the squares of one state lie, as the path of an SVG. */
export function squares(states: readonly State[], wanted: State): string {
  const step = SQUARE + GAP;
  return states
    .map((state, at) => {
      if (state !== wanted) return "";
      const [x, y] = [(at % A_ROW) * step + 0.5, Math.floor(at / A_ROW) * step + 0.5];
      return `M${x} ${y}h${SQUARE}v${SQUARE}h-${SQUARE}z`;
    })
    .join("");
}

/** Width and height of the picture of so many berths. */
export function sizeOf(berths: number): readonly [number, number] {
  const [columns, rows] = [Math.min(berths, A_ROW), Math.ceil(berths / A_ROW)];
  return [columns * (SQUARE + GAP) - GAP + 1, rows * (SQUARE + GAP) - GAP + 1];
}

/** The block faces of each tariff zone, the zones in their order. */
export function byZone(faces: readonly Face[]): [string, Face[]][] {
  const found = new Map<string, Face[]>();
  for (const face of faces) found.set(face.tariff_zone, [...(found.get(face.tariff_zone) ?? []), face]);
  return [...found].sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
}
