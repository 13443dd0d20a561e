// A made-up city for the stories: what the server would answer, at half past ten of a Wednesday.

import { chance } from "../shared/streets";

const AT = "2026-11-25T02:30:00Z";
const NOW = Date.parse(AT);
const iso = (minutes: number): string => new Date(NOW + minutes * 60_000).toISOString();
const random = chance(21);
const named = (code: string, name: string, name_en: string) => ({ code, name, name_en });

export const DEPARTMENTS = [
  named("municipal-works", "市政工程处", "Municipal works"),
  named("urban-management", "城市管理局", "Urban management"),
  named("sanitation", "环境卫生处", "Sanitation"),
  named("landscape", "园林局", "Landscape"),
  named("traffic-police", "交警支队", "Traffic police"),
  named("housing-fund", "公积金中心", "Housing fund"),
  named("public-security", "公安局", "Public security"),
  named("civil-affairs", "民政局", "Civil affairs"),
  named("real-estate", "不动产登记", "Real estate"),
  named("housing", "住建局", "Housing"),
  named("bank", "银行", "Bank"),
  named("credit-registry", "征信中心", "Credit registry"),
];
export const CLASSES = [
  named("street_business", "占道经营", "Street business"),
  named("bicycles", "非机动车乱停", "Parked bicycles"),
  named("illegal_advert", "违规广告", "Illegal advertisement"),
  named("waterlogging", "道路积水", "Waterlogging"),
  named("garbage", "垃圾堆放", "Garbage"),
  named("garden_damage", "园林破坏", "Damaged greenery"),
  named("displaced_manhole_cover", "窨井盖移位", "Displaced manhole cover"),
  named("overflowing_bin", "垃圾桶溢满", "Overflowing bin"),
  named("road_damage", "道路破损", "Road damage"),
  named("construction_waste", "渣土遗撒", "Construction waste"),
].map((each, place) => ({ ...each, lead: DEPARTMENTS[place % 5]?.code ?? "" , departments: [] }));
const SERVICES = [named("housing-fund-repayment", "公积金还贷提取", "Housing fund for a loan")];

/** A bell of durations, in buckets of 9 %. */
const seconds: [number, number][] = Array.from({ length: 54 }, (_, place): [number, number] => {
  const at = 0.4 * 2 ** (place / 8);
  return [at, Math.round(Math.exp(-(Math.log(at / 1.75) ** 2) / 0.42) * 110 * (0.93 + 0.14 * random()))];
}).filter(([, count]) => count > 0);

const FACES = [
  ["p-erqi", "二七区", ["谷雨路", "立夏路", "芒种路", "玉兰街"]],
  ["p-jinshui", "金水区", ["石榴街", "月季街", "紫薇街", "木槿街"]],
  ["p-zhongyuan", "中原区", ["惊蛰路", "春分路", "夏至路", "桂花街"]],
] as const;
const letter = (silent: boolean): string => {
  const chosen = random();
  return silent ? "u" : chosen < 0.74 ? "o" : "f";
};
const faces = FACES.flatMap(([area, , streets]) =>
  streets.map((name, place) => ({
    zone_id: `${area}-${place + 1}`,
    name,
    tariff_zone: "1",
    berths: Array.from({ length: 12 }, () => letter(name === "芒种路")).join(""),
  })),
);
const count = (of: string): number => faces.reduce((sum, face) => sum + [...face.berths].filter((each) => each === of).length, 0);

const JUNCTIONS = ["腊梅街", "玉兰街", "海棠街", "石榴街"].map((name, place) => ({
  junction: `guyu_${place + 1}`,
  name: `谷雨路 / ${name}`,
  name_en: `Guyu Road and ${["Lamei", "Yulan", "Haitang", "Shiliu"][place] ?? ""} Street`,
  standing: place === 1 ? "flashing" : place === 3 ? "local" : "centre",
  strategy: place === 3 ? "plan" : "adaptive",
  stage: "A",
  bus: null,
  lamps: { V1: "green", V2: "red" },
  faults: place === 1 ? ["conflict"] : [],
  simulated: true,
  last: { queue: place === 1 ? 21.5 : 6.2, vehicles: 88, delay_seconds: place === 1 ? 51 : 20 - place },
  before: { queue: 6, vehicles: 90, delay_seconds: 31 },
  arms: [0, 90, 180, 270].map((bearing) => ({ bearing, queue: place === 1 ? 9.5 + random() * 8 : random() * 7, on: "red", left: "red" })),
}));

