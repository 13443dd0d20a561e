// The rate of the last two minutes as a line: samples in, path data out. While the page is
// younger than that, the line fills the width with what there is.

export const WINDOW_MS = 120_000;
const SHORTEST_MS = 15_000;

export interface Sample {
  at: number;
  value: number;
}

/** The samples of the window that ends at `now`, and the last one before it (it draws the edge). */
export function within(samples: readonly Sample[], now: number): Sample[] {
  const first = samples.findIndex((sample) => sample.at >= now - WINDOW_MS);
  return first < 0 ? samples.slice(-1) : samples.slice(Math.max(0, first - 1));
}

/** The largest value, and the next round figure above it as the top of the scale. */
export function scale(samples: readonly Sample[]): { peak: number; top: number } {
  const peak = samples.reduce((most, sample) => Math.max(most, sample.value), 0);
  const unit = 10 ** Math.floor(Math.log10(Math.max(peak, 1)));
  const top = [1, 2, 5, 10].map((step) => step * unit).find((step) => step >= peak) ?? peak;
  return { peak, top };
}

/** Path data of the line and of the area below it, in a box of `width` × `height`. */
export function paths(
  samples: readonly Sample[],
  now: number,
  width: number,
  height: number,
): { line: string; area: string } {
  if (samples.length === 0) return { line: "", area: "" };
  const { top } = scale(samples);
  const age = now - (samples[0]?.at ?? now);
  const span = Math.min(WINDOW_MS, Math.max(SHORTEST_MS, age));
  const points = samples.map((sample) => {
    const x = Math.max(0, width * (1 - (now - sample.at) / span));
    const y = 2 + (height - 4) * (1 - sample.value / top);
    return { x: x.toFixed(1), y: y.toFixed(1) };
  });
  const line = points.map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x} ${y}`).join("");
  const first = points[0]?.x ?? "0";
  const last = points.at(-1)?.x ?? "0";
  return { line, area: `${line}L${last} ${height}L${first} ${height}Z` };
}
