// What the server tells the page: the data of one `snapshot` event of `/live`.
// Checked by hand here, so that the rest of the page can rely on the types.

export interface StreamCount {
  category: string;
  streams: number;
  events: number;
}

export interface NewestEvent {
  position: number;
  topic: string;
  stream_id: string;
  recorded_at: string;
  class_code: string | null;
  simulated: boolean | null;
}

export interface ProjectionLag {
  projection: string;
  position: number;
  lag: number;
}

export interface OpenCount {
  /** The department that leads; `null`: not dispatched yet. */
  department: string | null;
  class_code: string;
  open: number;
}

/** `[before, now]`: what it took, and what it takes. */
export type Saving = readonly [number, number];

/** The city's day of applications. */
export interface Applications {
  submitted: number;
  paid: number;
  refused: number;
  /** For an officer, now. */
  waiting: number;
  /** In an officer's queue, beyond the law's day. */
  overdue: number;
  /** That nobody has: always 0. */
  stranded: number;
  /** From submission to money: `[seconds at most, how many]`, ascending. */
  seconds: (readonly [number, number])[];
  saved: { materials: Saving; steps: Saving; trips: Saving };
}

/** The city's day of street problems. */
export interface Cases {
  reported: number;
  detections: number;
  handled: number;
  overdue: number;
  within_1_hour: number;
  handled_in_time: number | null;
  rework: number | null;
  squares_a_degree: number;
  /** `[north, east, reported]`, in squares. */
  squares: (readonly [number, number, number])[];
}

/** A block face. `berths`: a letter for each by its number, `o` occupied, `f` free, `u` unknown. */
export interface Face {
  zone_id: string;
  name: string;
  tariff_zone: string;
  berths: string;
}

/** Parking now. What is charged and settled is of stays that began on the city's day; what came in
 *  and went back moved on it. */
export interface Parking {
  berths: { occupied: number; free: number; unknown: number };
  /** How many sessions stand where. */
  sessions: Record<string, number>;
  faces: Face[];
  charged_fen: number;
  settled_fen: number;
  captured_fen: number;
  returned_fen: number;
  /** How many of each kind are open. */
  anomalies: Record<string, number>;
}

/** What a queue costs in five minutes: who stood on the mean, who passed, seconds by vehicle. */
export interface Cost {
  queue: number;
  vehicles: number;
  /** `null`: nobody passed. */
  delay_seconds: number | null;
}

/** An arm of a junction. `on`, `left`: what is shown to who goes on and to who turns left. */
export interface Arm {
  /** Where its vehicles come from, in degrees from north. */
  bearing: number;
  queue: number;
  on: string | null;
  left: string | null;
}

/** A bus that has priority at a junction; seconds behind its timetable, `null`: it does not say. */
export interface BusFirst {
  line: string;
  late_s: number | null;
}

/** A junction with lights. */
export interface Junction {
  junction: string;
  name: string;
  /** Who decides, or `flashing`, `dark`, `starting`. */
  standing: string;
  strategy: string;
  stage: string | null;
  bus: BusFirst | null;
  lamps: Record<string, string>;
  faults: string[];
  /** It is made up. */
  simulated: boolean;
  /** The last five minutes that are over, and those before; `null`: nobody tells. */
  last: Cost | null;
  before: Cost | null;
  arms: Arm[];
}

/** The signals of the city now. */
export interface Signals {
  /** How many junctions stand how. */
  standing: Record<string, number>;
  /** How many have a fault. */
  faulty: number;
  junctions: Junction[];
}

export interface Snapshot {
  head: number;
  /** Which log it is: another one after a restore. */
  incarnation: string;
  /** The name of the time zone that the city lives in. */
  city_zone: string;
  streams: StreamCount[];
  newest: NewestEvent[];
  lag: ProjectionLag[];
  open: OpenCount[];
  open_total: number;
  rate_per_second: number;
  simulated: boolean;
  applications: Applications;
  cases: Cases;
  parking: Parking;
  signals: Signals;
}

/** The server sent something else than a snapshot: most likely it is newer than the page. */
export class UnreadableSnapshot extends Error {}

type Fields = Record<string, unknown>;

function fields(value: unknown, what: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UnreadableSnapshot(`${what} is not an object`);
  }
  return value as Fields;
}

function list<T>(from: Fields, name: string, read: (item: Fields) => T): T[] {
  const value = from[name];
  if (!Array.isArray(value)) throw new UnreadableSnapshot(`${name} is not a list`);
  return value.map((item: unknown) => read(fields(item, `an item of ${name}`)));
}

function number(from: Fields, name: string): number {
  const value = from[name];
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new UnreadableSnapshot(`${name} is not a number`);
  }
  return value;
}

function text(from: Fields, name: string): string {
  const value = from[name];
  if (typeof value !== "string") throw new UnreadableSnapshot(`${name} is not a text`);
  return value;
}

function textOrNull(from: Fields, name: string): string | null {
  return from[name] === null || from[name] === undefined || from[name] === "" ? null : text(from, name);
}

