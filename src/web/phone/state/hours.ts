// The hours that one can begin at, from the next whole one on.

const HOUR_MS = 3_600_000;
const SHOWN = 24;

/** How long one may say that one parks, in hours. */
export const LENGTHS: readonly number[] = [1, 2, 3, 4, 6, 8, 12];

/** So many hours after a moment (RFC 3339). */
export function inHours(moment: string, hours: number): string {
  return new Date(Date.parse(moment) + hours * HOUR_MS).toISOString();
}

/** The next hours after a moment, as RFC 3339 in UTC. */
export function hoursFrom(moment: number): string[] {
  const next = Math.ceil(moment / HOUR_MS) * HOUR_MS;
  return Array.from({ length: SHOWN }, (_, place) => new Date(next + place * HOUR_MS).toISOString());
}
