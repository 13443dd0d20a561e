// Stories of approvals, parking and faces. Everything in them is made up.

import { AWAY, PENDING, refusal, type Story } from "../shared/stories";
import type { Person } from "../shared/session";
import { NAMES } from "./applications/stories";

const CHIEF: Person = { subject: "supervisor-1", roles: ["supervisor"], department: "parking" };
const CLAIM = "parking_claim-0000000000000000000000000000c1a1";
const PERMIT = "parking_permit-000000000000000000000000000041d0";
const BATCH = "parking_repricing-0000000000000000000000000000b001";
const NOTICE = "parking_notice-0000000000000000000000000000c1a1";
const SESSION = "parking-000000000000000000000000000041d0";

const claim = (more: object = {}): object => ({
  claim_id: CLAIM, subject: SESSION, area_id: "Z1", status: "open", amount_fen: 1200, paid_fen: 0, open_fen: 1200, due_at: "2026-11-25T23:59:00+08:00", raised_at: "2026-11-24T13:06:00+08:00", suspended_for: null, mismatched: false,
  charged_back: false, loss_fen: 0, undelivered_fen: 0, payments: [], receipts: [], simulated: true, yours: false, proposals: [{ proposal_id: "p1", kind: "write-off", by_fen: 80_000, reason: "goodwill", proposed_by: "official-11" }], ...more,
});
const PERMITS = {
  permits: [{ permit_id: PERMIT, kind: "resident", status: "asked", zone_id: "Z1", begins: null, ends: null, reason: null, proposed: "grant", proposed_begins: "2026-12-01T00:00:00+08:00", proposed_ends: "2027-12-01T00:00:00+08:00", car_day: null, asked_at: "2026-11-23T09:00:00+08:00", ended_at: null, version: 2, citizen_id: null, plate: "豫A 00000", pseudonym: null }],
  next: null,
};
const ASKED = { permits: [{ ...PERMITS.permits[0], proposed: null, proposed_begins: null, proposed_ends: null, version: 1 }], next: null };
const sums = { sessions: 320, cheaper: 120, lowered_fen: 64_000, refunded_fen: 21_000 };
const BATCHES = { repricings: [{ repricing_id: BATCH, version: 3, status: "proposed", version_id: "street-2026", scope: "all", begins: "2026-11-01T00:00:00+08:00", ends: "2026-11-20T00:00:00+08:00", reason: "tariff-corrected", proposed_by: "official-11", preview: sums, done: sums, proposed_at: "2026-11-24T10:00:00+08:00" }], next: null };
const notice = (more: object = {}): object => ({
  notice_id: NOTICE, claim_id: CLAIM, status: "proposed", reason: "debtor-unknown", says: ["amount", "plate"], proposed_at: "2026-11-24T10:00:00+08:00", proposed_by: "official-11", published_at: null, published_by: null,
  until: "2026-12-20T00:00:00+08:00", ended_at: null, ended_by: null, ended_why: null, amount_fen: 1200, due_at: "2026-10-25T23:59:00+08:00", ...more,
});
const NOTICES = { notices: [notice(), notice({ notice_id: `${NOTICE.slice(0, -4)}c1a2`, status: "published", published_at: "2026-11-23T10:00:00+08:00", published_by: "official-12" })], next: null };
const CASES = { cases: [{ case_id: "case-00000003", class_code: "manhole-cover", requests: ["extension"], due_at: "2026-11-25T13:30:00+08:00", reported_at: "2026-11-25T08:00:00+08:00", simulated: true }], next: null };
const WAITING = {
  ...NAMES, "GET /v1/cases": CASES, "GET /v1/parking/claims": { claims: [claim()], next: null }, "GET /v1/parking/permits": PERMITS, "GET /v1/parking/repricings": BATCHES, "GET /v1/parking/notices/desk": { notices: [notice()], next: null },
};
const NOTHING = { ...NAMES, "GET /v1/cases": { cases: [], next: null }, "GET /v1/parking/claims": { claims: [], next: null }, "GET /v1/parking/permits": { permits: [], next: null }, "GET /v1/parking/repricings": { repricings: [], next: null }, "GET /v1/parking/notices/desk": { notices: [], next: null } };
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

