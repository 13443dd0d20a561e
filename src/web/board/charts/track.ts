// The time track: which minute a place on it is, what keys do, which hours it names. Pure functions;
// times are whole minutes since the epoch.

import { clamp, linear } from "./scales";

/** Minutes that the track spans. */
export const SPANS = [1440, 7 * 1440, 90 * 1440] as const;
export type TrackSpan = (typeof SPANS)[number];
/** How far back anything is kept. */
export const KEPT = 90 * 1440;
/** Nearer to now than this is live. */
export const LIVE_WITHIN = 2;

export const minuteOf = (milliseconds: number): number => Math.floor(milliseconds / 60_000);

export interface Window {
  from: number;
  to: number;
}

/** The span that ends now, or one that holds the minute looked at in its middle. */
export function windowOf(at: number | null, now: number, span: TrackSpan): Window {
  if (at === null || at >= now - span) return { from: now - span, to: now };
  const from = Math.max(at - Math.floor(span / 2), now - KEPT);
  return { from, to: from + span };
}

/** The minute at a share of the track's length; `null`: live. */
export function minuteAt(share: number, { from, to }: Window, now: number): number | null {
  return settled(Math.round(linear(0, 1, from, to)(clamp(share, 0, 1))), now);
}

/** Where a minute lies, 0 to 1. */
export const shareOf = (minute: number, { from, to }: Window): number =>
  clamp(linear(from, to, 0, 1)(minute), 0, 1);

/** Within what is kept; what is next to now is now. */
export function settled(minute: number, now: number): number | null {
  return minute > now - LIVE_WITHIN ? null : Math.max(minute, now - KEPT + 1);
}

const STEPS: Readonly<Record<string, number>> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageUp: -60,
  PageDown: 60,
};

/** The minute after a key; `undefined`: the key means nothing here. With Shift a step is a day. */
export function afterKey(
  key: string,
  shift: boolean,
  at: number | null,
  now: number,
  span: TrackSpan,
): number | null | undefined {
  if (key === "End") return null;
  if (key === "Home") return settled(now - span, now);
  const step = STEPS[key];
  if (step === undefined) return undefined;
  return settled((at ?? now - LIVE_WITHIN - Math.min(0, step + 1)) + (shift ? Math.sign(step) * 1440 : step), now);
}

/** Minutes that the axis names: every few hours or days of the city, by its offset in minutes. */
export function namedMinutes({ from, to }: Window, offset: number): number[] {
  const span = to - from;
  const every = span <= 1440 ? 180 : span <= 7 * 1440 ? 1440 : 10 * 1440;
  const first = Math.ceil((from + offset) / every) * every - offset;
  const named: number[] = [];
  for (let minute = first; minute < to; minute += every) {
    if (minute - from > span * 0.02 && to - minute > span * 0.02) named.push(minute);
  }
  return named;
}

export interface Counted {
  minute: number;
  events: number;
}

export interface Tick {
  share: number;
  width: number;
  height: number;
}

/** Bars of events, `bars` of them over the window; heights 0 to 1, roots so that quiet hours show. */
export function ticksOf(counted: readonly Counted[], window: Window, bars = 144): Tick[] {
  const sums = new Array<number>(bars).fill(0);
  for (const { minute, events } of counted) {
    if (minute < window.from || minute >= window.to) continue;
    const place = Math.min(bars - 1, Math.floor(shareOf(minute, window) * bars));
    sums[place] = (sums[place] ?? 0) + events;
  }
  const most = Math.max(1, ...sums);
  return sums.map((sum, place) => ({ share: place / bars, width: 1 / bars, height: Math.sqrt(sum / most) }));
}

/** When exceptions began, one mark for each bar: to be done at once where one of them was. */
export function beganOf(
  began: readonly { minute: number; now: boolean }[],
  window: Window,
  bars = 144,
): { share: number; now: boolean }[] {
  const found = new Map<number, boolean>();
  for (const { minute, now } of began) {
    if (minute < window.from || minute >= window.to) continue;
    const place = Math.min(bars - 1, Math.floor(shareOf(minute, window) * bars));
    found.set(place, now || (found.get(place) ?? false));
  }
  return [...found].map(([place, now]) => ({ share: place / bars, now }));
}
