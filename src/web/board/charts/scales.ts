// Scales and paths that several pictures share. Pure functions; lengths in board units, of which
// 16 are a rem.

export type Scale = (value: number) => number;
export type Point = readonly [number, number];

/** From `[from, to]` to `[start, end]`; a domain without extent lies at `start`. */
export function linear(from: number, to: number, start: number, end: number): Scale {
  const extent = to - from;
  return (value) => (extent === 0 ? start : start + ((value - from) / extent) * (end - start));
}

/** As `linear`, by logarithms; the domain is above 0. */
export function logarithmic(from: number, to: number, start: number, end: number): Scale {
  const scale = linear(Math.log(from), Math.log(to), start, end);
  return (value) => scale(Math.log(value));
}

export const clamp = (value: number, least: number, most: number): number =>
  Math.min(most, Math.max(least, value));

const short = (value: number): string => String(Math.round(value * 10) / 10);

/** An open path; where a point is missing the pen is lifted. */
export function pathOf(points: readonly (Point | null)[]): string {
  let drawn = false;
  return points
    .map((point) => {
      if (point === null) {
        drawn = false;
        return "";
      }
      const step = `${drawn ? "L" : "M"}${short(point[0])} ${short(point[1])}`;
      drawn = true;
      return step;
    })
    .join("");
}

/** A closed area; nothing where it has no corners. */
export const areaOf = (corners: readonly Point[]): string =>
  corners.length < 3 ? "" : `${pathOf(corners)}Z`;

/** Between a lower and an upper edge along `xs`: one area for each run without a gap. */
export function bandOf(
  xs: readonly number[],
  lower: readonly (number | null)[],
  upper: readonly (number | null)[],
): string {
  let run: [number, number, number][] = [];
  const areas: string[] = [];
  const close = (): void => {
    const up = run.map(([x, , high]): Point => [x, high]);
    const down = run.map(([x, low]): Point => [x, low]).reverse();
    areas.push(areaOf([...up, ...down]));
    run = [];
  };
  xs.forEach((x, place) => {
    const low = lower[place] ?? null;
    const high = upper[place] ?? null;
    if (low === null || high === null) close();
    else run.push([x, low, high]);
  });
  close();
  return areas.join("");
}

const STEPS = [1, 2, 5] as const;

/** Round values of a logarithmic axis within `[from, to]`: 1, 2, 5, 10, 20, … */
export function decades(from: number, to: number): number[] {
  const found: number[] = [];
  for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); power++) {
    for (const step of STEPS) {
      const value = Number((step * 10 ** power).toPrecision(3));
      if (value >= from && value <= to) found.push(value);
    }
  }
  return found;
}
