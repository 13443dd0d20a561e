// The pictures' arithmetic.

import { describe, expect, test } from "vitest";
import { heightOf, layoutOf, longestOf, stepOf, viewOf, type Berth } from "./berth_field";
import { columns, river, riverScale, swarm, urgencyOf } from "./deadlines";
import { bars, drawBars, percentile } from "./durations";
import { extentOf, lineOf, usualBand } from "./lines";
import { road } from "./network";
import { areaOf, bandOf, decades, linear, logarithmic, pathOf } from "./scales";
import { cellOf, hoursOf, lengthsOf, partsOf, rampOf, scoreOf } from "./strips";
import { bands, greensWithin, overlaps, scalesOf, throughs, throughShare, type Stop } from "./time_space";
import { afterKey, beganOf, KEPT, minuteAt, namedMinutes, settled, shareOf, ticksOf, windowOf } from "./track";

const ROOM = { left: 0, right: 100, top: 0, foot: 50 };

describe("scales and paths", () => {
  test("a domain without extent lies at its start, and logarithms halve at the root", () => {
    expect(linear(3, 3, 10, 20)(3)).toBe(10);
    expect(logarithmic(1, 100, 0, 10)(10)).toBeCloseTo(5);
  });
  test("a missing point lifts the pen, and an area needs three corners", () => {
    expect(pathOf([[0, 1], [2, 3.04], null, [4, 5]])).toBe("M0 1L2 3M4 5");
    expect(areaOf([[0, 0], [1, 1]])).toBe("");
  });
  test("a band has an area for each run of three or more corners", () => {
    expect(bandOf([0, 1, 2, 3, 4], [5, 5, null, 6, 6], [1, 1, 1, 2, 2]).match(/Z/g)).toHaveLength(2);
    expect(bandOf([0, 1], [null, 5], [1, 1])).toBe("");
  });
  test("an axis by logarithms names 1, 2, 5", () => {
    expect(decades(0.4, 31)).toEqual([0.5, 1, 2, 5, 10, 20]);
  });
});

describe("durations", () => {
  test("a percentile is the end of the bucket of its nearest rank", () => {
    expect(percentile([[1, 5], [2, 4], [8, 1]], 50)).toBe(1);
    expect(percentile([[1, 5], [2, 4], [8, 1]], 99)).toBe(8);
    expect(percentile([], 50)).toBeNull();
  });
  test("bars go on between the first and the last that has any", () => {
    const found = bars([[1, 2], [2, 3]]);
    expect(found).toHaveLength(9);
    expect(found.map((bar) => bar.count).filter((count) => count > 0)).toEqual([2, 3]);
  });
  test("the highest bar fills the room, the median's is marked, few are still to be seen", () => {
    const drawn = drawBars([[0.5, 1], [1, 1000], [4, 1]], 30, ROOM);
    expect(Math.max(...drawn.bars.map((bar) => bar.height))).toBe(50);
    expect(drawn.bars.filter((bar) => bar.median).map((bar) => bar.count)).toEqual([1000]);
    expect(drawn.bars[0]?.height).toBe(2);
    expect(drawn.x(30)).toBeLessThan(100);
  });
});

describe("lines", () => {
  test("gaps stay gaps, and an unknown end has no dot", () => {
    const line = lineOf([1, null, 2], [0, 2], ROOM);
    expect(line.path).toBe("M0 25M100 0");
    expect(line.end).toEqual([100, 0]);
    expect(lineOf([1, null], [0, 2], ROOM).end).toBeNull();
  });
  test("the extent leaves air, also where all values are one", () => {
    expect(extentOf([5, null, 5])).toEqual([4.5, 5.5]);
    expect(extentOf([])).toEqual([0, 1]);
  });
  test("where nothing is usual there is no band", () => {
    expect(usualBand([null, null], [0, 1], ROOM)).toBe("");
    expect(usualBand([{ lower: 0, upper: 1 }, { lower: 0, upper: 1 }], [0, 1], ROOM)).toContain("Z");
  });
});