const squares = Array.from({ length: 90 }, (): [number, number, number] => [
  6944 + Math.floor(random() * 18),
  22722 + Math.floor(random() * 20),
  1 + Math.floor(random() ** 3 * 9),
]);

export const SNAPSHOT = {
  head: 4862119,
  incarnation: "6f1c0000-0000-4000-8000-000000000000",
  city_zone: "Asia/Shanghai",
  streams: [
    { category: "application", streams: 1310, events: 15233 },
    { category: "case", streams: 308, events: 4211 },
    { category: "parking_session", streams: 5210, events: 40120 },
    { category: "signal", streams: 48, events: 812000 },
  ],
  newest: ["case.reported", "parking.session_began", "application.payout_confirmed", "signal.stage_began"].map((topic, place) => ({
    position: 4862119 - place,
    topic,
    stream_id: topic.split(".")[0],
    recorded_at: iso(-place / 60),
    class_code: null,
    simulated: true,
  })),
  lag: ["applications", "case_desk", "heat_grid", "parking_sessions", "signal_lamps"].map((projection, place) => ({
    projection,
    position: 4862119 - place,
    lag: place === 4 ? 5 : 0,
  })),
  open: [
    { department: "municipal-works", class_code: "road_damage", open: 12 },
    { department: "urban-management", class_code: "street_business", open: 31 },
    { department: "sanitation", class_code: "garbage", open: 20 },
  ],
  open_total: 97,
  rate_per_second: 46,
  simulated: true,
  applications: {
    day: "2026-11-25",
    submitted: 1310,
    paid: 1284,
    approved: 1290,
    refused: 14,
    referred: 6,
    ended_well: 1284,
    waiting: 6,
    overdue: 0,
    stranded: 0,
    seconds,
    saved: { materials: [7704, 0], steps: [5136, 1284], trips: [1284, 13] },
  },
  cases: {
    day: "2026-11-25",
    counts: { reported: 308, detections: 329, handled: 283, closed: 240, returned: 9, reopened: 2 },
    rates: { handled_in_time: 0.974, rework: 0.041 },
    overdue: 2,
    within_1_hour: 5,
    squares_a_degree: 200,
    squares,
  },
  parking: {
    berths: { occupied: count("o"), free: count("f"), unknown: count("u") },
    sessions: { parked: count("o"), settled: 240 },
    faces,
    today: { charged_fen: 640000, settled_fen: 590000, captured_fen: 590000, returned_fen: 1200 },
    anomalies: { "device-silent": 1, "clone-conflict": 1 },
  },
  signals: { standing: { centre: 2, local: 1, flashing: 1 }, faulty: 1, refused_last_hour: 17, junctions: JUNCTIONS },
};

const place = (name: string | null, east: number, north: number) => ({ place_id: null, name, name_en: null, longitude: east, latitude: north });
const exception = (kind: string, more: object) => ({
  id: `${kind}:${JSON.stringify(more).length}`,
  kind,
  severity: "now",
  system: "inspection",
  stream_id: null,
  about: null,
  place: null,
  owner: null,
  since: iso(-4),
  due_at: null,
  simulated: true,
  ...more,
});

export const EXCEPTIONS = [
  exception("signal-flashes", { system: "signals", about: "conflict", place: { place_id: "guyu_2", name: "谷雨路 / 玉兰街", name_en: "Guyu Road and Yulan Street", longitude: null, latitude: null } }),
  exception("case-deadline", { about: "road_damage", owner: "municipal-works", due_at: iso(-120), since: iso(-120), place: place("春分路 / 海棠街", 113.641, 34.771) }),
  exception("case-deadline", { about: "street_business", owner: "urban-management", due_at: iso(-36), since: iso(-36), place: place("立夏路 / 月季街", 113.66, 34.752) }),
  exception("case-deadline", { severity: "limited", about: "displaced_manhole_cover", owner: "municipal-works", due_at: iso(18), since: iso(-12), place: place("芒种路 / 石榴街", 113.626, 34.758) }),
  exception("payout-to-repeat", { severity: "limited", system: "applications", about: "housing-fund-repayment", owner: "housing-fund", since: iso(-90) }),
  ...[7, 26, 48].map((ago) => exception("plate-twice", { id: `plate-twice:${ago}`, severity: "limited", system: "parking", since: iso(-ago), place: place("花园路东侧", 113.68, 34.772) })),
];

