// The functions that only compute: reading a snapshot, writing figures, laying out, drawing.

import assert from "node:assert/strict";
import { test } from "node:test";
import { byZone, countsOf, sizeOf, squares, statesOf } from "../src/berths";
import { bars, duration, percentile } from "../src/durations";
import { boxAround, districtsOf, Projection, strength } from "../src/city_map";
import { count, dateAndTime, mostOf, plural, rate, readable, shortCount, shortStream, stepOf, takeZone, timeOfDay, yuan } from "../src/format";
import { nameOf, takeNames } from "../src/names";
import { openTable } from "../src/open_cases";
import { signs, sizeOfRoad, streets } from "../src/road";
import { parseSnapshot, UnreadableSnapshot } from "../src/snapshot";
import { paths, scale, within } from "../src/spark";

const snapshot = {
  head: 3,
  incarnation: "6f1c",
  city_zone: "America/New_York",
  streams: [{ category: "case", streams: 1, events: 3 }],
  newest: [
    { position: 2, topic: "case.filed", stream_id: "case-1", recorded_at: "2026-01-01T00:00:00Z", class_code: null, simulated: null },
    { position: 3, topic: "case.dispatched", stream_id: "case-1", recorded_at: "2026-01-01T00:00:01Z", class_code: "road-damage", simulated: true },
  ],
  lag: [{ projection: "case_desk", position: 3, lag: 0 }],
  open: [{ department: "", class_code: "road-damage", open: 1 }],
  open_total: 1,
  rate_per_second: 0.5,
  simulated: true,
  applications: {
    submitted: 4, paid: 2, refused: 1, waiting: 1, overdue: 0, stranded: 0, seconds: [[0.4, 1], [0.8, 1]],
    saved: { materials: [12, 0], steps: [8, 2], trips: [2, 1] },
  },
  cases: {
    counts: { reported: 3, detections: 9, handled: 1 }, rates: { handled_in_time: null, rework: 0.5 },
    overdue: 1, within_1_hour: 2, squares_a_degree: 200, squares: [[6949, 22725, 2], [6950, 22725, 1]],
  },
  parking: {
    berths: { occupied: 2, unknown: 1 }, sessions: { parked: 2, settled: 3 },
    faces: [{ zone_id: "z-1", name: "West", tariff_zone: "1", berths: "oou" }],
    today: { charged_fen: 1200, settled_fen: 800, captured_fen: 900, returned_fen: 100 },
    anomalies: { sentinel: 1, "device-silent": 3 },
  },
  signals: {
    standing: { centre: 1 }, faulty: 1,
    junctions: [{
      junction: "renmin_1", name: "人民路與一街", standing: "centre", strategy: "adaptive", stage: "A", bus: { line: "renmin_east", late_s: 75 },
      lamps: { V1: "green", V2: "red" }, faults: ["detector:CW1"],
      last: { queue: 4.2, vehicles: 30, delay_seconds: 21.5 }, before: null,
      arms: [{ bearing: 0, queue: 0, on: "red" }, { bearing: 270, queue: 4.2, on: "green", left: "red" }],
    }],
  },
};

test("a snapshot is read, newest event first, and members of a newer server are ignored", () => {
  const read = parseSnapshot(JSON.stringify({ ...snapshot, more: 1 }));
  assert.deepEqual(read.newest.map((event) => event.position), [3, 2]);
  assert.equal(read.open[0]?.department, null);
  assert.equal(read.newest[1]?.simulated, null);
  assert.deepEqual(read.parking.berths, { occupied: 2, free: 0, unknown: 1 });
  assert.deepEqual([read.parking.captured_fen, read.parking.returned_fen], [900, 100]);
  assert.deepEqual(read.parking.anomalies, { sentinel: 1, "device-silent": 3 });
  const [junction] = read.signals.junctions;
  assert.deepEqual(junction?.last, { queue: 4.2, vehicles: 30, delay_seconds: 21.5 });
  assert.equal(junction?.before, null);
  assert.deepEqual(junction?.bus, { line: "renmin_east", late_s: 75 });
  assert.deepEqual(junction?.arms[0], { bearing: 0, queue: 0, on: "red", left: null });
});

test("a junction is drawn with its streets, the lamps of each arm, and a bar where somebody stands", () => {
  const [junction] = parseSnapshot(JSON.stringify(snapshot)).signals.junctions;
  assert.ok(junction);
  assert.deepEqual(sizeOfRoad(4), [600, 168]);
  const [north, west] = streets(junction, 1);
  assert.deepEqual(north?.attributes, { class: "street", x1: "225", y1: "84", x2: "225", y2: "0" });
  assert.deepEqual(west?.attributes, { class: "street", x1: "225", y1: "84", x2: "150", y2: "84" });
  const drawn = signs(junction, 1);
  assert.deepEqual(drawn.map((each) => each.attributes["class"]), ["signal of-red", "queue", "signal of-green", "signal of-red"]);
  const [, bar, on, left] = drawn;
  assert.deepEqual([bar?.attributes["x1"], bar?.attributes["x2"], bar?.attributes["y2"]], ["201", "191.8", "84"]);
  assert.deepEqual([on?.attributes["cx"], on?.attributes["cy"]], ["208", "84"]);
  assert.deepEqual([left?.attributes["cx"], left?.attributes["cy"]], ["208", "75"]); // who comes from the west has the north on the left
});

