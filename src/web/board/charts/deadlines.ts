// The river of deadlines: each running deadline a dot by the time that is left, a lane for each
// department. Pure functions.

import type { Room } from "./durations";

export interface Running {
  responsible: string;
  /** Minutes that are left; negative: late by so many. */
  left: number;
}

export type Urgency = "late" | "hour" | "near" | "far";

export interface Dot {
  x: number;
  y: number;
  urgency: Urgency;
  left: number;
}

export interface Lane {
  responsible: string;
  /** Top and middle. */
  top: number;
  middle: number;
  dots: Dot[];
  /** That are drawn at the end of the axis, as they are due later. */
  later: number;
}

/** Minutes that the river shows ahead, and back. */
export const AHEAD = 480;
export const BACK = 150;
const LATE_WIDTH = 70;
/** Below 1: the next hour takes more room than the last. */
const BEND = 0.62;

/** Where minutes lie. What is late is left of now, what is due later than `ahead` at the edge. */
export function riverScale(room: Room, ahead = AHEAD): (minutes: number) => number {
  const now = room.left + LATE_WIDTH;
  return (minutes) =>
    minutes < 0
      ? now + (Math.max(minutes, -BACK) / BACK) * LATE_WIDTH
      : now + (Math.min(minutes, ahead) / ahead) ** BEND * (room.right - now);
}

/** How urgent: a shape and a colour each. */
export function urgencyOf(left: number, ahead = AHEAD): Urgency {
  if (left < 0) return "late";
  if (left < 60) return "hour";
  return left < ahead / 2 ? "near" : "far";
}

/** Dots beside each other go up and down from the middle of the lane, by turns. */
export function swarm(xs: readonly number[], size: number, rows: number): number[] {
  const taken: [number, number][] = [];
  return xs.map((x) => {
    let row = 0;
    while (row < rows - 1 && taken.some(([other, at]) => at === row && Math.abs(other - x) < size)) row++;
    taken.push([x, row]);
    return (row % 2 === 1 ? -1 : 1) * Math.ceil(row / 2) * size;
  });
}

/** Lanes in the order of their names' list, the earliest deadline first in each. */
export function river(
  running: readonly Running[],
  responsible: readonly string[],
  room: Room,
  radius: number,
  ahead = AHEAD,
): Lane[] {
  const x = riverScale(room, ahead);
  const high = (room.foot - room.top) / Math.max(1, responsible.length);
  const size = radius * 2 + 1.5;
  const rows = Math.max(1, Math.floor((high - 2) / size));
  return responsible.map((name, place) => {
    const top = room.top + high * place;
    const own = running.filter((each) => each.responsible === name).sort((a, b) => a.left - b.left);
    const within = own.filter((each) => each.left <= ahead);
    const xs = within.map((each) => x(each.left));
    const aside = swarm(xs, size, rows);
    return {
      responsible: name,
      top,
      middle: top + high / 2,
      later: own.length - within.length,
      dots: within.map((each, at) => ({
        x: xs[at] ?? 0,
        y: top + high / 2 + (aside[at] ?? 0),
        urgency: urgencyOf(each.left, ahead),
        left: each.left,
      })),
    };
  });
}

/** A small river: columns of dots by `step` minutes, those that are late apart. */
export function columns(
  lefts: readonly number[],
  step: number,
  ahead = AHEAD,
): { late: number; later: number; columns: { at: number; count: number }[] } {
  const counts = new Map<number, number>();
  for (const left of lefts) {
    if (left < 0 || left > ahead) continue;
    const at = Math.min(Math.floor(left / step), Math.ceil(ahead / step) - 1);
    counts.set(at, (counts.get(at) ?? 0) + 1);
  }
  return {
    late: lefts.filter((left) => left < 0).length,
    later: lefts.filter((left) => left > ahead).length,
    columns: [...counts].sort(([a], [b]) => a - b).map(([at, count]) => ({ at: (at + 0.5) * step, count })),
  };
}
