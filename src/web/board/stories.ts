import { AWAY, Events, PENDING, refusal, type Story } from "../shared/stories";
import { useLive } from "./data/live";
import { usePlayback } from "./data/playback";
import { useTime } from "./data/time";
import { useView } from "./data/view";
import { ANSWERS, BOARD, CALM, LIMITED, PAST, SNAPSHOT } from "./stories_data";

const AUDITOR = { subject: "auditor-1", roles: ["auditor"] };
const told = (snapshot: unknown): Events => new Events([{ event: "snapshot", data: snapshot }]);
const all = (more: Record<string, unknown> = {}): Record<string, unknown> => ({ "GET /live": told(SNAPSHOT), "GET /v1/board/live": told(BOARD), ...ANSWERS, ...more });
const story = (name: string, path: string, { nobody, ...more }: Partial<Story> & { nobody?: boolean } = {}): Story => ({
  name,
  path,
  ...(nobody ? {} : { as: AUDITOR }),
  answers: all(),
  ...more,
});

/** Looked back at twenty to nine. */
const lookBack = (): void => useTime().lookAt(useTime().nowMinute - 110);

const NOTHING_YET = {
  ...SNAPSHOT,
  applications: { ...SNAPSHOT.applications, paid: 0, submitted: 0, waiting: 0, seconds: [], saved: { materials: [0, 0], steps: [0, 0], trips: [0, 0] } },
  cases: { ...SNAPSHOT.cases, counts: { ...SNAPSHOT.cases.counts, reported: 0, handled: 0 }, rates: { handled_in_time: null, rework: null }, squares: [], overdue: 0, within_1_hour: 0 },
  parking: { ...SNAPSHOT.parking, berths: {}, faces: [], anomalies: {} },
  signals: { standing: {}, faulty: 0, refused_last_hour: 0, junctions: [] },
  open: [],
  open_total: 0,
};

const NOTHING = { ...CALM, systems: Object.fromEntries(Object.keys(CALM.systems).map((name) => [name, {}])) };

const PAGES = { overview: "/", applications: "/applications", parking: "/parking", signals: "/signals", inspection: "/inspection", system: "/system" };

export const stories: readonly Story[] = Object.entries(PAGES).flatMap(([page, path]) => [
  story(page, path),
  story(`${page}-empty`, path, { answers: all({ "GET /live": told(NOTHING_YET),
      "GET /v1/board/live": told(NOTHING),
      "GET /v1/deadlines": { deadlines: [], next: null },
      "GET /v1/cases/map": { position: 1, whole: true, truncated: false, cases: [], removed: [] },
      "GET /v1/statistics/applications": { ...(ANSWERS["GET /v1/statistics/applications"] as object), automatic_share: null, now: { person: 0, moving: 0, officer: 0, bank: 0, overdue: 0, stranded: 0 } },
      "GET /v1/statistics/sources": { days: [] },
      "GET /v1/statistics/identity": { days: [] },
      "GET /v1/statistics/evaluation": { ...(ANSWERS["GET /v1/statistics/evaluation"] as object), rows: [] },
      "GET /v1/parking/berths": { berths: [], counts: {}, silence_limit_seconds: 600, next: null },
      "GET /v1/parking/places": { places: [], next: null },
      "GET /v1/parking/arrears": { groups: [] },
      "GET /v1/signals/corridors": { corridors: [] },
      "GET /v1/signals/refusals/sums": { sums: [], refused: 0 },
    }) }),
  story(`${page}-loading`, path, { answers: Object.fromEntries(Object.keys(all()).map((asked) => [asked, PENDING])) }),
  story(`${page}-error`, path, { answers: { "GET /live": told(SNAPSHOT), "GET *": refusal(503, "unavailable") } }),
  story(`${page}-offline`, path, { act: () => useLive().lost(), answers: all() }),
  story(`${page}-nobody`, path, { nobody: true }),
  story(`${page}-past`, path, { act: lookBack, answers: all({ "GET /v1/board": PAST }) }),
  story(`${page}-tables`, path, { act: () => void (useView().tables = true) }),
]).concat([
  story("overview-playing", "/", {
    act: () => {
      lookBack();
      usePlayback().play();
    },
    answers: all({ "GET /v1/board": PENDING }),
  }),
  story("overview-calm", "/", { answers: all({ "GET /v1/board/live": told(CALM) }) }),
  story("overview-limited", "/", { answers: all({ "GET /v1/board/live": told(LIMITED) }) }),
  story("overview-behind", "/", { answers: all({ "GET /live": told({ ...SNAPSHOT, lag: [{ projection: "case_desk", position: 4849719, lag: 12400 }] }) }) }),
  story("overview-outdated", "/", { answers: all({ "GET /live": told({ head: 1 }) }) }),
  story("overview-away", "/", { answers: all({ "GET /live": AWAY }) }),
  story("overview-keys", "/", { act: () => void (useView().help = true) }),
]);