async function agree(page: HTMLElement): Promise<void> {
  page.querySelector<HTMLInputElement>('.decision input[value="agree"]')?.click();
  await later();
  page.querySelector<HTMLButtonElement>(".decision form .bt.w")?.click();
}

async function grant(page: HTMLElement): Promise<void> {
  page.querySelector<HTMLInputElement>('.decision input[value="grant"]')?.click();
  await later();
}

const session = (more: object = {}): object => ({
  session_id: SESSION, place_id: "berth-guyu-07", zone_id: "Z2", area_id: null, tariff_zone: "second", status: "disputed", arrived_at: "2026-11-24T08:48:12+08:00", left_at: "2026-11-24T13:05:40+08:00", ending: "departure-seen", doubt: null, price_fen: 1200,
  prepaid_fen: 0, proposed_decision: null, tariff_versions: ["street-2020"], held: null, claim_id: CLAIM, due_at: "2026-11-25T23:59:00+08:00", deferred: null, reminders: 0, disputed: true, simulated: true, plate: "豫A 00000", pseudonym: null, ...more,
});
const line = (begins: string, ends: string, counted_seconds: number, fen: number, more: object = {}): object => ({
  kind: "parking", day: "2026-11-24", version: "street-2020", rule: "second", begins: `2026-11-24T${begins}+08:00`, ends: `2026-11-24T${ends}+08:00`, counted_seconds, steps: [], uncapped_fen: fen, fen, cap: null, zero: null, calendar: null, ...more,
});
const OPENING = `POST /v1/parking/sessions/${SESSION}/dispute/opening`;
const GROUNDS = { session_id: SESSION, disputed_at: "2026-11-24T19:20:00+08:00", grounds: "我 12 点就开走了，后面停的不是我的车。", photos: [], decided_at: null, upheld: null, amount_fen: null, reason: null, note: null };
const PARKING = {
  ...NAMES,
  "GET /v1/parking/sessions": { sessions: [session()], next: null },
  "GET /v1/parking/claims": { claims: [claim({ proposals: [] })], next: null },
  [`GET /v1/parking/sessions/${SESSION}`]: session(),
  [`GET /v1/parking/sessions/${SESSION}/explanation`]: { session_id: SESSION, amount_fen: 1200, already_fen: 0, tariff_versions: ["street-2020"], stay: {}, compared_with: null, lines: [line("08:48:12", "09:48:12", 3600, 400), line("09:48:12", "13:05:40", 11_820, 800, { cap: "a-day" })] },
  [`GET /v1/parking/sessions/${SESSION}/seen`]: {
    session_id: SESSION, arrived_at: "2026-11-24T08:48:12+08:00", left_at: "2026-11-24T13:05:40+08:00", beginning: "arrival-seen", ending: "departure-seen", unseen_from: "2026-11-24T11:20:00+08:00",
    unseen_until: "2026-11-24T13:05:40+08:00", plates: [{ at: "2026-11-24T08:48:12+08:00", confidence: 96, doubted: false }], dispute: "open",
  },
  [`GET /v1/parking/claims/${CLAIM}`]: claim({ proposals: [] }),
  "GET /v1/parking/quote": { place_id: "berth-guyu-07", tariff_zone: "second", start: "2026-11-24T08:48:12+08:00", end: "2026-11-24T11:20:00+08:00", price_fen: 600, steps: [], free_minutes: 15, tariff_versions: ["street-2020"] },
};
async function uphold(page: HTMLElement): Promise<void> {
  page.querySelector<HTMLInputElement>('.decision input[value="upheld"]')?.click();
  await later();
  const [fen, ground] = [page.querySelector<HTMLInputElement>("#fen"), page.querySelector<HTMLSelectElement>("#ground")];
  if (fen === null || ground === null) return;
  [fen.value, ground.value] = ["6.00", "wrong-time"];
  fen.dispatchEvent(new Event("input"));
  ground.dispatchEvent(new Event("change"));
}
async function openGrounds(page: HTMLElement): Promise<void> {
  page.querySelector<HTMLButtonElement>(".work .bt.w")?.click();
  await later();
  const purpose = page.querySelector<HTMLSelectElement>("#purpose-dispute");
  if (purpose === null) return;
  purpose.value = "review";
  purpose.dispatchEvent(new Event("change"));
  await later();
  page.querySelector<HTMLButtonElement>(".work form .bt.w")?.click();
}
const PROPOSED = { amount_fen: 600, proposed_by: "official-11" };
const propose = (proposed_decision: object): Record<string, unknown> => ({ ...PARKING, [`GET /v1/parking/sessions/${SESSION}`]: session({ price_fen: 8800, proposed_decision }) });
const FASTER: Record<string, unknown> = { ...PARKING, [`POST /v1/parking/sessions/${SESSION}/dispute/decision`]: refusal(412, "stale-version", "", { current_version: 8 }) };
async function overtaken(page: HTMLElement): Promise<void> {
  await uphold(page);
  Object.assign(FASTER, { [`GET /v1/parking/sessions/${SESSION}`]: session({ status: "claimed", price_fen: 600, disputed: false }) });
  await later();
  page.querySelector<HTMLButtonElement>(".decision form .bt.w")?.click();
}

