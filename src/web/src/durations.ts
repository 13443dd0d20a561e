// From a histogram of durations to what people read: percentiles, and bars of equal ratio.

export type Histogram = readonly (readonly [number, number])[];

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

/** `0.412` → `0.41 s`, `31` → `31 s`, `150` → `2.5 min`, `8000` → `2.2 h`. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}

export interface Bar {
  /** Seconds at most. */
  end: number;
  count: number;
}

/** Bars whose ends lie a share of a doubling apart, from the first to the last that has any. */
export function bars(histogram: Histogram, aDoubling = 4): Bar[] {
  const counts = new Map<number, number>();
  for (const [seconds, count] of histogram) {
    const place = Math.ceil(Math.log2(seconds) * aDoubling - 1e-6);
    counts.set(place, (counts.get(place) ?? 0) + count);
  }
  const places = [...counts.keys()];
  const found: Bar[] = [];
  for (let place = Math.min(...places); place <= Math.max(...places); place++) {
    found.push({ end: 2 ** (place / aDoubling), count: counts.get(place) ?? 0 });
  }
  return found;
}