const SYSTEMS = {
  applications: { open: 20, waiting: 6, overdue: 0, due_today: 1, submitted: 1310, paid: 1284, seconds_to_money: 1.8, automatic_share: 0.971 },
  inspection: { open: 97, overdue: 2, within_1_hour: 5, reported: 308, handled: 283, detections: 329, handled_in_time_share: 0.974, rework_share: 0.041 },
  parking: { berths: 144, occupied: 100, free: 32, silent: 12, occupied_share: 0.757, turnover: 3.1, mean_stay_seconds: 6120, captured_fen: 590000 },
  signals: { junctions: 4, centre: 2, local: 1, hand: 0, flashing: 1, dark: 0, faulty: 1, refused: 17 },
};
const board = (exceptions: readonly { severity: string }[]) => ({
  at: AT,
  now: exceptions.filter((each) => each.severity === "now").length,
  limited: exceptions.filter((each) => each.severity === "limited").length,
  exceptions,
  live: true,
  position: 4862119,
  head: 4862119,
  history_from: iso(-80 * 1440),
  simulated: true,
  systems: SYSTEMS,
  histograms: { seconds_to_money: SNAPSHOT.applications.seconds },
});
export const BOARD = board(EXCEPTIONS);
export const CALM = board([]);
export const LIMITED = board(EXCEPTIONS.slice(3));
/** Looked back at: as it was at twenty to nine. */
export const PAST = { ...board(EXCEPTIONS.slice(1, 4)), live: false, position: 4620044, at: iso(-110) };

const middle = (value: number) => ({ low: value * 0.9, middle: value, high: value * 1.1 });
const USUAL = {
  applications: { waiting: middle(7), seconds_to_money: middle(1.9) },
  parking: { occupied_share: middle(0.76), turnover: middle(2.9), mean_stay_seconds: middle(6480) },
  inspection: { handled_in_time_share: middle(0.969) },
  signals: {},
};
const SERIES = { moments: Array.from({ length: 25 }, (_, hour) => ({ at: iso((hour - 24) * 60), systems: SYSTEMS, usual: USUAL })) };

const MINUTES = {
  since: iso(-1440),
  until: iso(0),
  step_minutes: 1,
  history_from: iso(-80 * 1440),
  steps: Array.from({ length: 144 }, (_, at) => {
    const hour = (at / 6 + 10.5) % 24;
    const events = 0.16 + 0.6 * Math.exp(-((hour - 8.3) ** 2) / 3.2) + 0.5 * Math.exp(-((hour - 17.8) ** 2) / 4);
    return { at: iso(-1440 + at * 10), events: Math.round(events * 2600), now: at === 141 ? 1 : 0, limited: [31, 58, 97, 131].includes(at) ? 1 : 0 };
  }),
};

const due = (responsible: string, left: number) => ({
  case_id: `case-${left}`,
  code: "handling",
  stage: "handling",
  responsible,
  district: null,
  class_code: "road_damage",
  due_at: iso(left),
  warn_at: iso(left - 15),
  warned: false,
  missed: left < 0,
  simulated: true,
});
const DEADLINES = {
  deadlines: [
    due("municipal-works", -120),
    due("urban-management", -36),
    ...[18, 41, 55].map((left) => due("municipal-works", left)),
    ...[33, 47].map((left) => due("sanitation", left)),
    ...Array.from({ length: 86 }, (_, at) => due(DEPARTMENTS[at % 5]?.code ?? "", 66 + random() ** 0.75 * 600)),
  ],
  next: null,
};

const ZONES = FACES.flatMap(([area, , streets], group) =>
  streets.map((name, place) => ({
    place_id: `${area}-${place + 1}`,
    name,
    parent: area,
    longitude: [113.664, 113.68, 113.613][group],
    latitude: [34.75, 34.774, 34.75][group]! + place * 0.002,
  })),
);
const PLACES = { places: [...FACES.map(([area, name]) => ({ place_id: area, name, parent: null, longitude: null, latitude: null })), ...ZONES], next: null };
const MAPPED = {
  position: 4862119,
  whole: true,
  truncated: false,
  cases: Array.from({ length: 90 }, (_, at) => ({
    case_id: `case-${at}`,
    class_code: "road_damage",
    status: "dispatched",
    priority: "normal",
    longitude: 113.61 + random() * 0.085,
    latitude: 34.735 + random() * 0.06,
    due_at: iso(at < 2 ? -30 : 300),
    simulated: true,
  })),
  removed: [],
};
const CORRIDORS = {
  corridors: [
    {
      corridor: "guyu",
      name: "谷雨路",
      name_en: "Guyu Road",
      junctions: JUNCTIONS.map(({ junction, name, name_en }, at) => ({ junction, name, name_en, distance_m: at * 450, travel_s: at * 30 })),
    },
  ],
};

