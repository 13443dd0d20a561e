// What the board makes of what it is told.

import { createPinia, setActivePinia } from "pinia";
import { describe, expect, test, vi } from "vitest";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import common from "../../shared/words/zh";
import zh from "../zh";
import { cityDay } from "./day";
import { rowsOf } from "./exception_rows";
import { merged, taken } from "./feed";
import { percent, seconds } from "./figures";
import { meaningOf } from "./keys";
import { berthGroups, hourOf } from "./parking";
import { MINUTE_MS, usePlayback } from "./playback";
import { delayOf } from "./shown";
import { meanDelay, sideStreet } from "./signals";
import { useStanding, type Board, type BoardException } from "./standing";
import { useTime } from "./time";
import { shareOf, squareColumns, zoneLines } from "../twin/features";

describe("a stream of snapshots", () => {
  test("changes replace members, and members of members", () => {
    const whole = { head: 1, parking: { faces: [1], berths: 2 }, open: [3] };
    expect(merged(whole, { head: 2, parking: { berths: 4 }, open: [] })).toEqual({
      head: 2,
      parking: { faces: [1], berths: 4 },
      open: [],
    });
  });
  test("new events stand before those that are known, and the oldest go", () => {
    const whole = { newest: Array.from({ length: 40 }, (_, place) => 40 - place) };
    const { newest } = merged(whole, { newest: [42, 41] }) as { newest: number[] };
    expect([newest.length, newest[0], newest[2], newest[39]]).toEqual([40, 42, 40, 3]);
  });
  test("changes of nothing, and what is no JSON, are not taken", () => {
    expect(taken(null, "changes", "{}")).toBeNull();
    expect(taken({}, "snapshot", "<")).toBeNull();
    expect(taken({ head: 1 }, "changes", '{"head":2}')).toEqual({ head: 2 });
  });
});

describe("figures", () => {
  test("zero, nothing and all of it are written as what they are", () => {
    expect([percent(null), percent(0), percent(0.974), percent(1)]).toEqual(["–", "0.0", "97.4", "100"]);
    expect([seconds(null), seconds(0.412), seconds(1.75), seconds(31)]).toEqual(["–", "0.41", "1.8", "31"]);
  });
  test("delays weigh by vehicle, and who does not tell does not count", () => {
    const cost = (vehicles: number, delay_seconds: number | null) => ({ queue: 0, vehicles, delay_seconds });
    expect(delayOf([cost(10, 30), cost(30, 10), null, cost(99, null)])).toBe(15);
    expect(delayOf([null])).toBeNull();
    expect(meanDelay([{ vehicles: 1, delay_s: 8 }, { vehicles: null, delay_s: 99 }])).toBe(8);
  });
  test("the city's day and hour", () => {
    expect(cityDay(Date.parse("2026-11-24T16:30:00Z"))).toBe("2026-11-25");
    expect(cityDay(Date.parse("2026-11-25T02:00:00Z"), -7)).toBe("2026-11-18");
    expect(hourOf("2026-11-25", 8) * 3_600_000).toBe(Date.parse("2026-11-25T00:00:00Z"));
  });
  test("a junction is named by its other street", () => {
    expect(sideStreet("谷雨路 / 玉兰街", "谷雨路")).toBe("玉兰街");
    expect(sideStreet("人民路與一街", "人民路")).toBe("一街");
    expect(sideStreet("人民路", "人民路")).toBe("人民路");
    expect(sideStreet("Renmin Road and First Street", "Renmin Road")).toBe("First Street");
  });
});

describe("exceptions", () => {
  const each = (id: string, kind: string, minute: number) =>
    ({ id, kind, severity: "limited", since: new Date(minute * 60_000).toISOString() }) as BoardException;
  test("repeats of one kind are a row with the newest, where the first stood; deadlines stand alone", () => {
    const rows = rowsOf([each("a", "plate-twice", 1), each("b", "case-deadline", 2), each("c", "plate-twice", 3), each("d", "case-deadline", 4)]);
    expect(rows.map((row) => [row.each.id, row.many])).toEqual([
      ["c", 2],
      ["b", 1],
      ["d", 1],
    ]);
  });
});