test("what is not a snapshot is refused", () => {
  for (const broken of ["", "null", "[]", "{}", JSON.stringify({ ...snapshot, head: "3" }), JSON.stringify({ ...snapshot, open: [1] }), JSON.stringify({ ...snapshot, applications: { ...snapshot.applications, seconds: [1] } }), JSON.stringify({ ...snapshot, parking: { ...snapshot.parking, today: {} } }), JSON.stringify({ ...snapshot, parking: { ...snapshot.parking, anomalies: { sentinel: "1" } } }), JSON.stringify({ ...snapshot, cases: { ...snapshot.cases, squares: [[1, 2]] } }), JSON.stringify({ ...snapshot, signals: { ...snapshot.signals, junctions: [{}] } })]) {
    assert.throws(() => parseSnapshot(broken), UnreadableSnapshot, broken);
  }
});

test("figures, codes and times are written for readers", () => {
  assert.equal(count(12481), "12,481");
  assert.equal(shortCount(1_240_000), "1.2M");
  assert.equal(rate(38.24), "38.2");
  assert.equal(rate(99.97), "100");
  assert.equal(readable("overflowing-bin"), "Overflowing bin");
  assert.equal(stepOf("case.reported"), "reported");
  assert.equal(shortStream("case-01939f2b00007000800053767952abcd"), "case …7952abcd");
  assert.equal(shortStream("case-1"), "case-1");
  assert.equal(takeZone("Asia/Shanghai"), "Asia/Shanghai");
  assert.equal(timeOfDay("2026-01-01T02:30:00Z"), "10:30:00");
  assert.equal(takeZone("America/New_York"), "America/New_York");
  assert.equal(timeOfDay("2026-01-01T02:30:00Z"), "21:30:00");
  assert.equal(dateAndTime("2026-01-01T02:30:00Z"), "31 Dec 2025, 21:30:00");
  assert.equal(takeZone("Nowhere/Here"), "UTC");
  assert.equal(timeOfDay("2026-01-01T02:30:00Z"), "02:30:00");
  assert.equal(timeOfDay("never"), "never");
  assert.equal(yuan(123450), "¥1,234.50");
  assert.equal(plural(1, "event"), "1 event");
  assert.equal(plural(0, "event"), "0 events");
  assert.equal(mostOf({ sentinel: 1, "device-silent": 3, "no-sign": 1 }, 2), "3 device silent · 1 no sign");
  assert.equal(mostOf({}, 2), "");
});

test("open cases become a table: the most first, not dispatched last, zeros left out", () => {
  const table = openTable([
    { department: null, class_code: "road-damage", open: 9 },
    { department: "parks", class_code: "road-damage", open: 2 },
    { department: "water", class_code: "standing-water", open: 5 },
    { department: "police", class_code: "piled-rubbish", open: 0 },
  ]);
  assert.deepEqual(table.departments, ["water", "parks", null]);
  assert.deepEqual(table.rows.map((row) => [row.class_code, row.cells]), [
    ["road-damage", [0, 2, 9]],
    ["standing-water", [5, 0, 0]],
  ]);
  assert.deepEqual(table.totals, [5, 2, 9]);
  assert.equal(table.most, 9);
});

test("the rate's window keeps one sample before it, and forgets the rest", () => {
  const samples = [0, 50_000, 100_000, 200_000].map((at) => ({ at, value: 1 }));
  assert.deepEqual(within(samples, 200_000).map((sample) => sample.at), [50_000, 100_000, 200_000]);
  assert.deepEqual(within([], 0), []);
});

test("the scale ends at a round figure and the line stays in its box", () => {
  assert.deepEqual(scale([{ at: 0, value: 17 }]), { peak: 17, top: 20 });
  assert.deepEqual(scale([]), { peak: 0, top: 1 });
  const { line } = paths([{ at: 0, value: 0 }, { at: 60_000, value: 17 }], 60_000, 240, 44);
  assert.match(line, /^M0\.0 42\.0L240\.0 8\.0$/);
  assert.deepEqual(paths([], 0, 240, 44), { line: "", area: "" });
});

test("names come from the definitions, and from the code where there is none", () => {
  takeNames({ version: "1", classes: [{ code: "road_damage", name: "道路破損", name_en: "Road damage" }, null, 3] });
  takeNames("nonsense");
  assert.deepEqual(nameOf("road_damage"), { text: "Road damage", own: "道路破損" });
  assert.deepEqual(nameOf("piled_rubbish"), { text: "Piled rubbish", own: "piled_rubbish" });
});

test("durations: percentiles by nearest rank, bars of equal ratio with their gaps", () => {
  const histogram = [[0.25, 90], [0.5, 9], [4, 1]] as const;
  assert.equal(percentile(histogram, 50), 0.25);
  assert.equal(percentile(histogram, 99), 0.5);
  assert.equal(percentile(histogram, 100), 4);
  assert.equal(percentile([], 50), null);
  const found = bars(histogram, 1);
  assert.deepEqual(found.map((bar) => bar.count), [90, 9, 0, 0, 1]);
  assert.equal(found.at(-1)?.end, 4);
  assert.deepEqual([0.412, 31, 150, 8000].map(duration), ["0.41 s", "31 s", "2.5 min", "2.2 h"]);
});

test("the map is north up, true to distance in its middle, and strong where much is", () => {
  const ring = [[113, 34], [114, 34], [114, 35], [113, 35], [113, 34]];
  const features = [
    { properties: { name_en: "A" }, geometry: { type: "Polygon", coordinates: [ring] } },
    { properties: {}, geometry: null },
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
  assert.ok(Math.abs(onto.width - 100 * Math.cos((34.5 * Math.PI) / 180)) < 1e-9);
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
  const face = (zone_id: string, tariff_zone: string) => ({ zone_id, name: zone_id, tariff_zone, berths: "" });
  const zones = byZone([face("a", "10"), face("b", "2"), face("c", "10")]);
  assert.deepEqual(zones.map(([zone, faces]) => [zone, faces.map((each) => each.zone_id)]), [["2", ["b"]], ["10", ["a", "c"]]]);
});
