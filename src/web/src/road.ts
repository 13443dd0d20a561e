// Junctions of a road as a small drawing: lamps of each arm, and a bar for who stands there. Pure functions.

import type { Arm, Junction } from "./snapshot";

export interface Shape {
  tag: "line" | "circle" | "rect";
  attributes: Record<string, string>;
}

const APART = 150;
const HALF = 60;
const MIDDLE = 84;
/** From the middle to a lamp, and from there to the bar of the queue. */
const LAMP = 17;
const BAR = 24;
const A_VEHICLE = 2.2;
const LONGEST = 34;
const WIDE = 7;
const TURN = 9;

/** Width and height of the drawing of so many junctions. */
export const sizeOfRoad = (junctions: number): readonly [number, number] => [
  Math.max(1, junctions) * APART,
  2 * MIDDLE,
];

/** East and south of the middle, for a bearing in degrees from north. */
function towards(bearing: number): readonly [number, number] {
  const radians = (bearing * Math.PI) / 180;
  return [Math.round(Math.sin(radians) * 1000) / 1000, Math.round(-Math.cos(radians) * 1000) / 1000];
}

const text = (values: Record<string, number>): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `${Math.round(value * 10) / 10}`]));

/** The streets of the junction at a place in the row, from west to east. */
export function streets(junction: Junction, place: number): Shape[] {
  const x = (place + 0.5) * APART;
  return junction.arms.map(({ bearing }) => {
    const [east, south] = towards(bearing);
    const far = east === 0 ? HALF + BAR : APART / 2;
    const ends = { x1: x, y1: MIDDLE, x2: x + east * far, y2: MIDDLE + south * far };
    return { tag: "line", attributes: { class: "street", ...text(ends) } };
  });
}

/** What stands on the arms: a bar, as long as the queue is, and the lamps at its head. */
export const signs = (junction: Junction, place: number): Shape[] =>
  junction.arms.flatMap((arm) => [...queue(arm, place), ...lamps(arm, place)]);

function queue(arm: Arm, place: number): Shape[] {
  const long = Math.min(LONGEST, arm.queue * A_VEHICLE);
  if (long < 0.5) return [];
  const [x, y] = at(arm.bearing, place, BAR, 0);
  const [east, south] = towards(arm.bearing);
  const ends = { x1: x, y1: y, x2: x + east * long, y2: y + south * long };
  return [{ tag: "line", attributes: { class: "queue", ...text(ends) } }];
}

function lamps(arm: Arm, place: number): Shape[] {
  const shapes: Shape[] = [];
  const found: [string | null, number, number][] = [
    [arm.on, 0, WIDE / 2],
    [arm.left, TURN, WIDE / 2 - 1],
  ];
  for (const [shown, aside, radius] of found) {
    if (shown === null) continue;
    const [cx, cy] = at(arm.bearing, place, LAMP, aside);
    shapes.push({ tag: "circle", attributes: { class: `signal of-${shown}`, ...text({ cx, cy, r: radius }) } });
  }
  return shapes;
}

/** A point on an arm, `far` from the middle and `aside` to the left of those who come in. */
function at(bearing: number, place: number, far: number, aside: number): readonly [number, number] {
  const [east, south] = towards(bearing);
  return [(place + 0.5) * APART + east * far - south * aside, MIDDLE + south * far + east * aside];
}