describe("berths", () => {
  test("hours of a stay are known of those that are taken, by zone and number", () => {
    const [group] = berthGroups(
      [{ zone_id: "z-1", name: "West", tariff_zone: "1", berths: "ofu" }],
      new Map([["z-1", "a"]]),
      (area) => area.replace("a", "Area"),
      [{ place_id: "z-1-01", zone_id: "z-1", number: 1, state: "occupied", changed_at: "2026-11-25T00:00:00Z", heard_at: null, simulated: true }],
      Date.parse("2026-11-25T02:00:00Z"),
    );
    expect(group?.name).toBe("Area");
    expect(group?.faces[0]?.berths.map((berth) => [berth.state, berth.hours])).toEqual([
      ["occupied", 2],
      ["free", null],
      ["unknown", null],
    ]);
  });
  test("of a past minute since when each is taken comes with the block face", () => {
    const face = { zone_id: "z-1", name: "West", tariff_zone: "1", berths: "fo", since: [null, "2026-11-25T01:00:00Z"] };
    const now = [{ place_id: "z-1-02", zone_id: "z-1", number: 2, state: "occupied" as const, changed_at: "2026-11-26T00:00:00Z", heard_at: null, simulated: true }];
    const [group] = berthGroups([face], new Map(), (area) => area, now, Date.parse("2026-11-25T02:00:00Z"));
    expect(group?.faces[0]?.berths.map((berth) => berth.hours)).toEqual([null, 1]);
  });
  test("a share is of those that are known; of none there is none", () => {
    expect([shareOf("oofu"), shareOf("uu"), shareOf("")]).toEqual([2 / 3, null, null]);
    const lines = zoneLines([{ id: "z-1", longitude: 113, latitude: 34 }], null);
    expect(lines.features[0]?.properties).toEqual({ id: "z-1", share: null });
  });
  test("a column stands within its square", () => {
    const [column] = squareColumns([[6950, 22725, 3]], 200).features;
    expect(column?.properties).toEqual({ reported: 3 });
    const ring = (column?.geometry as { coordinates: number[][][] }).coordinates[0] ?? [];
    for (const [east, north] of ring) {
      expect(east).toBeGreaterThan(22725 / 200);
      expect(north).toBeLessThan(6951 / 200);
    }
  });
});

describe("playback", () => {
  test("a minute a second once it is shown, a timer only while it plays, and the live board ends it", () => {
    vi.useFakeTimers();
    setActivePinia(createPinia());
    const [time, standing, playback] = [useTime(), useStanding(), usePlayback()];
    playback.play();
    expect([playback.playing, vi.getTimerCount()]).toEqual([false, 0]);
    time.lookAt(time.nowMinute - 4);
    playback.play();
    vi.advanceTimersByTime(MINUTE_MS);
    expect(time.minute).toBe(time.nowMinute - 4);
    for (const ago of [3, 2, null]) {
      standing.showThen({ live: false, at: new Date((time.minute ?? 0) * 60_000).toISOString() } as Board);
      vi.advanceTimersByTime(MINUTE_MS);
      expect(time.minute).toBe(ago === null ? null : time.nowMinute - ago);
    }
    vi.advanceTimersByTime(MINUTE_MS);
    expect([playback.playing, vi.getTimerCount()]).toEqual([false, 0]);
    vi.useRealTimers();
  });
});

describe("keys", () => {
  const key = (name: string, more: object = {}) => ({ key: name, ctrlKey: false, altKey: false, metaKey: false, target: null, ...more });
  test("digits change the page, T the view; nothing where somebody types or switched them off", () => {
    expect(meaningOf(key("3"), true)).toEqual({ kind: "page", path: "/parking" });
    expect(meaningOf(key("7"), true)).toBeNull();
    expect(meaningOf(key("t"), true)).toEqual({ kind: "tables" });
    expect(meaningOf(key("p"), true)).toEqual({ kind: "play" });
    expect(meaningOf(key("3"), false)).toBeNull();
    expect(meaningOf(key("3", { ctrlKey: true }), true)).toBeNull();
    expect(meaningOf(key("3", { target: { tagName: "INPUT" } }), true)).toBeNull();
    expect(meaningOf(key("Escape"), false)).toEqual({ kind: "close" });
  });
});

test("every word that is asked for is there", () => {
  const words = { ...common, ...zh } as Record<string, unknown>;
  const has = (key: string): boolean => typeof key.split(".").reduce<unknown>((at, name) => (at as Record<string, unknown> | undefined)?.[name], words) === "string";
  const folder = join(import.meta.dirname, "..");
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => /\.(vue|ts)$/.test(name) && !name.includes(".test."));
  const missing = files.flatMap((name) => {
    const text = readFileSync(join(folder, name), "utf8");
    const keys = [...text.matchAll(/(?:\bt\(|keypath=|\? |: )"([a-z][\w-]*(?:\.[\w-]+)+)"/gi)].map((found) => found[1] ?? "");
    return keys.filter((key) => key.split(".")[0] as string in words && !has(key)).map((key) => `${name}: ${key}`);
  });
  expect(missing).toEqual([]);
});
