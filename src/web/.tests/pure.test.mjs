// test/pure.test.ts
import assert from "node:assert/strict";
import { test } from "node:test";

// src/berths.ts
var STATES = { o: "occupied", f: "free" };
var SQUARE = 10;
var GAP = 3;
var A_ROW = 20;
var statesOf = (face) => [...face.berths].map((letter) => STATES[letter] ?? "unknown");
function countsOf(states) {
  const found = { occupied: 0, free: 0, unknown: 0 };
  for (const state of states) found[state] += 1;
  return found;
}
function squares(states, wanted) {
  const step = SQUARE + GAP;
  return states.map((state, at2) => {
    if (state !== wanted) return "";
    const [x, y] = [at2 % A_ROW * step + 0.5, Math.floor(at2 / A_ROW) * step + 0.5];
    return `M${x} ${y}h${SQUARE}v${SQUARE}h-${SQUARE}z`;
  }).join("");
}
function sizeOf(berths) {
  const [columns, rows] = [Math.min(berths, A_ROW), Math.ceil(berths / A_ROW)];
  return [columns * (SQUARE + GAP) - GAP + 1, rows * (SQUARE + GAP) - GAP + 1];
}
function byZone(faces) {
  const found = /* @__PURE__ */ new Map();
  for (const face of faces) found.set(face.tariff_zone, [...found.get(face.tariff_zone) ?? [], face]);
  return [...found].sort(([one], [other]) => one.localeCompare(other, "en", { numeric: true }));
}

// src/durations.ts
function percentile(histogram, percent) {
  const all = histogram.reduce((sum, [, count2]) => sum + count2, 0);
  let seen = 0;
  for (const [seconds, count2] of histogram) {
    seen += count2;
    if (seen >= percent / 100 * all) return seconds;
  }
  return null;
}
function duration(seconds) {
  if (seconds < 10) return `${seconds.toFixed(2)} s`;
  if (seconds < 90) return `${seconds.toFixed(0)} s`;
  if (seconds < 5400) return `${(seconds / 60).toFixed(1)} min`;
  return `${(seconds / 3600).toFixed(1)} h`;
}
function bars(histogram, aDoubling = 4) {
  const counts2 = /* @__PURE__ */ new Map();
  for (const [seconds, count2] of histogram) {
    const place = Math.ceil(Math.log2(seconds) * aDoubling - 1e-6);
    counts2.set(place, (counts2.get(place) ?? 0) + count2);
  }
  const places = [...counts2.keys()];
  const found = [];
  for (let place = Math.min(...places); place <= Math.max(...places); place++) {
    found.push({ end: 2 ** (place / aDoubling), count: counts2.get(place) ?? 0 });
  }
  return found;
}

// src/city_map.ts
function districtsOf(answer) {
  const features = answer?.features;
  if (!Array.isArray(features)) return [];
  return features.flatMap((feature) => {
    const { properties, geometry } = feature ?? {};
    const polygons = geometry?.type === "Polygon" ? [geometry.coordinates] : geometry?.coordinates;
    if (!Array.isArray(polygons) || typeof properties?.name_en !== "string") return [];
    return [{ name: properties.name_en, rings: polygons.flatMap((polygon) => polygon) }];
  });
}
function boxAround(districts) {
  const points = districts.flatMap((district) => district.rings.flat());
  if (points.length === 0) return null;
  const east = points.map((point) => point[0]);
  const north = points.map((point) => point[1]);
  return {
    west: Math.min(...east),
    south: Math.min(...north),
    east: Math.max(...east),
    north: Math.max(...north)
  };
}
var Projection = class {
  constructor(box, height) {
    this.box = box;
    this.height = height;
    this.perDegree = height / (box.north - box.south);
    this.shrink = Math.cos((box.north + box.south) / 2 * Math.PI / 180);
    this.width = (box.east - box.west) * this.perDegree * this.shrink;
  }
  box;
  height;
  width;
  perDegree;
  shrink;
  x(longitude) {
    return (longitude - this.box.west) * this.perDegree * this.shrink;
  }
  y(latitude) {
    return (this.box.north - latitude) * this.perDegree;
  }
  /** An outline as SVG path data. */
  path(ring) {
    const points = ring.map(([east, north]) => `${this.x(east).toFixed(1)} ${this.y(north).toFixed(1)}`);
    return `M${points.join("L")}Z`;
  }
};
var strength = (count2, most) => most > 0 ? Math.sqrt(count2 / most) : 0;

