// Strips and bars of amounts: hours by row, amounts by age, a share beside its target. Pure functions.

import { clamp, linear } from "./scales";
import type { Room } from "./durations";

export type Cell = { kind: "amount"; step: number; value: number } | { kind: "unknown" } | { kind: "none" };

/** How many steps the ramp has. */
export const RAMP = 6;

/** Which step of the ramp a share of 0 to 1 takes: 1 to 6. */
export const rampOf = (share: number): number => clamp(Math.ceil(share * RAMP), 1, RAMP);

/** A share; −1: nobody was looking; `undefined`: the hour is not there. */
export function cellOf(share: number | undefined): Cell {
  if (share === undefined) return { kind: "none" };
  if (share < 0) return { kind: "unknown" };
  return { kind: "amount", step: rampOf(share), value: share };
}

export interface Hour {
  /** Whole hours since the epoch. */
  hour: number;
  share: number;
}

/** The last `count` hours up to `last`, one cell each. */
export function hoursOf(hours: readonly Hour[], last: number, count = 24): Cell[] {
  const shares = new Map(hours.map(({ hour, share }) => [hour, share]));
  return Array.from({ length: count }, (_, place) => cellOf(shares.get(last - count + 1 + place)));
}

/** Lengths of bars from 0 to 1, the longest 1; none where all are 0. */
export function lengthsOf(values: readonly number[]): number[] {
  const most = Math.max(0, ...values);
  return values.map((value) => (most === 0 ? 0 : value / most));
}

export interface Score {
  x: number;
  before: number | null;
  target: number;
  below: boolean;
}

/** Where a share, the same of before and its target lie between `least` and 1. */
export function scoreOf(
  share: number,
  before: number | null,
  target: number,
  room: Room,
  least = 0.8,
): Score {
  const x = linear(least, 1, room.left, room.right);
  const within = (value: number): number => x(clamp(value, least, 1));
  return {
    x: within(share),
    before: before === null ? null : within(before),
    target: x(target),
    below: share < target,
  };
}

/** Parts of a whole as widths that fill `width`, with gaps between those that are there. */
export function partsOf(counts: readonly number[], width: number, gap: number): { x: number; width: number }[] {
  const all = counts.reduce((sum, count) => sum + count, 0);
  const there = counts.filter((count) => count > 0).length;
  const room = width - gap * Math.max(0, there - 1);
  let x = 0;
  return counts.map((count) => {
    const part = { x, width: all === 0 ? 0 : (count / all) * room };
    if (count > 0) x += part.width + gap;
    return part;
  });
}
