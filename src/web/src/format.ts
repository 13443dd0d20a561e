// How figures, codes and times are written. Pure functions, but for the zone of the times.

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const money = new Intl.NumberFormat("en", { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" });
const compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

const clockIn = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone });
const momentIn = (timeZone: string): Intl.DateTimeFormat =>
  new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone });

let zone = "UTC";
let clock = clockIn(zone);
let moment = momentIn(zone);

/** Write times in the city's zone, by its name; in UTC where this browser does not know it. The zone. */
export function takeZone(name: string): string {
  if (name === zone) return zone;
  try {
    clock = clockIn(name);
    zone = name;
  } catch {
    zone = "UTC";
    clock = clockIn(zone);
  }
  moment = momentIn(zone);
  return zone;
}

/** `12481` → `12,481`. */
export const count = (value: number): string => whole.format(value);

/** As `count`, and short where it would not fit: `1240000` → `1.2M`. */
export const shortCount = (value: number): string => (value < 100_000 ? whole : compact).format(value);

/** One decimal below a hundred, none above: `38.2`, `1,204`. */
export const rate = (value: number): string => (value < 99.95 ? tenth : whole).format(value);

/** Fen as yuan: `123400` → `¥1,234.00`. */
export const yuan = (fen: number): string => money.format(fen / 100);

/** A code as a reader's word: `overflowing-bin` → `Overflowing bin`. */
export function readable(code: string): string {
  const words = code.replaceAll(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The step a topic stands for: `case.reported` → `reported`. */
export const stepOf = (topic: string): string => topic.slice(topic.lastIndexOf(".") + 1);

/** What tells streams of one category apart at a glance: `case-0192…9f3a61c2` → `case …9f3a61c2`. */
export function shortStream(streamId: string): string {
  const hyphen = streamId.indexOf("-");
  if (hyphen < 0 || streamId.length - hyphen <= 10) return streamId;
  return `${streamId.slice(0, hyphen)} …${streamId.slice(-8)}`;
}

/** The time of day in the city, or the text as it came where it is not a time. */
export function timeOfDay(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : clock.format(at);
}

/** Date and time in the city. */
export function dateAndTime(iso: string): string {
  const at = new Date(iso);
  return Number.isNaN(at.getTime()) ? iso : moment.format(at);
}

/** `1` → `1 event`, `2` → `2 events`. */
export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** The kinds of which there are most: `{ "device-silent": 3, sentinel: 1 }` → `3 device silent · 1 sentinel`. */
export const mostOf = (counts: Readonly<Record<string, number>>, most: number): string =>
  Object.entries(counts)
    .sort(([one, some], [other, more]) => more - some || one.localeCompare(other))
    .slice(0, most)
    .map(([kind, value]) => `${shortCount(value)} ${kind.replaceAll("-", " ")}`)
    .join(" · ");