function pair(value: unknown, what: string): readonly [number, number] {
  if (!Array.isArray(value) || value.length !== 2 || !value.every(Number.isFinite)) {
    throw new UnreadableSnapshot(`${what} is not a pair of numbers`);
  }
  return [value[0] as number, value[1] as number];
}

function applications(all: Fields): Applications {
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
    seconds: seconds.map((each: unknown) => pair(each, "an item of seconds")),
    saved: {
      materials: pair(saved["materials"], "materials"),
      steps: pair(saved["steps"], "steps"),
      trips: pair(saved["trips"], "trips"),
    },
  };
}

function share(from: Fields, name: string): number | null {
  return from[name] === null || from[name] === undefined ? null : number(from, name);
}

function cases(all: Fields): Cases {
  const from = fields(all["cases"], "cases");
  const counts = fields(from["counts"], "counts");
  const rates = fields(from["rates"], "rates");
  const squares = from["squares"];
  if (!Array.isArray(squares)) throw new UnreadableSnapshot("squares is not a list");
  return {
    reported: number(counts, "reported"),
    detections: number(counts, "detections"),
    handled: number(counts, "handled"),
    overdue: number(from, "overdue"),
    within_1_hour: number(from, "within_1_hour"),
    handled_in_time: share(rates, "handled_in_time"),
    rework: share(rates, "rework"),
    squares_a_degree: number(from, "squares_a_degree"),
    squares: squares.map((each: unknown) => {
      if (!Array.isArray(each) || each.length !== 3 || !each.every(Number.isFinite)) {
        throw new UnreadableSnapshot("an item of squares is not three numbers");
      }
      return [each[0] as number, each[1] as number, each[2] as number];
    }),
  };
}

function counts(from: Fields, name: string): Record<string, number> {
  const found = fields(from[name], name);
  return Object.fromEntries(Object.keys(found).map((key) => [key, number(found, key)]));
}

function parking(all: Fields): Parking {
  const from = fields(all["parking"], "parking");
  const berths = counts(from, "berths");
  const today = fields(from["today"], "today");
  return {
    berths: {
      occupied: berths["occupied"] ?? 0,
      free: berths["free"] ?? 0,
      unknown: berths["unknown"] ?? 0,
    },
    sessions: counts(from, "sessions"),
    faces: list(from, "faces", (item) => ({
      zone_id: text(item, "zone_id"),
      name: text(item, "name"),
      tariff_zone: text(item, "tariff_zone"),
      berths: text(item, "berths"),
    })),
    charged_fen: number(today, "charged_fen"),
    settled_fen: number(today, "settled_fen"),
    captured_fen: number(today, "captured_fen"),
    returned_fen: number(today, "returned_fen"),
    anomalies: counts(from, "anomalies"),
  };
}

function cost(value: unknown): Cost | null {
  if (value === null || value === undefined) return null;
  const from = fields(value, "a cost");
  return {
    queue: number(from, "queue"),
    vehicles: number(from, "vehicles"),
    delay_seconds: share(from, "delay_seconds"),
  };
}

function texts(from: Fields, name: string): Record<string, string> {
  const found = fields(from[name], name);
  return Object.fromEntries(Object.keys(found).map((key) => [key, text(found, key)]));
}

function busFirst(value: unknown): BusFirst | null {
  if (value === null || value === undefined) return null;
  const from = fields(value, "a bus");
  return { line: text(from, "line"), late_s: share(from, "late_s") };
}

function junction(item: Fields): Junction {
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
      left: textOrNull(arm, "left"),
    })),
  };
}

function signals(all: Fields): Signals {
  const from = fields(all["signals"], "signals");
  return {
    standing: counts(from, "standing"),
    faulty: number(from, "faulty"),
    junctions: list(from, "junctions", junction),
  };
}

/** Read the data of a `snapshot` event; throws `UnreadableSnapshot`. Unknown members are ignored. */
export function parseSnapshot(data: string): Snapshot {
  let parsed: unknown;
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
      events: number(item, "events"),
    })),
    newest: list(all, "newest", (item) => ({
      position: number(item, "position"),
      topic: text(item, "topic"),
      stream_id: text(item, "stream_id"),
      recorded_at: text(item, "recorded_at"),
      class_code: textOrNull(item, "class_code"),
      simulated: item["simulated"] === true ? true : item["simulated"] === false ? false : null,
    })).sort((one, other) => other.position - one.position),
    lag: list(all, "lag", (item) => ({
      projection: text(item, "projection"),
      position: number(item, "position"),
      lag: number(item, "lag"),
    })),
    open: list(all, "open", (item) => ({
      department: textOrNull(item, "department"),
      class_code: text(item, "class_code"),
      open: number(item, "open"),
    })),
    open_total: number(all, "open_total"),
    rate_per_second: number(all, "rate_per_second"),
    simulated: all["simulated"] === true,
    applications: applications(all),
    cases: cases(all),
    parking: parking(all),
    signals: signals(all),
  };
}