const spread = (p50: number, p99: number) => ({ count: 900, p50, p90: p99 / 1.6, p99, longest: p99, histogram: [] });
const SOURCES = {
  days: ([
    ["housing-fund", 0.11, 0.3, 0.999],
    ["public-security", 0.21, 4.9, 0.912],
    ["civil-affairs", 0.33, 0.9, 0.998],
    ["real-estate", 0.4, 1.6, 0.987],
    ["housing", 0.64, 1.5, 0.997],
    ["bank", 0.82, 1.8, 0.999],
    ["credit-registry", 1.08, 2.2, 0.996],
  ] as const).map(([department, p50, p99, availability]) => ({ day: "2026-11-25", department, counts: {}, availability, seconds: spread(p50, p99) })),
};
const TOTALS = {
  days: [],
  totals: {},
  seconds_to_money: spread(1.8, 7.9),
  now: { person: 3, moving: 9, officer: 6, bank: 2, overdue: 1, stranded: 0 },
  savings: {},
  automatic_share: 0.971,
  online_share: 0.99,
  online_availability: 1,
};
const IDENTITY = {
  days: [
    { day: "2026-11-25", purpose: "housing-fund-repayment", outcomes: { "face-matched": 1187, code: 84, counter: 13, "face-not-matched": 39 }, face_success_rate: 0.968, fallback_rate: 0.07 },
  ],
};
const BERTHS = {
  berths: faces.flatMap((face) =>
    [...face.berths].map((state, at) => ({
      place_id: `${face.zone_id}-${at + 1}`,
      zone_id: face.zone_id,
      number: at + 1,
      state: state === "o" ? "occupied" : state === "f" ? "free" : "unknown",
      changed_at: iso(-12 - random() ** 2.6 * 560),
      heard_at: iso(-1),
      simulated: true,
    })),
  ),
  counts: {},
  silence_limit_seconds: 600,
  next: null,
};
const METRICS = {
  place_id: "p",
  kind: "zone",
  time_zone: "Asia/Shanghai",
  hours: Array.from({ length: 24 }, (_, at) => {
    const hour = (11 + at) % 24;
    const share = 0.3 + 0.5 * Math.exp(-((hour - 11) ** 2) / 14) + 0.45 * Math.exp(-((hour - 19) ** 2) / 7);
    const date = at < 13 ? "2026-11-24" : "2026-11-25";
    return { date, hour, seconds: 3600, stays: 3, turnover: 0.3, mean_stay_minutes: 100, occupancy: at === 9 || at === 10 ? -1 : Math.min(1, share) };
  }),
};
const ARREARS = {
  at: AT,
  rules_version: "1",
  least_debtors: 10,
  groups: ([["0-1", 418000, 312], ["1-7", 362000, 158], ["7-30", 254000, 74], ["30+", 194000, 21]] as const).map(([age_days, open_fen, debtors]) => ({ area_id: "p-erqi", age_days, debtors, open_fen })),
};
const greens = (offset: number, every: number, long: number) =>
  Array.from({ length: 7 }, (_, at) => {
    const begins = NOW - 360_000 + offset + at * every;
    return { begins: new Date(begins).toISOString(), ends: begins + long > NOW ? null : new Date(begins + long).toISOString() };
  }).filter((each) => Date.parse(each.begins) < NOW);
