// Stories of the page of street cases. Everything in them is made up.

import { AWAY, PENDING, refusal, Reply, type Story } from "../../shared/stories";
import type { Person } from "../../shared/session";
import { NAMES } from "../applications/stories";

const WORKS: Person = { subject: "official-7", roles: ["official"], department: "municipal-works" };
const CHIEF: Person = { subject: "supervisor-1", roles: ["supervisor"] };
const CENTRE: Person = { subject: "operator-2", roles: ["operator"] };
const ONE = "case-0000c2e9";

function row(case_id: string, class_code: string, address: string, due: string | null, more: object = {}): Record<string, unknown> {
  return {
    case_id, class_code, status: "accepted", source: "camera", lead: "municipal-works", departments: ["municipal-works", "traffic_police"], district: null, street: null,
    community: null, cell: null, address, latitude: 34.76, longitude: 113.66, description: "", visibility: "public", simulated: true,
    reported_at: "2026-11-25T08:48:00+08:00", updated_at: "2026-11-25T09:24:00+08:00", closed_at: null, detections: 5, times_returned: 0, times_reopened: 0, priority: "normal",
    assignees: [], rating: null, asset_code: null, deferred_until: null, merged_into: null, requests: [], due_at: due && `2026-11-25T${due}:00+08:00`, overdue: false, version: 6, position: 60, ...more,
  };
}
const ROWS = [
  row("case-00000001", "road-damage", "春分路 / 海棠街", "08:30", { overdue: true, latitude: 34.764, longitude: 113.667, status: "dispatched" }),
  row(ONE, "manhole-cover", "芒种路 / 石榴街", "10:48"),
  row("case-00000002", "waterlogging", "谷雨路 / 桂花街", "11:11", { latitude: 34.757, longitude: 113.655 }),
  row("case-00000003", "manhole-cover", "小满路 / 月季街", "13:30", { latitude: 34.7625, longitude: 113.652, requests: ["extension"] }),
  row("case-00000004", "road-damage", "大暑路 / 木槿街", null, { deferred_until: "2026-11-27T08:00:00+08:00", latitude: 34.755, longitude: 113.668 }),
];
const deadline = (code: string, stage: string, until: string, due_at: string): object => ({ code, stage, until, begun_at: "2026-11-25T08:48:00+08:00", warn_at: due_at, due_at, missed: false, warned: false });
const EXTENSION = { request_id: "0".repeat(32), change: "extension", reason: "配件在途", requested_by: "official-7", department: "municipal-works", deadline: "handling", amount: 6, until: null };
const STATE = {
  case_id: ONE, version: 6, status: "accepted", source: "camera", class_code: "manhole-cover", description: "", visibility: "public", latitude: 34.76, longitude: 113.66,
  address: "芒种路 / 石榴街东北角", confidence: 91, evidence_sha256: [], public_photos: [], simulated: true, external_ref: null, departments: ["municipal-works", "traffic_police"], lead: "municipal-works",
  accepted_by: ["municipal-works", "traffic_police"], tasks: [{ department: "traffic_police", task: "封闭一条车道", finished: true }, { department: "municipal-works", task: "围挡并换新井盖", finished: false }],
  times_returned: 0, times_reopened: 0, times_extended: 0, rating: null, priority: "urgent", asset_code: null, assignees: {}, field_check: null, reported_at: "2026-11-25T08:48:00+08:00",
  last_occurred_at: "2026-11-25T09:24:00+08:00", handled_at: null, recheck_at: null, deferred_until: null, place: null, attributes: null, requests: [EXTENSION], detections: [], detections_total: 5, absorbed: [], merged_into: null,
  deadlines: [deadline("made-safe", "handling", "made-safe", "2026-11-25T10:48:00+08:00"), deadline("handling", "handling", "case.handled", "2026-11-25T20:48:00+08:00"), deadline("closing", "closing", "case.closed", "2026-11-27T09:00:00+08:00")],
};
const ALIKE = { cases: [{ ...row("case-00004b07", "manhole-cover", "芒种路", "12:00", { latitude: 34.7601, longitude: 113.6604 }), distance_m: 38.2 }] };
const ANSWERS = { version: "2020-01-01+1", answers: [{ code: "solved", of: "closing", public: "问题已处置并核查，感谢您的反映。", public_en: "The problem has been solved and checked. Thank you for the report.", internal: "" }] };
const entry = (version: number, topic: string, actor: string): object => ({ case_id: ONE, version, position: 50 + version, topic: `case.${topic}`, occurred_at: "2026-11-25T10:29:41+08:00", recorded_at: "2026-11-25T10:29:41+08:00", actor, role: "official", channel: "http", details: {} });

