// Made-up streets around any point, the same each time: there is no map of the real city here. Flat,
// in metres from the middle of the city; drawn in the colours of the page.

export interface Point {
  latitude: number;
  longitude: number;
}

export interface Street {
  /** Metres from the middle: east for one that runs north, north for one that runs east. */
  at: number;
  wide: number;
}

export const MIDDLE: Point = { latitude: 34.7466, longitude: 113.6254 };
const METRES_A_DEGREE = 111_195;
const EVERY_M = 200;
const JITTER_M = 60;
const NARROW_M = 14;
const WIDE_M = 26;

/** Metres east and north of the middle. */
export function metresOf({ latitude, longitude }: Point): [number, number] {
  const east = (longitude - MIDDLE.longitude) * METRES_A_DEGREE * Math.cos((MIDDLE.latitude * Math.PI) / 180);
  return [east, (latitude - MIDDLE.latitude) * METRES_A_DEGREE];
}

/** The point so many metres east and north of another. */
export function moved(point: Point, east: number, north: number): Point {
  const wide = METRES_A_DEGREE * Math.cos((MIDDLE.latitude * Math.PI) / 180);
  return { latitude: point.latitude + north / METRES_A_DEGREE, longitude: point.longitude + east / wide };
}

/** The streets of one direction between two distances from the middle. */
export function streetsBetween(from: number, to: number, direction: number): Street[] {
  const found: Street[] = [];
  for (let place = Math.floor(from / EVERY_M) - 1; place <= Math.ceil(to / EVERY_M) + 1; place++) {
    const chance = scattered(place * 2 + direction);
    const at = place * EVERY_M + (chance - 0.5) * JITTER_M;
    const wide = ((place % 3) + 3) % 3 === 1 ? WIDE_M : NARROW_M;
    if (at + wide >= from && at - wide <= to) found.push({ at, wide });
  }
  return found;
}

/** A number from 0 to 1 that follows from another (Mulberry32). */
function scattered(seed: number): number {
  let t = (seed + 0x6d2b79f5) | 0;
  t = Math.imul(t ^ (t >>> 15), 1 | t);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
}