async function makePublic(page: HTMLElement): Promise<void> {
  await choose("notice")(page);
  page.querySelector<HTMLInputElement>(".ticks input")?.click();
  const ground = page.querySelector<HTMLSelectElement>("#ground");
  if (ground === null) return;
  ground.value = "debtor-unknown";
  ground.dispatchEvent(new Event("change"));
  await later();
  page.querySelector<HTMLButtonElement>(".decision form .bt.w")?.click();
}

const PAYMENT = { payment_id: "00000000-0000-4000-8000-0000000000a1", channel: "app", amount_fen: 1200, state: "captured", settled_at: "2026-11-24T20:00:00+08:00", charged_back_fen: 0, until: null, lapsed: false };
const NOTE = { kind: "refund-note", number: "00000000-0000-4000-8000-0000000000b2", amount_fen: 600, at: null, of: PAYMENT.payment_id, why: "overpayment", state: "failed" };
const STRAY = `parking_stray-${"0".repeat(28)}5a11`;
const ANOMALY = `parking_anomaly-${"0".repeat(28)}a001`;
const strays = { strays: [{ stray_id: STRAY, place_id: "face-guyu", amount_fen: 800, status: "paid", asked_at: "2026-11-25T09:40:00+08:00", paid_at: "2026-11-25T09:41:00+08:00", candidates: [SESSION, "parking-000000000000000000000000000042e1"], proposed: null, session_id: null, refusal_proposed: false, plate: "豫A 00001", pseudonym: null }], next: null };
const anomalies = { anomalies: [{ anomaly_id: ANOMALY, kind: "barrier-opened-by-hand", state: "open", place_id: "gate-2", device_id: "barrier-2", session_id: SESSION, other_id: null, claim_id: null, evidence: null, since: "2026-11-25T09:50:00+08:00", ended_at: null, closed_at: null, closed_by: null, reason: null, simulated: true }], next: null };
const ofClaim = (more: object): Record<string, unknown> => ({ ...PARKING, "GET /v1/parking/claims": { claims: [claim({ proposals: [], ...more })], next: null }, [`GET /v1/parking/claims/${CLAIM}`]: claim({ proposals: [], ...more }) });
const choose = (value: string) => async (page: HTMLElement): Promise<void> => {
  page.querySelector<HTMLInputElement>(`.decision input[value="${value}"]`)?.click();
  await later();
};