const answers = (state: object, version = 6, entries: readonly object[] = []): Record<string, unknown> => ({
  ...NAMES,
  "GET /v1/cases": { cases: ROWS, next: null },
  [`GET /v1/cases/${ONE}`]: new Reply(200, state, { ETag: `"${version}"` }),
  [`GET /v1/cases/${ONE}/duplicates`]: ALIKE,
  [`GET /v1/cases/${ONE}/comments`]: { comments: [{ author: "phone", written_at: "2026-11-25T09:40:00+08:00", stated: null, text: "晚上这里没有灯，看不见。" }], next: null },
  [`GET /v1/cases/${ONE}/timeline`]: { case_id: ONE, entries, next: null },
  "GET /v1/answers": ANSWERS,
  "GET /v1/departments/municipal-works/officials": { officials: [{ subject: "official-9", steps: 41, last_at: "2026-11-25T09:12:00+08:00" }, { subject: "official-12", steps: 7, last_at: "2026-11-20T16:40:00+08:00" }] },
  "GET /v1/photos/*": refusal(404, "photo-not-found"),
});
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));
/** Choose an act, behind the button for more of them where it is there. */
const choose = (act: string) => async (page: HTMLElement): Promise<void> => {
  const wanted = (): HTMLInputElement | null => page.querySelector<HTMLInputElement>(`.decision input[value="${act}"]`);
  if (wanted() === null) page.querySelector<HTMLButtonElement>(".decision form > .bt.w")?.click();
  await later();
  wanted()?.click();
  await later();
};
async function refused(page: HTMLElement): Promise<void> {
  await choose("verify")(page);
  page.querySelector<HTMLButtonElement>(".decision .bt.p")?.click();
}
async function task(page: HTMLElement): Promise<void> {
  page.querySelector<HTMLInputElement>('.decision input[value="task"]')?.click();
  await later();
  const note = page.querySelector<HTMLTextAreaElement>("#note");
  if (note === null) return;
  note.value = "已围挡，新井盖装好";
  note.dispatchEvent(new Event("input"));
}
const CHECKED = { inspector: "official-9", note: "", solved: null };
const REFUSED = { ...answers({ ...STATE, status: "handled", requests: [], field_check: CHECKED }), [`POST /v1/cases/${ONE}/verify`]: refusal(409, "check-missing", "尚未现场核查", { next_step: "请派人核查，或等待核查结果。" }) };
const FASTER: Record<string, unknown> = { ...answers(STATE), [`POST /v1/cases/${ONE}/tasks`]: refusal(412, "stale-version", "", { current_version: 7 }) };
async function overtaken(page: HTMLElement): Promise<void> {
  await task(page);
  Object.assign(FASTER, answers({ ...STATE, version: 7 }, 7, [entry(7, "milestone_reached", "official-9")]));
  await later();
  page.querySelector<HTMLButtonElement>(".decision .bt.p")?.click();
}

const at = `/cases/${ONE}`;
export const CASES: readonly Story[] = [
  { name: "cases", path: at, as: WORKS, answers: answers(STATE), act: task },
  { name: "cases-approval", path: at, as: CHIEF, answers: answers(STATE), act: choose("approve") },
  { name: "cases-extension", path: at, as: WORKS, answers: answers({ ...STATE, requests: [] }), act: choose("extension") },
  { name: "cases-relocate", path: at, as: CENTRE, answers: answers(STATE), act: choose("relocate") },
  { name: "cases-reclassify", path: at, as: CENTRE, answers: answers(STATE), act: choose("reclassify") },
  { name: "cases-assign", path: at, as: WORKS, answers: answers({ ...STATE, assignees: { "municipal-works": "official-12" } }), act: choose("assign") },
  { name: "cases-deferred", path: at, as: WORKS, answers: answers({ ...STATE, deferred_until: "2026-11-27T08:00:00+08:00", requests: [] }), act: choose("resume") },
  { name: "cases-close", path: at, as: CENTRE, answers: answers({ ...STATE, status: "verified", requests: [], absorbed: ["case-00004b07"], evidence_sha256: ["ab".repeat(32)] }), act: choose("close") },
  { name: "cases-merged", path: at, as: CENTRE, answers: answers({ ...STATE, status: "merged", merged_into: "case-00004b07", requests: [], deadlines: [] }), act: choose("unmerge") },
  { name: "cases-refused", path: at, as: CENTRE, answers: REFUSED, act: refused },
  { name: "cases-none-open", path: "/cases", as: WORKS, answers: answers(STATE) },
  { name: "cases-empty", path: "/cases", as: WORKS, answers: { ...NAMES, "GET /v1/cases": { cases: [], next: null } } },
  { name: "cases-loading", path: at, as: WORKS, answers: { ...NAMES, "GET /v1/cases": PENDING, "GET /v1/cases/*": PENDING } },
  { name: "cases-error", path: at, as: WORKS, answers: { ...NAMES, "GET /v1/cases": refusal(503, "not-caught-up"), "GET /v1/cases/*": refusal(404, "stream-not-found", "没有这件案件") } },
  { name: "cases-offline", path: at, as: WORKS, answers: { ...answers(STATE), "GET /v1/cases": AWAY } },
  { name: "cases-faster", path: at, as: WORKS, answers: FASTER, act: overtaken },
];
