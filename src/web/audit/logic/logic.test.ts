import { beforeEach, expect, test } from "vitest";
import { standAt } from "../../shared/clock";
import { asked } from "./asked";
import { decisionText, sorted } from "./decision";
import { compare } from "./diff";
import { entriesIn, entryBytes, gaps, hexLines, ndjson, NotAnExport, versionAt, type StoredEvent } from "./entries";
import { hex, leafHash, path, rootFrom, tree, type Bytes } from "./merkle";

beforeEach(() => standAt("2026-11-30T10:30:00+08:00"));

const CASE = `case-${"1".repeat(32)}`;

function event(version: number, more: Partial<StoredEvent> = {}): StoredEvent {
  return {
    position: 10 + version,
    stream_id: CASE,
    version,
    topic: "case.filed",
    recorded_at: `2026-11-30T02:30:0${version}.000001Z`,
    metadata: { actor: "operator-1", correlation_id: "c" },
    data: { n: version },
    state_base64: btoa(`{"n":${version}}`),
    ...more,
  };
}

test("one field takes a stream, a correlation, a position and a time", () => {
  expect(asked(` ${CASE} `)).toEqual({ kind: "stream", id: CASE });
  expect(asked("8F999223-7ffc-43ee-9beb-f4c9aff2d1e1")).toEqual({
    kind: "correlation",
    id: "8f999223-7ffc-43ee-9beb-f4c9aff2d1e1",
  });
  expect(asked("p4862119")).toEqual({ kind: "position", position: 4862119 });
  expect(asked("9:05")).toEqual({ kind: "time", at: "2026-11-30T01:05:00.000Z" });
  expect(asked("2026-11-29 23:59:01")).toEqual({ kind: "time", at: "2026-11-29T15:59:01.000Z" });
  expect(asked("2026-11-29T23:59:01+08:00")).toEqual({ kind: "time", at: "2026-11-29T15:59:01.000Z" });
  for (const none of ["", "25:00", "2026-13-45 10:00", "nothing", "4862119"]) expect(asked(none)).toBeNull();
});

test("a moment is the last version that was recorded by then, in its second", () => {
  const events = [1, 2, 5].map((second) => event(second));
  const at = (clock: string): number => versionAt(events, Date.parse(`2026-11-30T${clock}+08:00`));
  expect(at("10:29:00")).toBe(1);
  expect(at("10:30:02")).toBe(2);
  expect(at("10:30:04")).toBe(2);
  expect(at("11:00:00")).toBe(3);
});

test("a state is compared member by member, whatever the order of its objects", () => {
  const compared = compare(
    { version: 1, status: "filed", place: { b: 1, a: [1, 2] }, tasks: [], lead: "x", due: "y" },
    { version: 2, status: "closed", place: { a: [1, 2], b: 1 }, tasks: [1], lead: null, due: "y", more: null },
  );
  expect(compared.differences.map(({ name, kind }) => `${kind} ${name}`)).toEqual([
    "changed status",
    "new tasks",
    "gone lead",
  ]);
  expect(compared.same).toEqual(["place", "due", "more"]);
});

const ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
const ROOTS: Record<number, string> = {
  1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
  3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
  8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
};

function bytes(digits: string): Bytes {
  return Uint8Array.from(digits.match(/../g) ?? [], (each) => parseInt(each, 16));
}

test("trees are those of RFC 6962: the roots that Certificate Transparency tests with", async () => {
  const leaves = await Promise.all(ENTRIES.map((each) => leafHash(bytes(each))));
  for (const [count, root] of Object.entries(ROOTS)) {
    expect(hex((await tree(leaves.slice(0, Number(count)))).hash)).toBe(root);
  }
  const whole = await tree(leaves.slice(0, 7));
  for (const [index, leaf] of leaves.slice(0, 7).entries()) {
    const proof = path(whole, index);
    expect(hex(await rootFrom(leaf, proof))).toBe(hex(whole.hash));
    expect(hex(await rootFrom(await leafHash(bytes("ff")), proof))).not.toBe(hex(whole.hash));
  }
});

test("what is written to a file is read from it, and says the same in the other way of writing times", () => {
  const events = [event(1), event(2)];
  const file = `{"format":"citybrain-log-1","after":0}\n${ndjson(events).replaceAll("1Z", "1+00:00")}{"end":12}\n`;
  const kept = entriesIn(file, CASE);
  expect([...kept.keys()]).toEqual([1, 2]);
  expect(entryBytes(kept.get(2) as StoredEvent)).toEqual(entryBytes(events[1] as StoredEvent));
  const other = event(2, { metadata: { actor: "operator-2", correlation_id: "c" } });
  expect(entryBytes(other)).not.toEqual(entryBytes(events[1] as StoredEvent));
  expect(entriesIn(file, "case-other").size).toBe(0);
  expect(() => entriesIn(`${file}{"position":1}`, CASE)).toThrow(NotAnExport);
  expect(() => entriesIn("no export", CASE)).toThrow("line 1");
});

test("gaps, and times that go back, are seen", () => {
  expect(gaps([event(1), event(2), event(3)])).toEqual([]);
  expect(gaps([event(2)])).toEqual([2]);
  expect(gaps([event(1), event(3)])).toEqual([3]);
  expect(gaps([event(1), event(2, { position: 3 })])).toEqual([2]);
  expect(gaps([event(1), event(2, { recorded_at: "2026-11-29T00:00:00Z" })])).toEqual([2]);
});

test("the text that a decision's digest is of keeps numbers as they are written", () => {
  expect(sorted(' {"b" : [1.0, 1e5, -2], "a":{"y":"\\u00e9\\"","x":null},"c":[] }')).toBe(
    '{"a":{"x":null,"y":"é\\""},"b":[1.0,1e5,-2],"c":[]}',
  );
  expect(() => sorted('{"a":1}x')).toThrow(SyntaxError);
  expect(decisionText(event(3))).toBe(`{"state":{"n":3},"stream_id":"${CASE}","topic":"case.filed","version":3}`);
});

test("bytes as people read them", () => {
  expect(hexLines(bytes("7b226e223a317d00"), 100)).toBe(
    "000000  7b 22 6e 22 3a 31 7d 00                          {\"n\":1}.",
  );
});