const HELD: Record<string, unknown> = { status: "held", held: "plate-confidence-below", doubt: { reason: "plate-confidence-below", confidence: 71, threshold: 85 }, disputed: false, claim_id: null, due_at: null };
const heldFor = (held: string): Record<string, unknown> => ({ ...PARKING, "GET /v1/parking/sessions": { sessions: [session({ ...HELD, held })], next: null }, [`GET /v1/parking/sessions/${SESSION}`]: session({ ...HELD, held }) });
const DOUBLED = { anomalies: [{ ...anomalies.anomalies[0], kind: "clone-conflict", other_id: "parking-000000000000000000000000000042e1" }], next: null };
const noticed = (more: object): Record<string, unknown> => ({ ...PARKING, "GET /v1/parking/notices/desk": { notices: [notice(more)], next: null } });

const PAIR = { citizen_id: "citizen-0000000000000000000000000a0d5e11", other: "citizen-0000000000000000000000000b77c210", score: 0.712, threshold: 0.55, enrolled: 2, suspected_at: "2026-11-25T09:58:00+08:00" };
const FACES = { ...NAMES, "GET /v1/faces/duplicates": { duplicates: [PAIR], next: null } };
const pair = `/faces/${PAIR.citizen_id}.${PAIR.other}`;

export const OFFICE: readonly Story[] = [
  { name: "approvals", path: `/approvals/${CLAIM}`, as: CHIEF, answers: WAITING },
  { name: "approvals-permit", path: `/approvals/${PERMIT}`, as: CHIEF, answers: WAITING },
  { name: "approvals-permit-first", path: `/approvals/${PERMIT}`, as: CHIEF, answers: { ...WAITING, "GET /v1/parking/permits": ASKED }, act: grant },
  { name: "approvals-repricing", path: `/approvals/${BATCH}`, as: CHIEF, answers: WAITING },
  { name: "approvals-faster", path: `/approvals/${PERMIT}`, as: CHIEF, answers: { ...WAITING, "POST /v1/parking/permits/*": refusal(412, "stale-version", "", { current_version: 3 }) }, act: agree },
  { name: "approvals-empty", path: "/approvals", as: CHIEF, answers: NOTHING },
  { name: "approvals-loading", path: "/approvals", as: CHIEF, answers: { ...NAMES, "GET /v1/cases": PENDING, "GET /v1/parking/*": PENDING } },
  { name: "approvals-error", path: "/approvals", as: CHIEF, answers: { ...NAMES, "GET /v1/cases": refusal(503, "not-caught-up"), "GET /v1/parking/*": refusal(503, "not-caught-up") } },
  { name: "approvals-offline", path: "/approvals", as: CHIEF, answers: { ...NAMES, "GET /v1/cases": AWAY, "GET /v1/parking/*": AWAY } },
  { name: "parking", path: `/parking/${SESSION}`, as: CHIEF, answers: PARKING, act: uphold },
  { name: "parking-grounds", path: `/parking/${SESSION}`, as: CHIEF, answers: { ...PARKING, [OPENING]: GROUNDS }, act: openGrounds },
  { name: "parking-second", path: `/parking/${SESSION}`, as: CHIEF, answers: propose(PROPOSED) },
  { name: "parking-own", path: `/parking/${SESSION}`, as: CHIEF, answers: propose({ ...PROPOSED, proposed_by: CHIEF.subject }) },
  { name: "parking-owed", path: `/parking/${CLAIM}`, as: CHIEF, answers: PARKING },
  { name: "parking-mismatch", path: `/parking/${CLAIM}?list=mismatches`, as: CHIEF, answers: ofClaim({ mismatched: true, payments: [PAYMENT] }), act: choose("dismiss") },
  { name: "parking-refund", path: `/parking/${CLAIM}?list=refunds`, as: CHIEF, answers: ofClaim({ undelivered_fen: 600, open_fen: 0, paid_fen: 600, status: "settled", receipts: [NOTE] }), act: choose(`retry ${NOTE.number}`) },
  { name: "parking-stray", path: `/parking/${STRAY}`, as: CHIEF, answers: { ...PARKING, "GET /v1/parking/strays": strays }, act: choose("match") },
  { name: "parking-held", path: `/parking/${SESSION}?list=held`, as: CHIEF, answers: heldFor("plate-confidence-below"), act: choose("release") },
  { name: "parking-held-clone", path: `/parking/${SESSION}?list=held`, as: CHIEF, answers: heldFor("plate-seen-elsewhere") },
  { name: "parking-clone", path: `/parking/${ANOMALY}`, as: CHIEF, answers: { ...PARKING, "GET /v1/parking/anomalies": DOUBLED }, act: choose("genuine") },
  { name: "parking-notice", path: `/parking/${NOTICE}`, as: CHIEF, answers: { ...PARKING, "GET /v1/parking/notices/desk": NOTICES }, act: choose("publication") },
  { name: "parking-notice-own", path: `/parking/${NOTICE}`, as: CHIEF, answers: noticed({ proposed_by: CHIEF.subject }) },
  { name: "parking-notice-over", path: `/parking/${NOTICE}`, as: CHIEF, answers: noticed({ status: "withdrawn", ended_at: "2026-11-24T12:00:00+08:00", ended_by: "official-12", ended_why: "debtor-found" }) },
  { name: "parking-notice-propose", path: `/parking/${CLAIM}`, as: CHIEF, answers: ofClaim({ due_at: "2026-10-25T23:59:00+08:00" }), act: choose("notice") },
  { name: "parking-notice-refused", path: `/parking/${CLAIM}`, as: CHIEF, answers: { ...ofClaim({ due_at: "2026-10-25T23:59:00+08:00" }), "POST /v1/parking/claims/*": refusal(409, "parking-notice-not-allowed", "该欠费不得公告", { why: "debtor-known" }) }, act: makePublic },
  { name: "parking-anomaly", path: `/parking/${ANOMALY}`, as: CHIEF, answers: { ...PARKING, "GET /v1/parking/anomalies": anomalies }, act: choose("closing") },
  { name: "parking-faster", path: `/parking/${SESSION}`, as: CHIEF, answers: FASTER, act: overtaken },
  { name: "parking-empty", path: "/parking", as: CHIEF, answers: { ...NAMES, "GET /v1/parking/sessions": { sessions: [], next: null }, "GET /v1/parking/claims": { claims: [], next: null } } },
  { name: "parking-loading", path: `/parking/${SESSION}`, as: CHIEF, answers: { ...NAMES, "GET /v1/parking/*": PENDING } },
  { name: "parking-error", path: `/parking/${SESSION}`, as: CHIEF, answers: { ...NAMES, "GET /v1/parking/*": refusal(403, "role-not-allowed", "这件归停车部门") } },
  { name: "parking-offline", path: "/parking", as: CHIEF, answers: { ...NAMES, "GET /v1/parking/*": AWAY } },
  { name: "faces", path: pair, as: CHIEF, answers: FACES, act: (page) => page.querySelector<HTMLInputElement>('.decision input[value="same-person"]')?.click() },
  { name: "faces-empty", path: "/faces", as: CHIEF, answers: { ...NAMES, "GET /v1/faces/duplicates": { duplicates: [], next: null } } },
  { name: "faces-loading", path: "/faces", as: CHIEF, answers: { ...NAMES, "GET /v1/faces/duplicates": PENDING } },
  { name: "faces-error", path: "/faces", as: CHIEF, answers: { ...NAMES, "GET /v1/faces/duplicates": refusal(503, "not-caught-up") } },
  { name: "faces-offline", path: "/faces", as: CHIEF, answers: { ...NAMES, "GET /v1/faces/duplicates": AWAY } },
  { name: "faces-settled", path: pair, as: CHIEF, answers: { ...NAMES, "GET /v1/faces/duplicates": { duplicates: [], next: null } } },
];