const TIME_SPACE = {
  corridor: "guyu",
  name: "谷雨路",
  since: iso(-9),
  until: iso(1),
  junctions: JUNCTIONS.map(({ junction }, at) => ({
    junction,
    distance_m: at * 450,
    travel_s: at * 30,
    outbound: { group: "V1", greens: at === 1 ? [] : greens(at * 29_000, 84_000, 34_000 + at * 2000) },
    inbound: { group: "V1", greens: [] },
  })),
};
const REFUSALS = { sums: [[8, 7], [4, 5], [1, 3], [12, 2]].map(([rule, refused]) => ({ rule, source: "centre", refused })), refused: 17 };
const TRAFFIC = {
  junction: "guyu_1",
  lanes: Array.from({ length: 36 }, (_, at) => ({
    begins: iso(-180 + at * 5),
    lane: "E1",
    movements: [],
    groups: [],
    detector: "d",
    vehicles: 30,
    queue_mean: 4,
    queue_most: 8,
    delay_s: 24 + 14 * Math.exp(-((at - 10) ** 2) / 40) + random() * 2,
    level_of_service: "C",
    marks: [],
  })),
  movements: [],
};
const counts = (reported: number, share: number | null) => ({
  counts: { reported },
  rates: { filed: 1, correctly_dispatched: 1, handled_in_time: share, closed_in_time: 1, rework: 0.04, mean_seconds_to_handled: 2460, mean_seconds_to_closed: 6200, mean_stars: null },
});
const REPORTED = [58, 44, 39, 35, 32, 26, 21, 18, 12, 9];
const EVALUATION = {
  by: "class",
  since: "2026-11-25",
  until: "2026-11-25",
  rows: [
    ...CLASSES.map((each, at) => ({ key: each.code, ...counts(REPORTED[at] ?? 0, null) })),
    ...DEPARTMENTS.slice(0, 5).map((each, at) => ({ key: each.code, ...counts(0, [0.941, 0.978, 0.992, 0.986, 0.964][at] ?? 1) })),
  ],
  total: { key: "", ...counts(308, 0.974) },
};
const PROJECTIONS = {
  head: 4862119,
  projections: SNAPSHOT.lag.map(({ projection, position, lag }) => ({ projection, version: 1, position, lag, parked: 0, running: true })),
};

/** At the minute looked back at: one case late, one with time left, the third junction dark. */
const THINGS = {
  at: iso(-110),
  things: [
    ...[-140, -92, -75, -40, 30].map((left, at) => ({ stream_id: `case-${at}`, about: "road_damage", owner: at % 2 === 0 ? "municipal-works" : "sanitation", due_at: iso(left), place: place("金水区1街道", 113.62 + at * 0.01, 34.75 + at * 0.004), simulated: true })),
    ...JUNCTIONS.map((each, at) => ({ stream_id: each.junction, about: at === 2 ? "dark" : "centre", owner: null, due_at: null, place: { ...place(each.name, 113.66, 34.766), name_en: each.name_en, place_id: each.junction }, simulated: true })),
  ],
};

const PICTURES = {
  at: iso(-110),
  members: {
    parking: {
      faces: faces.map((face, at) => {
        const stood = [...face.berths].map((letter, number) => (letter === "u" ? "u" : (at + number) % 3 === 0 ? "f" : "o"));
        return { ...face, berths: stood.join(""), since: stood.map((each, number) => (each === "o" ? iso(-120 - 25 * ((at + number) % 7)) : null)) };
      }),
    },
    signals: { junctions: JUNCTIONS.map(({ junction, last, before, arms }) => ({ junction, last, before, arms: arms.map(({ bearing, queue }) => ({ bearing, queue })) })) },
  },
};

/** What a server with everything would answer. */
export const ANSWERS: Readonly<Record<string, unknown>> = {
  "GET /v1/classes": { version: "1", classes: CLASSES },
  "GET /v1/departments": { version: "1", departments: DEPARTMENTS },
  "GET /v1/services": { services: SERVICES },
  "GET /v1/board": BOARD,
  "GET /v1/board/minutes": MINUTES,
  "GET /v1/board/series": SERIES,
  "GET /v1/board/things": THINGS,
  "GET /v1/board/pictures": PICTURES,
  "GET /v1/deadlines": DEADLINES,
  "GET /v1/parking/places": PLACES,
  "GET /v1/cases/map": MAPPED,
  "GET /v1/statistics/applications": TOTALS,
  "GET /v1/statistics/sources": SOURCES,
  "GET /v1/statistics/identity": IDENTITY,
  "GET /v1/statistics/evaluation": EVALUATION,
  "GET /v1/parking/berths": BERTHS,
  "GET /v1/parking/arrears": ARREARS,
  "GET /v1/parking/places/*": METRICS,
  "GET /v1/signals/corridors/guyu/time-space": TIME_SPACE,
  "GET /v1/signals/refusals/sums": REFUSALS,
  "GET /v1/signals/junctions/*": TRAFFIC,
  "GET /v1/projections": PROJECTIONS,
  "GET /v1/signals/corridors": CORRIDORS,
};
