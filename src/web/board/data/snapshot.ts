// What `/live` tells: the data of one `snapshot` event. Figures of the city, nobody's data.

export interface ProjectionLag {
  projection: string;
  position: number;
  lag: number;
}

/** `[before, now]`: what it took, and what it takes. */
export type Saving = readonly [number, number];

export interface Applications {
  submitted: number;
  paid: number;
  approved: number;
  refused: number;
  referred: number;
  ended_well: number;
  /** For an officer, now. */
  waiting: number;
  /** In an officer's queue, beyond the law's day. */
  overdue: number;
  /** That nobody has: always 0. */
  stranded: number;
  /** From submission to money: `[seconds at most, how many]`, ascending. */
  seconds: readonly (readonly [number, number])[];
  saved: { materials: Saving; steps: Saving; trips: Saving };
}

export interface Cases {
  counts: { reported: number; detections: number; handled: number; closed: number };
  rates: { handled_in_time: number | null; rework: number | null };
  overdue: number;
  within_1_hour: number;
  squares_a_degree: number;
  /** `[north, east, reported]`, in squares. */
  squares: readonly (readonly [number, number, number])[];
}

/** A block face. `berths`: a letter for each by its number, `o` occupied, `f` free, `u` unknown. */
export interface Face {
  zone_id: string;
  name: string;
  tariff_zone: string;
  berths: string;
  /** Of a past minute: since when each is taken, by its number; `null`: it is not. */
  since?: readonly (string | null)[];
}

export interface Parking {
  berths: { occupied?: number; free?: number; unknown?: number };
  /** How many sessions stand where. */
  sessions: Readonly<Record<string, number>>;
  faces: readonly Face[];
  today: { charged_fen: number; settled_fen: number; captured_fen: number; returned_fen: number };
  /** How many of each kind are open. */
  anomalies: Readonly<Record<string, number>>;
}

/** What a queue costs in five minutes: who stood on the mean, who passed, seconds by vehicle. */
export interface Cost {
  queue: number;
  vehicles: number;
  delay_seconds: number | null;
}

export interface Arm {
  /** Where its vehicles come from, in degrees from north. */
  bearing: number;
  queue: number;
  on?: string | null;
  left?: string | null;
}

export interface Junction {
  junction: string;
  name: string;
  name_en: string | null;
  /** Who decides, or `flashing`, `dark`, `starting`. */
  standing: string;
  strategy: string;
  stage: string | null;
  bus: { line: string; late_s: number | null } | null;
  lamps: Readonly<Record<string, string>>;
  faults: readonly string[];
  simulated: boolean;
  /** The last five minutes that are over, and those before; `null`: nobody tells. */
  last: Cost | null;
  before: Cost | null;
  arms: readonly Arm[];
}

export interface Signals {
  /** How many junctions stand how. */
  standing: Readonly<Record<string, number>>;
  faulty: number;
  refused_last_hour: number;
  junctions: readonly Junction[];
}

export interface OpenCount {
  /** The department that leads; `""`: not dispatched yet. */
  department: string;
  class_code: string;
  open: number;
}

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

export interface Snapshot {
  head: number;
  /** Which log it is: another one after a restore. */
  incarnation: string;
  city_zone: string;
  streams: readonly StreamCount[];
  newest: readonly NewestEvent[];
  lag: readonly ProjectionLag[];
  open: readonly OpenCount[];
  open_total: number;
  rate_per_second: number;
  simulated: boolean;
  applications: Applications;
  cases: Cases;
  parking: Parking;
  signals: Signals;
}

const MEMBERS = ["head", "lag", "open_total", "applications", "cases", "parking", "signals"] as const;

/** Whether it is a snapshot as this page knows it; a server of another version may say something else. */
export const isSnapshot = (found: object): found is Snapshot => MEMBERS.every((name) => name in found);

/** The slowest read model; `null`: there is none. */
export const slowest = (lag: readonly ProjectionLag[]): ProjectionLag | null =>
  lag.reduce<ProjectionLag | null>((most, each) => (most === null || each.lag > most.lag ? each : most), null);
