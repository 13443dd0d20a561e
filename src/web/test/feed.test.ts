// The connection: it comes back, with growing pauses, and notices a server that fell silent.

import assert from "node:assert/strict";
import { mock, test } from "node:test";
import { Feed, pauseBefore, SILENCE_MS, type FeedState, type Source } from "../src/feed";

const good = JSON.stringify({
  head: 0, incarnation: "a", city_zone: "Asia/Shanghai", streams: [], newest: [], lag: [], open: [], open_total: 0, rate_per_second: 0, simulated: false,
  applications: {
    submitted: 0, paid: 0, refused: 0, waiting: 0, overdue: 0, stranded: 0, seconds: [],
    saved: { materials: [0, 0], steps: [0, 0], trips: [0, 0] },
  },
  cases: {
    counts: { reported: 0, detections: 0, handled: 0 }, rates: {}, overdue: 0, within_1_hour: 0,
    squares_a_degree: 200, squares: [],
  },
  parking: { berths: {}, sessions: {}, faces: [], anomalies: {}, today: { charged_fen: 0, settled_fen: 0, captured_fen: 0, returned_fen: 0 } },
  signals: { standing: {}, faulty: 0, junctions: [] },
});

class FakeSource implements Source {
  readonly listeners = new Map<string, (event: MessageEvent<string>) => void>();
  closed = false;
  addEventListener(name: string, listener: (event: MessageEvent<string>) => void): void {
    this.listeners.set(name, listener);
  }
  close(): void {
    this.closed = true;
  }
  send(name: string, data = ""): void {
    this.listeners.get(name)?.({ data } as MessageEvent<string>);
  }
}

function feed(): { feed: Feed; sources: FakeSource[]; states: FeedState[] } {
  const sources: FakeSource[] = [];
  const states: FeedState[] = [];
  const open = (): Source => {
    const source = new FakeSource();
    sources.push(source);
    return source;
  };
  const listener = { snapshot: () => undefined, state: (state: FeedState) => states.push(state) };
  return { feed: new Feed("/live", listener, { open, random: () => 1 }), sources, states };
}

test("pauses double, are jittered, and never exceed fifteen seconds", () => {
  assert.deepEqual([0, 1, 2].map((attempt) => pauseBefore(attempt, 1)), [500, 1000, 2000]);
  assert.equal(pauseBefore(0, 0), 250);
  assert.equal(pauseBefore(99, 1), 15_000);
});

test("a lost connection is opened again, and again later each time, until one works", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { feed: live, sources, states } = feed();
  live.start();
  sources[0]?.send("error");
  assert.equal(sources[0]?.closed, true);
  mock.timers.tick(500);
  assert.equal(sources.length, 2);
  sources[1]?.send("error");
  mock.timers.tick(999);
  assert.equal(sources.length, 2);
  mock.timers.tick(1);
  sources[2]?.send("snapshot", good);
  assert.deepEqual(states, ["connecting", "reconnecting", "reconnecting", "live"]);
  mock.timers.reset();
});

test("a silent server is taken for dead", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { feed: live, sources, states } = feed();
  live.start();
  sources[0]?.send("snapshot", good);
  mock.timers.tick(SILENCE_MS);
  assert.equal(states.at(-1), "reconnecting");
  assert.equal(sources[0]?.closed, true);
  mock.timers.reset();
});

test("while paused nothing is opened and late messages are ignored", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { feed: live, sources, states } = feed();
  live.start();
  live.pause();
  sources[0]?.send("snapshot", good);
  sources[0]?.send("error");
  mock.timers.tick(10 * SILENCE_MS);
  assert.equal(sources.length, 1);
  assert.equal(states.at(-1), "paused");
  mock.timers.reset();
});

test("a server that speaks otherwise says so to the reader", () => {
  mock.timers.enable({ apis: ["setTimeout"] });
  const { feed: live, sources, states } = feed();
  live.start();
  sources[0]?.send("snapshot", "{}");
  assert.equal(states.at(-1), "outdated");
  mock.timers.reset();
});
