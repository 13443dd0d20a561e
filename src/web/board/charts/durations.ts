// From a histogram of durations to what people read: percentiles, and bars of equal ratio. Pure.

import { logarithmic } from "./scales";

/** `[seconds at most, how many]`, ascending. */
export type Histogram = readonly (readonly [number, number])[];

export interface Bar {
  /** Seconds, from (excluded) and up to (included). */
  from: number;
  to: number;
  count: number;
}

/** A bucket of the server is 9 % wide: 8 to a doubling. */
export const A_DOUBLING = 8;

/** The end of the bucket in which the percentile's nearest rank lies; `null` where there is none. */
export function percentile(histogram: Histogram, percent: number): number | null {
  const all = histogram.reduce((sum, [, count]) => sum + count, 0);
  let seen = 0;
  for (const [seconds, count] of histogram) {
    seen += count;
    if (seen >= (percent / 100) * all) return seconds;
  }
  return null;
}

/** Bars whose ends lie a share of a doubling apart, from the first to the last that has any. */
export function bars(histogram: Histogram, aDoubling = A_DOUBLING): Bar[] {
  const counts = new Map<number, number>();
  for (const [seconds, count] of histogram) {
    const place = Math.ceil(Math.log2(seconds) * aDoubling - 1e-6);
    counts.set(place, (counts.get(place) ?? 0) + count);
  }
  const places = [...counts.keys()];
  const found: Bar[] = [];
  for (let place = Math.min(...places); place <= Math.max(...places); place++) {
    found.push({
      from: 2 ** ((place - 1) / aDoubling),
      to: 2 ** (place / aDoubling),
      count: counts.get(place) ?? 0,
    });
  }
  return found;
}

export interface DrawnBar extends Bar {
  x: number;
  y: number;
  width: number;
  height: number;
  /** The median lies in it. */
  median: boolean;
}

export interface Room {
  left: number;
  right: number;
  top: number;
  /** Where zero lies. */
  foot: number;
}

const GAP = 2.5;
const LEAST_HEIGHT = 2;

/** The ends of the axis: all bars and the mark that they are held against, with some room. */
export function extentOf(found: readonly Bar[], mark: number): readonly [number, number] {
  const from = Math.min(...found.map((bar) => bar.from), mark);
  const to = Math.max(...found.map((bar) => bar.to), mark * 1.15);
  return [from, to];
}

/** The bars as they are drawn, and where seconds lie on the axis. */
export function drawBars(
  histogram: Histogram,
  mark: number,
  room: Room,
  aDoubling = A_DOUBLING,
): { bars: DrawnBar[]; x: (seconds: number) => number; extent: readonly [number, number] } {
  const found = bars(histogram, aDoubling);
  const extent = extentOf(found, mark);
  const x = logarithmic(extent[0], extent[1], room.left, room.right);
  const most = Math.max(1, ...found.map((bar) => bar.count));
  const median = percentile(histogram, 50);
  const drawn = found.map((bar) => {
    const height = bar.count === 0 ? 0 : Math.max(LEAST_HEIGHT, ((room.foot - room.top) * bar.count) / most);
    return {
      ...bar,
      x: x(bar.from) + GAP / 2,
      y: room.foot - height,
      width: Math.max(1, x(bar.to) - x(bar.from) - GAP),
      height,
      median: median !== null && median > bar.from * 1.0001 && median <= bar.to * 1.0001,
    };
  });
  return { bars: drawn, x, extent };
}