// src/format.ts
var whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
var tenth = new Intl.NumberFormat("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
var money = new Intl.NumberFormat("en", { style: "currency", currency: "CNY", currencyDisplay: "narrowSymbol" });
var compact = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
var clockIn = (timeZone) => new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone });
var momentIn = (timeZone) => new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "medium", timeZone });
var zone = "UTC";
var clock = clockIn(zone);
var moment = momentIn(zone);
function takeZone(name) {
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
var count = (value) => whole.format(value);
var shortCount = (value) => (value < 1e5 ? whole : compact).format(value);
var rate = (value) => (value < 99.95 ? tenth : whole).format(value);
var yuan = (fen) => money.format(fen / 100);
function readable(code) {
  const words = code.replaceAll(/[-_]+/g, " ").trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}
var stepOf = (topic) => topic.slice(topic.lastIndexOf(".") + 1);
function shortStream(streamId) {
  const hyphen = streamId.indexOf("-");
  if (hyphen < 0 || streamId.length - hyphen <= 10) return streamId;
  return `${streamId.slice(0, hyphen)} \u2026${streamId.slice(-8)}`;
}
function timeOfDay(iso) {
  const at2 = new Date(iso);
  return Number.isNaN(at2.getTime()) ? iso : clock.format(at2);
}
function dateAndTime(iso) {
  const at2 = new Date(iso);
  return Number.isNaN(at2.getTime()) ? iso : moment.format(at2);
}
var plural = (value, one, many = `${one}s`) => `${count(value)} ${value === 1 ? one : many}`;
var mostOf = (counts2, most) => Object.entries(counts2).sort(([one, some], [other, more]) => more - some || one.localeCompare(other)).slice(0, most).map(([kind, value]) => `${shortCount(value)} ${kind.replaceAll("-", " ")}`).join(" \xB7 ");

// src/names.ts
var names = /* @__PURE__ */ new Map();
var nameOf = (code) => names.get(code) ?? { text: readable(code), own: code };
function takeNames(answer) {
  if (typeof answer !== "object" || answer === null) return;
  for (const list2 of Object.values(answer)) {
    if (!Array.isArray(list2)) continue;
    for (const item of list2) {
      const { code, name, name_en: english } = item ?? {};
      if (typeof code === "string" && typeof name === "string" && typeof english === "string") {
        names.set(code, { text: english, own: name });
      }
    }
  }
}

// src/open_cases.ts
function openTable(counts2) {
  const byDepartment = /* @__PURE__ */ new Map();
  const byClass = /* @__PURE__ */ new Map();
  for (const { department, class_code, open } of counts2) {
    if (open <= 0) continue;
    byDepartment.set(department, (byDepartment.get(department) ?? 0) + open);
    const row = byClass.get(class_code) ?? /* @__PURE__ */ new Map();
    row.set(department, (row.get(department) ?? 0) + open);
    byClass.set(class_code, row);
  }
  const departments = [...byDepartment.keys()].sort(
    (one, other) => Number(one === null) - Number(other === null) || (byDepartment.get(other) ?? 0) - (byDepartment.get(one) ?? 0) || String(one).localeCompare(String(other))
  );
  const rows = [...byClass].map(([class_code, row]) => ({
    class_code,
    cells: departments.map((department) => row.get(department) ?? 0),
    total: [...row.values()].reduce((sum, open) => sum + open, 0)
  })).sort((one, other) => other.total - one.total || one.class_code.localeCompare(other.class_code));
  return {
    departments,
    rows,
    totals: departments.map((department) => byDepartment.get(department) ?? 0),
    most: Math.max(1, ...rows.flatMap((row) => row.cells))
  };
}

// src/road.ts
var APART = 150;
var HALF = 60;
var MIDDLE = 84;
var LAMP = 17;
var BAR = 24;
var A_VEHICLE = 2.2;
var LONGEST = 34;
var WIDE = 7;
var TURN = 9;
var sizeOfRoad = (junctions) => [
  Math.max(1, junctions) * APART,
  2 * MIDDLE
];
function towards(bearing) {
  const radians = bearing * Math.PI / 180;
  return [Math.round(Math.sin(radians) * 1e3) / 1e3, Math.round(-Math.cos(radians) * 1e3) / 1e3];
}
var text = (values) => Object.fromEntries(Object.entries(values).map(([name, value]) => [name, `${Math.round(value * 10) / 10}`]));
function streets(junction2, place) {
  const x = (place + 0.5) * APART;
  return junction2.arms.map(({ bearing }) => {
    const [east, south] = towards(bearing);
    const far = east === 0 ? HALF + BAR : APART / 2;
    const ends = { x1: x, y1: MIDDLE, x2: x + east * far, y2: MIDDLE + south * far };
    return { tag: "line", attributes: { class: "street", ...text(ends) } };
  });
}
var signs = (junction2, place) => junction2.arms.flatMap((arm) => [...queue(arm, place), ...lamps(arm, place)]);
function queue(arm, place) {
  const long = Math.min(LONGEST, arm.queue * A_VEHICLE);
  if (long < 0.5) return [];
  const [x, y] = at(arm.bearing, place, BAR, 0);
  const [east, south] = towards(arm.bearing);
  const ends = { x1: x, y1: y, x2: x + east * long, y2: y + south * long };
  return [{ tag: "line", attributes: { class: "queue", ...text(ends) } }];
}
function lamps(arm, place) {
  const shapes = [];
  const found = [
    [arm.on, 0, WIDE / 2],
    [arm.left, TURN, WIDE / 2 - 1]
  ];
  for (const [shown, aside, radius] of found) {
    if (shown === null) continue;
    const [cx, cy] = at(arm.bearing, place, LAMP, aside);
    shapes.push({ tag: "circle", attributes: { class: `signal of-${shown}`, ...text({ cx, cy, r: radius }) } });
  }
  return shapes;
}
function at(bearing, place, far, aside) {
  const [east, south] = towards(bearing);
  return [(place + 0.5) * APART + east * far - south * aside, MIDDLE + south * far + east * aside];
}

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
function text2(from, name) {
  const value = from[name];
  if (typeof value !== "string") throw new UnreadableSnapshot(`${name} is not a text`);
  return value;
}
function textOrNull(from, name) {
  return from[name] === null || from[name] === void 0 || from[name] === "" ? null : text2(from, name);
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
  const squares2 = from["squares"];
  if (!Array.isArray(squares2)) throw new UnreadableSnapshot("squares is not a list");
  return {
    reported: number(counts2, "reported"),
    detections: number(counts2, "detections"),
    handled: number(counts2, "handled"),
    overdue: number(from, "overdue"),
    within_1_hour: number(from, "within_1_hour"),
    handled_in_time: share(rates, "handled_in_time"),
    rework: share(rates, "rework"),
    squares_a_degree: number(from, "squares_a_degree"),
    squares: squares2.map((each) => {
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
      zone_id: text2(item, "zone_id"),
      name: text2(item, "name"),
      tariff_zone: text2(item, "tariff_zone"),
      berths: text2(item, "berths")
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
  return Object.fromEntries(Object.keys(found).map((key) => [key, text2(found, key)]));
}
function busFirst(value) {
  if (value === null || value === void 0) return null;
  const from = fields(value, "a bus");
  return { line: text2(from, "line"), late_s: share(from, "late_s") };
}
function junction(item) {
  const faults = item["faults"];
  if (!Array.isArray(faults)) throw new UnreadableSnapshot("faults is not a list");
  return {
    junction: text2(item, "junction"),
    name: text2(item, "name"),
    standing: text2(item, "standing"),
    strategy: text2(item, "strategy"),
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
    incarnation: text2(all, "incarnation"),
    city_zone: text2(all, "city_zone"),
    streams: list(all, "streams", (item) => ({
      category: text2(item, "category"),
      streams: number(item, "streams"),
      events: number(item, "events")
    })),
    newest: list(all, "newest", (item) => ({
      position: number(item, "position"),
      topic: text2(item, "topic"),
      stream_id: text2(item, "stream_id"),
      recorded_at: text2(item, "recorded_at"),
      class_code: textOrNull(item, "class_code"),
      simulated: item["simulated"] === true ? true : item["simulated"] === false ? false : null
    })).sort((one, other) => other.position - one.position),
    lag: list(all, "lag", (item) => ({
      projection: text2(item, "projection"),
      position: number(item, "position"),
      lag: number(item, "lag")
    })),
    open: list(all, "open", (item) => ({
      department: textOrNull(item, "department"),
      class_code: text2(item, "class_code"),
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

// src/spark.ts
var WINDOW_MS = 12e4;
var SHORTEST_MS = 15e3;
function within(samples, now) {
  const first = samples.findIndex((sample) => sample.at >= now - WINDOW_MS);
  return first < 0 ? samples.slice(-1) : samples.slice(Math.max(0, first - 1));
}
function scale(samples) {
  const peak = samples.reduce((most, sample) => Math.max(most, sample.value), 0);
  const unit = 10 ** Math.floor(Math.log10(Math.max(peak, 1)));
  const top = [1, 2, 5, 10].map((step) => step * unit).find((step) => step >= peak) ?? peak;
  return { peak, top };
}
function paths(samples, now, width, height) {
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

// test/pure.test.ts
var snapshot = {
  head: 3,
  incarnation: "6f1c",
  city_zone: "America/New_York",
  streams: [{ category: "case", streams: 1, events: 3 }],
  newest: [
    { position: 2, topic: "case.filed", stream_id: "case-1", recorded_at: "2026-01-01T00:00:00Z", class_code: null, simulated: null },
    { position: 3, topic: "case.dispatched", stream_id: "case-1", recorded_at: "2026-01-01T00:00:01Z", class_code: "road-damage", simulated: true }
  ],
  lag: [{ projection: "case_desk", position: 3, lag: 0 }],
  open: [{ department: "", class_code: "road-damage", open: 1 }],
  open_total: 1,
  rate_per_second: 0.5,
  simulated: true,
  applications: {
    submitted: 4,
    paid: 2,
    refused: 1,
    waiting: 1,
    overdue: 0,
    stranded: 0,
    seconds: [[0.4, 1], [0.8, 1]],
    saved: { materials: [12, 0], steps: [8, 2], trips: [2, 1] }
  },
  cases: {
    counts: { reported: 3, detections: 9, handled: 1 },
    rates: { handled_in_time: null, rework: 0.5 },
    overdue: 1,
    within_1_hour: 2,
    squares_a_degree: 200,
    squares: [[6949, 22725, 2], [6950, 22725, 1]]
  },
  parking: {
    berths: { occupied: 2, unknown: 1 },
    sessions: { parked: 2, settled: 3 },
    faces: [{ zone_id: "z-1", name: "West", tariff_zone: "1", berths: "oou" }],
    today: { charged_fen: 1200, settled_fen: 800, captured_fen: 900, returned_fen: 100 },
    anomalies: { sentinel: 1, "device-silent": 3 }
  },
  signals: {
    standing: { centre: 1 },
    faulty: 1,
    junctions: [{
      junction: "renmin_1",
      name: "\u4EBA\u6C11\u8DEF\u8207\u4E00\u8857",
      standing: "centre",
      strategy: "adaptive",
      stage: "A",
      bus: { line: "renmin_east", late_s: 75 },
      lamps: { V1: "green", V2: "red" },
      faults: ["detector:CW1"],
      last: { queue: 4.2, vehicles: 30, delay_seconds: 21.5 },
      before: null,
      arms: [{ bearing: 0, queue: 0, on: "red" }, { bearing: 270, queue: 4.2, on: "green", left: "red" }]
    }]
  }
};
test("a snapshot is read, newest event first, and members of a newer server are ignored", () => {
  const read = parseSnapshot(JSON.stringify({ ...snapshot, more: 1 }));
  assert.deepEqual(read.newest.map((event) => event.position), [3, 2]);
  assert.equal(read.open[0]?.department, null);
  assert.equal(read.newest[1]?.simulated, null);
  assert.deepEqual(read.parking.berths, { occupied: 2, free: 0, unknown: 1 });
  assert.deepEqual([read.parking.captured_fen, read.parking.returned_fen], [900, 100]);
  assert.deepEqual(read.parking.anomalies, { sentinel: 1, "device-silent": 3 });
  const [junction2] = read.signals.junctions;
  assert.deepEqual(junction2?.last, { queue: 4.2, vehicles: 30, delay_seconds: 21.5 });
  assert.equal(junction2?.before, null);
  assert.deepEqual(junction2?.bus, { line: "renmin_east", late_s: 75 });
  assert.deepEqual(junction2?.arms[0], { bearing: 0, queue: 0, on: "red", left: null });
});
test("a junction is drawn with its streets, the lamps of each arm, and a bar where somebody stands", () => {
  const [junction2] = parseSnapshot(JSON.stringify(snapshot)).signals.junctions;
  assert.ok(junction2);
  assert.deepEqual(sizeOfRoad(4), [600, 168]);
  const [north, west] = streets(junction2, 1);
  assert.deepEqual(north?.attributes, { class: "street", x1: "225", y1: "84", x2: "225", y2: "0" });
  assert.deepEqual(west?.attributes, { class: "street", x1: "225", y1: "84", x2: "150", y2: "84" });
  const drawn = signs(junction2, 1);
  assert.deepEqual(drawn.map((each) => each.attributes["class"]), ["signal of-red", "queue", "signal of-green", "signal of-red"]);
  const [, bar, on, left] = drawn;
  assert.deepEqual([bar?.attributes["x1"], bar?.attributes["x2"], bar?.attributes["y2"]], ["201", "191.8", "84"]);
  assert.deepEqual([on?.attributes["cx"], on?.attributes["cy"]], ["208", "84"]);
  assert.deepEqual([left?.attributes["cx"], left?.attributes["cy"]], ["208", "75"]);
});
test("what is not a snapshot is refused", () => {
  for (const broken of ["", "null", "[]", "{}", JSON.stringify({ ...snapshot, head: "3" }), JSON.stringify({ ...snapshot, open: [1] }), JSON.stringify({ ...snapshot, applications: { ...snapshot.applications, seconds: [1] } }), JSON.stringify({ ...snapshot, parking: { ...snapshot.parking, today: {} } }), JSON.stringify({ ...snapshot, parking: { ...snapshot.parking, anomalies: { sentinel: "1" } } }), JSON.stringify({ ...snapshot, cases: { ...snapshot.cases, squares: [[1, 2]] } }), JSON.stringify({ ...snapshot, signals: { ...snapshot.signals, junctions: [{}] } })]) {
    assert.throws(() => parseSnapshot(broken), UnreadableSnapshot, broken);
  }
});
test("figures, codes and times are written for readers", () => {
  assert.equal(count(12481), "12,481");
  assert.equal(shortCount(124e4), "1.2M");
  assert.equal(rate(38.24), "38.2");
  assert.equal(rate(99.97), "100");
  assert.equal(readable("overflowing-bin"), "Overflowing bin");
  assert.equal(stepOf("case.reported"), "reported");
  assert.equal(shortStream("case-01939f2b00007000800053767952abcd"), "case \u20267952abcd");
  assert.equal(shortStream("case-1"), "case-1");
  assert.equal(takeZone("Asia/Shanghai"), "Asia/Shanghai");
  assert.equal(timeOfDay("2026-01-01T02:30:00Z"), "10:30:00");
  assert.equal(takeZone("America/New_York"), "America/New_York");
  assert.equal(timeOfDay("2026-01-01T02:30:00Z"), "21:30:00");
  assert.equal(dateAndTime("2026-01-01T02:30:00Z"), "31 Dec 2025, 21:30:00");
  assert.equal(takeZone("Nowhere/Here"), "UTC");
  assert.equal(timeOfDay("2026-01-01T02:30:00Z"), "02:30:00");
  assert.equal(timeOfDay("never"), "never");
  assert.equal(yuan(123450), "\xA51,234.50");
  assert.equal(plural(1, "event"), "1 event");
  assert.equal(plural(0, "event"), "0 events");
  assert.equal(mostOf({ sentinel: 1, "device-silent": 3, "no-sign": 1 }, 2), "3 device silent \xB7 1 no sign");
  assert.equal(mostOf({}, 2), "");
});
test("open cases become a table: the most first, not dispatched last, zeros left out", () => {
  const table = openTable([
    { department: null, class_code: "road-damage", open: 9 },
    { department: "parks", class_code: "road-damage", open: 2 },
    { department: "water", class_code: "standing-water", open: 5 },
    { department: "police", class_code: "piled-rubbish", open: 0 }
  ]);
  assert.deepEqual(table.departments, ["water", "parks", null]);
  assert.deepEqual(table.rows.map((row) => [row.class_code, row.cells]), [
    ["road-damage", [0, 2, 9]],
    ["standing-water", [5, 0, 0]]
  ]);
  assert.deepEqual(table.totals, [5, 2, 9]);
  assert.equal(table.most, 9);
});
test("the rate's window keeps one sample before it, and forgets the rest", () => {
  const samples = [0, 5e4, 1e5, 2e5].map((at2) => ({ at: at2, value: 1 }));
  assert.deepEqual(within(samples, 2e5).map((sample) => sample.at), [5e4, 1e5, 2e5]);
  assert.deepEqual(within([], 0), []);
});
test("the scale ends at a round figure and the line stays in its box", () => {
  assert.deepEqual(scale([{ at: 0, value: 17 }]), { peak: 17, top: 20 });
  assert.deepEqual(scale([]), { peak: 0, top: 1 });
  const { line } = paths([{ at: 0, value: 0 }, { at: 6e4, value: 17 }], 6e4, 240, 44);
  assert.match(line, /^M0\.0 42\.0L240\.0 8\.0$/);
  assert.deepEqual(paths([], 0, 240, 44), { line: "", area: "" });
});
test("names come from the definitions, and from the code where there is none", () => {
  takeNames({ version: "1", classes: [{ code: "road_damage", name: "\u9053\u8DEF\u7834\u640D", name_en: "Road damage" }, null, 3] });
  takeNames("nonsense");
  assert.deepEqual(nameOf("road_damage"), { text: "Road damage", own: "\u9053\u8DEF\u7834\u640D" });
  assert.deepEqual(nameOf("piled_rubbish"), { text: "Piled rubbish", own: "piled_rubbish" });
});
test("durations: percentiles by nearest rank, bars of equal ratio with their gaps", () => {
  const histogram = [[0.25, 90], [0.5, 9], [4, 1]];
  assert.equal(percentile(histogram, 50), 0.25);
  assert.equal(percentile(histogram, 99), 0.5);
  assert.equal(percentile(histogram, 100), 4);
  assert.equal(percentile([], 50), null);
  const found = bars(histogram, 1);
  assert.deepEqual(found.map((bar) => bar.count), [90, 9, 0, 0, 1]);
  assert.equal(found.at(-1)?.end, 4);
  assert.deepEqual([0.412, 31, 150, 8e3].map(duration), ["0.41 s", "31 s", "2.5 min", "2.2 h"]);
});
test("the map is north up, true to distance in its middle, and strong where much is", () => {
  const ring = [[113, 34], [114, 34], [114, 35], [113, 35], [113, 34]];
  const features = [
    { properties: { name_en: "A" }, geometry: { type: "Polygon", coordinates: [ring] } },
    { properties: {}, geometry: null }
  ];
  const districts = districtsOf({ features });
  assert.equal(districts.length, 1);
  assert.deepEqual(districtsOf("no"), []);
  const box = boxAround(districts);
  assert.deepEqual(box, { west: 113, south: 34, east: 114, north: 35 });
  assert.equal(boxAround([]), null);
  assert.ok(box);
  const onto = new Projection(box, 100);
  assert.equal(onto.y(35), 0);
  assert.equal(onto.y(34), 100);
  assert.ok(Math.abs(onto.width - 100 * Math.cos(34.5 * Math.PI / 180)) < 1e-9);
  assert.match(onto.path(districts[0]?.rings[0] ?? []), /^M0\.0 100\.0L.*Z$/);
  assert.deepEqual([strength(0, 4), strength(1, 4), strength(4, 4), strength(0, 0)], [0, 0.5, 1, 0]);
});
test("berths: a square each by number, in rows of twenty, what is not known is neither free nor taken", () => {
  const face = { zone_id: "z-1", name: "West", tariff_zone: "2", berths: "ofux" };
  const states = statesOf(face);
  assert.deepEqual(states, ["occupied", "free", "unknown", "unknown"]);
  assert.deepEqual(countsOf(states), { occupied: 1, free: 1, unknown: 2 });
  assert.equal(squares(states, "free"), "M13.5 0.5h10v10h-10z");
  assert.deepEqual(sizeOf(4), [50, 11]);
  assert.deepEqual(sizeOf(21), [258, 24]);
  assert.equal(squares(statesOf({ ...face, berths: `${"f".repeat(20)}o` }), "occupied"), "M0.5 13.5h10v10h-10z");
});
test("block faces are grouped by tariff zone, the zones in the order of their numbers", () => {
  const face = (zone_id, tariff_zone) => ({ zone_id, name: zone_id, tariff_zone, berths: "" });
  const zones = byZone([face("a", "10"), face("b", "2"), face("c", "10")]);
  assert.deepEqual(zones.map(([zone2, faces]) => [zone2, faces.map((each) => each.zone_id)]), [["2", ["b"]], ["10", ["a", "c"]]]);
});
