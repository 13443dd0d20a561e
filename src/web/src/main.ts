// Puts the page together: one feed, and the views that draw what it brings.

import { find, setText, whenChanged } from "./dom";
import { Feed, type FeedState, type Source } from "./feed";
import { plural, takeZone, timeOfDay } from "./format";
import { loadNames } from "./names";
import type { Snapshot } from "./snapshot";
import { drawApplications } from "./view_applications";
import { drawCases, loadDistricts } from "./view_cases";
import { drawFigures, RateView, TapeView } from "./view_log";
import { drawParking } from "./view_parking";
import { drawSignals } from "./view_signals";
import { drawLag, drawOpen, drawStreams, NewestView } from "./view_tables";

const HIDDEN_PAUSE_MS = 60_000;
const SUMMARY_EVERY_MS = 60_000;

const STATES: Record<FeedState, string> = {
  connecting: "Connecting",
  live: "Live",
  reconnecting: "Connection lost, trying again",
  outdated: "The server is newer than this page: reload it",
  paused: "Paused while hidden",
};

const rates = new RateView();
const tape = new TapeView();
const newest = new NewestView();
const streams = whenChanged(drawStreams);
const open = whenChanged(drawOpen);
const lag = whenChanged(drawLag);
const applications = whenChanged(drawApplications);
const cases = whenChanged(drawCases);
const parking = whenChanged(drawParking);
const signals = whenChanged(drawSignals);

let shownState: FeedState | null = null;
let summaryAt = 0;

let incarnation: string | null = null;

function announce(text: string): void {
  setText(find("announce"), text);
}

function showState(state: FeedState): void {
  if (state === shownState) return;
  shownState = state;
  find("connection").dataset["state"] = state;
  document.body.classList.toggle("stale", state !== "live");
  setText(find("connection-text"), STATES[state]);
  announce(STATES[state]);
}

/** What a screen reader hears now and then; every single change would be noise. */
function summarise(snapshot: Snapshot, now: number): void {
  if (now - summaryAt < SUMMARY_EVERY_MS) return;
  if (summaryAt > 0) {
    const cases = plural(snapshot.open_total, "open case");
    announce(`Log position ${snapshot.head}, ${cases}.`);
  }
  summaryAt = now;
}

function show(snapshot: Snapshot): void {
  if (incarnation !== null && incarnation !== snapshot.incarnation) {
    location.reload(); // the log was restored: what is drawn of it did not happen
    return;
  }
  incarnation = snapshot.incarnation;
  setText(find("zone"), takeZone(snapshot.city_zone));
  const now = Date.now();
  const marked = snapshot.simulated || snapshot.newest.some((event) => event.simulated);
  find("simulated").hidden = !marked;
  drawFigures(snapshot);
  rates.add(snapshot.rate_per_second, now);
  tape.add(snapshot.newest);
  newest.draw(snapshot.newest);
  streams(snapshot.streams);
  open(snapshot.open);
  lag(snapshot.lag);
  applications(snapshot.applications);
  cases(snapshot.cases);
  parking(snapshot.parking);
  signals(snapshot.signals);
  setText(find("updated"), `Updated ${timeOfDay(new Date(now).toISOString())}.`);
  summarise(snapshot, now);
}

const feed = new Feed(
  "/live",
  { snapshot: show, state: showState },
  { open: (url): Source => new EventSource(url), random: Math.random },
);

let hidden: ReturnType<typeof setTimeout> | undefined;
document.addEventListener("visibilitychange", () => {
  clearTimeout(hidden);
  if (document.hidden) hidden = setTimeout(() => feed.pause(), HIDDEN_PAUSE_MS);
  else if (shownState === "paused") feed.start();
});
window.addEventListener("online", () => feed.start());

void Promise.all([loadNames(), loadDistricts()]).then(() => feed.start());
