// test/feed.test.ts
import assert from "node:assert/strict";
import { mock, test } from "node:test";

// src/snapshot.ts
var UnreadableSnapshot = class extends Error {
};
function fields(value, what) {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UnreadableSnapshot(`${what} is not an object`);
  }
  return value;
}
function list(from, name, read) {
  const value = from[name];
  if (!Array.isArray(value)) throw new UnreadableSnapshot(`${name} is not a list`);
  return value.map((item) => read(fields(item, `an item of ${name}`)));
}
function number(from, name) {
  const value = from[name];
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new UnreadableSnapshot(`${name} is not a number`);
  }
  return value;
}
function text(from, name) {
  const value = from[name];
  if (typeof value !== "string") throw new UnreadableSnapshot(`${name} is not a text`);
  return value;
}
function textOrNull(from, name) {
  return from[name] === null || from[name] === void 0 || from[name] === "" ? null : text(from, name);
}
function pair(value, what) {
  if (!Array.isArray(value) || value.length !== 2 || !value.every(Number.isFinite)) {
    throw new UnreadableSnapshot(`${what} is not a pair of numbers`);
  }
  return [value[0], value[1]];
}
function applications(all) {
  const from = fields(all["applications"], "applications");
  const saved = fields(from["saved"], "saved");
  const seconds = from["seconds"];
  if (!Array.isArray(seconds)) throw new UnreadableSnapshot("seconds is not a list");
  return {
    submitted: number(from, "submitted"),
    paid: number(from, "paid"),
    refused: number(from, "refused"),
    waiting: number(from, "waiting"),
    overdue: number(from, "overdue"),
    stranded: number(from, "stranded"),
    seconds: seconds.map((each) => pair(each, "an item of seconds")),
    saved: {
      materials: pair(saved["materials"], "materials"),
      steps: pair(saved["steps"], "steps"),
      trips: pair(saved["trips"], "trips")
    }
  };
}
function share(from, name) {
  return from[name] === null || from[name] === void 0 ? null : number(from, name);
}
function cases(all) {
  const from = fields(all["cases"], "cases");
  const counts2 = fields(from["counts"], "counts");
  const rates = fields(from["rates"], "rates");
  const squares = from["squares"];
  if (!Array.isArray(squares)) throw new UnreadableSnapshot("squares is not a list");
  return {
    reported: number(counts2, "reported"),
    detections: number(counts2, "detections"),
    handled: number(counts2, "handled"),
    overdue: number(from, "overdue"),
    within_1_hour: number(from, "within_1_hour"),
    handled_in_time: share(rates, "handled_in_time"),
    rework: share(rates, "rework"),
    squares_a_degree: number(from, "squares_a_degree"),
    squares: squares.map((each) => {
      if (!Array.isArray(each) || each.length !== 3 || !each.every(Number.isFinite)) {
        throw new UnreadableSnapshot("an item of squares is not three numbers");
      }
      return [each[0], each[1], each[2]];
    })
  };
}
function counts(from, name) {
  const found = fields(from[name], name);
  return Object.fromEntries(Object.keys(found).map((key) => [key, number(found, key)]));
}
function parking(all) {
  const from = fields(all["parking"], "parking");
  const berths = counts(from, "berths");
  const today = fields(from["today"], "today");
  return {
    berths: {
      occupied: berths["occupied"] ?? 0,
      free: berths["free"] ?? 0,
      unknown: berths["unknown"] ?? 0
    },
    sessions: counts(from, "sessions"),
    faces: list(from, "faces", (item) => ({
      zone_id: text(item, "zone_id"),
      name: text(item, "name"),
      tariff_zone: text(item, "tariff_zone"),
      berths: text(item, "berths")
    })),
    charged_fen: number(today, "charged_fen"),
    settled_fen: number(today, "settled_fen"),
    captured_fen: number(today, "captured_fen"),
    returned_fen: number(today, "returned_fen"),
    anomalies: counts(from, "anomalies")
  };
}
function cost(value) {
  if (value === null || value === void 0) return null;
  const from = fields(value, "a cost");
  return {
    queue: number(from, "queue"),
    vehicles: number(from, "vehicles"),
    delay_seconds: share(from, "delay_seconds")
  };
}
function texts(from, name) {
  const found = fields(from[name], name);
  return Object.fromEntries(Object.keys(found).map((key) => [key, text(found, key)]));
}
function busFirst(value) {
  if (value === null || value === void 0) return null;
  const from = fields(value, "a bus");
  return { line: text(from, "line"), late_s: share(from, "late_s") };
}
function junction(item) {
  const faults = item["faults"];
  if (!Array.isArray(faults)) throw new UnreadableSnapshot("faults is not a list");
  return {
    junction: text(item, "junction"),
    name: text(item, "name"),
    standing: text(item, "standing"),
    strategy: text(item, "strategy"),
    stage: textOrNull(item, "stage"),
    bus: busFirst(item["bus"]),
    lamps: texts(item, "lamps"),
    faults: faults.map(String),
    simulated: item["simulated"] === true,
    last: cost(item["last"]),
    before: cost(item["before"]),
    arms: list(item, "arms", (arm) => ({
      bearing: number(arm, "bearing"),
      queue: number(arm, "queue"),
      on: textOrNull(arm, "on"),
      left: textOrNull(arm, "left")
    }))
  };
}
function signals(all) {
  const from = fields(all["signals"], "signals");
  return {
    standing: counts(from, "standing"),
    faulty: number(from, "faulty"),
    junctions: list(from, "junctions", junction)
  };
}
function parseSnapshot(data) {
  let parsed;
  try {
    parsed = JSON.parse(data);
  } catch {
    throw new UnreadableSnapshot("not JSON");
  }
  const all = fields(parsed, "the snapshot");
  return {
    head: number(all, "head"),
    incarnation: text(all, "incarnation"),
    city_zone: text(all, "city_zone"),
    streams: list(all, "streams", (item) => ({
      category: text(item, "category"),
      streams: number(item, "streams"),
      events: number(item, "events")
    })),
    newest: list(all, "newest", (item) => ({
      position: number(item, "position"),
      topic: text(item, "topic"),
      stream_id: text(item, "stream_id"),
      recorded_at: text(item, "recorded_at"),
      class_code: textOrNull(item, "class_code"),
      simulated: item["simulated"] === true ? true : item["simulated"] === false ? false : null
    })).sort((one, other) => other.position - one.position),
    lag: list(all, "lag", (item) => ({
      projection: text(item, "projection"),
      position: number(item, "position"),
      lag: number(item, "lag")
    })),
    open: list(all, "open", (item) => ({
      department: textOrNull(item, "department"),
      class_code: text(item, "class_code"),
      open: number(item, "open")
    })),
    open_total: number(all, "open_total"),
    rate_per_second: number(all, "rate_per_second"),
    simulated: all["simulated"] === true,
    applications: applications(all),
    cases: cases(all),
    parking: parking(all),
    signals: signals(all)
  };
}