describe("the river of deadlines", () => {
  test("late lies left of now, what is later at the edge", () => {
    const x = riverScale(ROOM);
    expect(x(-1)).toBeLessThan(x(0));
    expect(x(-9999)).toBe(0);
    expect(x(9999)).toBe(100);
    expect(x(60) - x(0)).toBeGreaterThan(x(480) - x(420));
  });
  test("dots beside each other do not touch as long as there is room", () => {
    expect(swarm([0, 1, 2, 50], 10, 3)).toEqual([0, -10, 10, 0]);
    expect(swarm([0, 1], 10, 1)).toEqual([0, 0]);
  });
  test("lanes keep the order asked for, and count what is due later", () => {
    const lanes = river(
      [
        { responsible: "b", left: 999 },
        { responsible: "b", left: 30 },
        { responsible: "a", left: -5 },
      ],
      ["a", "b"],
      ROOM,
      3,
    );
    expect(lanes.map((lane) => lane.dots.map((dot) => dot.urgency))).toEqual([["late"], ["hour"]]);
    expect(lanes.map((lane) => lane.later)).toEqual([0, 1]);
    expect(urgencyOf(0)).toBe("hour");
  });
  test("the small river counts columns", () => {
    expect(columns([-1, 0, 5, 19, 481], 20)).toEqual({
      late: 1,
      later: 1,
      columns: [{ at: 10, count: 3 }],
    });
  });
});

describe("time and space", () => {
  const stop = (distance: number, travel: number, ...greens: [number, number | null][]): Stop => ({
    junction: `j${distance}`,
    name: "",
    distance,
    travel,
    greens: greens.map(([begins, ends]) => ({ begins, ends })),
    out: false,
  });
  test("a green that goes on ends now", () => {
    expect(greensWithin([{ begins: 5, ends: null }], 10, 100, 40)).toEqual([[10, 40]]);
  });
  test("spans overlap where both are", () => {
    expect(overlaps([[0, 10], [20, 30]], [[5, 25]])).toEqual([[5, 10], [20, 25]]);
  });
  test("who leaves within the band meets green again", () => {
    const [from, to] = [stop(0, 0, [0, 30]), stop(100, 20, [30, 60])];
    expect(throughs(from, to, 0, 100)).toEqual([[10, 30]]);
    const scales = scalesOf([from, to], 0, 100, ROOM);
    expect(bands([from, to], 0, 100, scales)).toBe("M10 50L30 0L50 0L30 50Z");
  });
  test("the share that gets through the whole road", () => {
    expect(throughShare([stop(0, 0, [0, 40]), stop(100, 20, [30, 60])], 0, 100)).toBe(0.75);
    expect(throughShare([stop(0, 0)], 0, 100)).toBeNull();
  });
});

describe("strips", () => {
  test("nobody looking, no hour, and nothing parked are three things", () => {
    expect(cellOf(-1)).toEqual({ kind: "unknown" });
    expect(cellOf(undefined)).toEqual({ kind: "none" });
    expect(cellOf(0)).toEqual({ kind: "amount", step: 1, value: 0 });
    expect([rampOf(0.5), rampOf(1)]).toEqual([3, 6]);
  });
  test("the last hours end with the one asked for", () => {
    const cells = hoursOf([{ hour: 10, share: 1 }, { hour: 9, share: -1 }], 10, 3);
    expect(cells.map((cell) => cell.kind)).toEqual(["none", "unknown", "amount"]);
  });
  test("no bar is drawn where all are 0, and parts fill their width", () => {
    expect(lengthsOf([0, 0])).toEqual([0, 0]);
    const parts = partsOf([3, 0, 1], 102, 2);
    expect(parts.map((part) => part.width)).toEqual([75, 0, 25]);
    expect(parts[2]?.x).toBe(77);
  });
  test("a score below the axis lies at its edge and is below its target", () => {
    expect(scoreOf(0.5, null, 0.95, ROOM)).toMatchObject({ x: 0, before: null, below: true });
    expect(scoreOf(0.99, 0.9, 0.95, ROOM).target).toBeCloseTo(75);
  });
});

