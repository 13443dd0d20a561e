// The hours that one can begin at, from the next whole one on.

const HOUR_MS = 3_600_000;
const SHOWN = 24;

/** The next hours after a moment, as RFC 3339 in UTC. */
export function hoursFrom(moment: number): string[] {
  const next = Math.ceil(moment / HOUR_MS) * HOUR_MS;
  return Array.from({ length: SHOWN }, (_, place) => new Date(next + place * HOUR_MS).toISOString());
}