// src/feed.ts
var SILENCE_MS = 2e4;
var FIRST_PAUSE_MS = 500;
var LONGEST_PAUSE_MS = 15e3;
function pauseBefore(attempt, jitter) {
  const full = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(attempt, 10));
  return Math.round(full * (0.5 + jitter / 2));
}
function changed(snapshot, changes) {
  const whole = JSON.parse(snapshot);
  for (const [name, value] of Object.entries(JSON.parse(changes))) {
    if (name === "newest") whole[name] = [...list2(value), ...list2(whole[name])].slice(0, NEWEST);
    else whole[name] = isObject(value) && isObject(whole[name]) ? { ...whole[name], ...value } : value;
  }
  return JSON.stringify(whole);
}
var NEWEST = 40;
var list2 = (value) => Array.isArray(value) ? value : [];
function isObject(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
var Feed = class {
  constructor(url, listener, options) {
    this.url = url;
    this.listener = listener;
    this.options = options;
  }
  url;
  listener;
  options;
  source = null;
  retry;
  silence;
  attempt = 0;
  last = "{}";
  /** Connect, or connect again at once. */
  start() {
    this.close();
    this.attempt = 0;
    this.listener.state("connecting");
    this.connect();
  }
  /** Let go of the connection, for example while nobody looks at the page. */
  pause() {
    this.close();
    this.listener.state("paused");
  }
  connect() {
    const source = this.options.open(this.url);
    this.source = source;
    this.watch();
    source.addEventListener("snapshot", (event) => {
      if (this.source === source) this.received(event.data);
    });
    source.addEventListener("changes", (event) => {
      if (this.source === source) this.received(changed(this.last, event.data));
    });
    source.addEventListener("error", () => {
      if (this.source === source) this.lost();
    });
  }
  received(data) {
    this.watch();
    this.last = data;
    try {
      const snapshot = parseSnapshot(data);
      this.attempt = 0;
      this.listener.state("live");
      this.listener.snapshot(snapshot);
    } catch (error) {
      if (!(error instanceof UnreadableSnapshot)) throw error;
      this.listener.state("outdated");
    }
  }
  lost() {
    this.close();
    this.listener.state("reconnecting");
    this.retry = setTimeout(() => this.connect(), pauseBefore(this.attempt, this.options.random()));
    this.attempt += 1;
  }
  watch() {
    clearTimeout(this.silence);
    this.silence = setTimeout(() => this.lost(), SILENCE_MS);
  }
  close() {
    clearTimeout(this.retry);
    clearTimeout(this.silence);
    this.source?.close();
    this.source = null;
  }
};

// test/feed.test.ts
var good = JSON.stringify({
  head: 0,
  incarnation: "a",
  city_zone: "Asia/Shanghai",
  streams: [],
  newest: [],
  lag: [],
  open: [],
  open_total: 0,
  rate_per_second: 0,
  simulated: false,
  applications: {
    submitted: 0,
    paid: 0,
    refused: 0,
    waiting: 0,
    overdue: 0,
    stranded: 0,
    seconds: [],
    saved: { materials: [0, 0], steps: [0, 0], trips: [0, 0] }
  },
  cases: {
    counts: { reported: 0, detections: 0, handled: 0 },
    rates: {},
    overdue: 0,
    within_1_hour: 0,
    squares_a_degree: 200,
    squares: []
  },
  parking: { berths: {}, sessions: {}, faces: [], anomalies: {}, today: { charged_fen: 0, settled_fen: 0, captured_fen: 0, returned_fen: 0 } },
  signals: { standing: {}, faulty: 0, junctions: [] }
});
var FakeSource = class {
  listeners = /* @__PURE__ */ new Map();
  closed = false;
  addEventListener(name, listener) {
    this.listeners.set(name, listener);
  }
  close() {
    this.closed = true;
  }
  send(name, data = "") {
    this.listeners.get(name)?.({ data });
  }
};
function feed() {
  const sources = [];
  const states = [];
  const open = () => {
    const source = new FakeSource();
    sources.push(source);
    return source;
  };
  const listener = { snapshot: () => void 0, state: (state) => states.push(state) };
  return { feed: new Feed("/live", listener, { open, random: () => 1 }), sources, states };
}
test("pauses double, are jittered, and never exceed fifteen seconds", () => {
  assert.deepEqual([0, 1, 2].map((attempt) => pauseBefore(attempt, 1)), [500, 1e3, 2e3]);
  assert.equal(pauseBefore(0, 0), 250);
  assert.equal(pauseBefore(99, 1), 15e3);
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