describe("berths", () => {
  const berth = (state: Berth["state"], hours: number | null = null): Berth => ({ id: "b", state, hours });
  test("only what is occupied stands up, higher the longer it stays", () => {
    expect(heightOf(berth("free"), 8)).toBe(0);
    expect(heightOf(berth("occupied"), 8)).toBeGreaterThan(0);
    expect(heightOf(berth("occupied", 99), 8)).toBe(heightOf(berth("occupied", 8), 8));
    expect([stepOf(berth("occupied", 0), 8), stepOf(berth("occupied", 24), 8)]).toEqual([2, 6]);
    expect([longestOf([]), longestOf([berth("occupied", 2.5)]), longestOf([berth("occupied", 30)])]).toEqual([1, 3, 8]);
  });
  test("the whole arrangement lies within its room", () => {
    const face = { id: "z", name: "Z", berths: Array.from({ length: 12 }, () => berth("occupied", 8)) };
    const layout = layoutOf([{ name: "A", faces: [face, face] }, { name: "B", faces: [face] }]);
    const view = viewOf(layout, 400, 300, 80);
    for (const { x, y } of layout.berths) {
      const [px, py] = view.project(x, y);
      expect(px).toBeGreaterThanOrEqual(0);
      expect(px).toBeLessThanOrEqual(400);
      expect(py).toBeLessThanOrEqual(300);
      expect(py).toBeGreaterThanOrEqual(0);
    }
  });
});

describe("a road", () => {
  test("queues are drawn to scale along their arm, and no longer than it", () => {
    const [first, second] = road(
      [
        { code: "a", distance: 0, arms: [{ bearing: 270, queue: 0 }] },
        { code: "b", distance: 450, arms: [{ bearing: 0, queue: 900 }] },
      ],
      { left: 0, right: 450, y: 100, aside: 60, edge: 40 },
    );
    expect(first?.arms[0]?.queue).toBeNull();
    expect(second?.arms[0]?.queue?.[1][1]).toBe(40);
    expect(second?.x).toBe(450);
  });
});

describe("the time track", () => {
  const NOW = 30_000_000;
  test("the right edge is live, the left a day before", () => {
    const day = windowOf(null, NOW, 1440);
    expect(minuteAt(1, day, NOW)).toBeNull();
    expect(minuteAt(0, day, NOW)).toBe(NOW - 1440);
    expect(shareOf(NOW - 720, day)).toBe(0.5);
  });
  test("a minute before the span moves the window, never beyond what is kept", () => {
    const { from, to } = windowOf(NOW - 5000, NOW, 1440);
    expect(NOW - 5000).toBeGreaterThan(from);
    expect(NOW - 5000).toBeLessThan(to);
    expect(windowOf(NOW - KEPT, NOW, 1440).from).toBe(NOW - KEPT);
    expect(settled(0, NOW)).toBe(NOW - KEPT + 1);
  });
  test("arrows go a minute, pages an hour, with Shift a day, End is live", () => {
    expect(afterKey("ArrowLeft", false, NOW - 10, NOW, 1440)).toBe(NOW - 11);
    expect(afterKey("PageUp", false, NOW - 10, NOW, 1440)).toBe(NOW - 70);
    expect(afterKey("PageDown", false, NOW - 10, NOW, 1440)).toBeNull();
    expect(afterKey("ArrowLeft", true, NOW - 10, NOW, 1440)).toBe(NOW - 1450);
    expect(afterKey("ArrowLeft", false, null, NOW, 1440)).toBeLessThan(NOW - 1);
    expect(afterKey("End", false, NOW - 10, NOW, 1440)).toBeNull();
    expect(afterKey("x", false, NOW, NOW, 1440)).toBeUndefined();
  });
  test("the axis names hours of the city", () => {
    for (const minute of namedMinutes({ from: NOW, to: NOW + 1440 }, 480)) {
      expect((minute + 480) % 180).toBe(0);
    }
  });
  test("bars sum the minutes below them", () => {
    const day = windowOf(null, NOW, 1440);
    const ticks = ticksOf([{ minute: NOW - 1, events: 4 }, { minute: NOW - 1440, events: 1 }], day);
    expect(ticks.at(-1)?.height).toBe(1);
    expect(ticks[0]?.height).toBe(0.5);
    expect(ticks).toHaveLength(144);
    const began = [{ minute: NOW - 3, now: false }, { minute: NOW - 1, now: true }, { minute: NOW - 2000, now: true }];
    expect(beganOf(began, day)).toEqual([{ share: 143 / 144, now: true }]);
  });
});
