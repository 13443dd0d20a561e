// The stories of parking.

import { AWAY, PENDING, refusal, type Story } from "../../shared/stories";
import { CITIZEN, ME } from "./people";

const SESSIONS = "GET /v1/parking/sessions";
const STAYS = "POST /v1/parking/stays/search";
const PLATES = "GET /v1/parking/plates";
const ID = "parking-01a22ba55d1f70d6889f0e15b548bbbb";
const stay = {
  session_id: ID,
  place_id: "berth-7",
  zone_id: "street-1",
  area_id: null,
  tariff_zone: "2",
  status: "parked",
  arrived_at: "2026-11-25T00:48:00Z",
  left_at: null,
  ending: null,
  doubt: null,
  price_fen: null,
  prepaid_fen: 0,
  tariff_versions: [],
  held: null,
  claim_id: null,
  due_at: null,
  deferred: null,
  reminders: 0,
  disputed: false,
  simulated: true,
  plate: "豫A00000",
  pseudonym: null,
};
const over = { ...stay, session_id: `${ID}1`, status: "deferred", left_at: "2026-11-25T03:20:00Z", price_fen: 600, claim_id: "parking_claim-1", due_at: "2026-12-02T03:20:00Z" };
const binding = {
  binding_id: "plate_binding-1",
  status: "active",
  reason: null,
  consent_id: "c",
  per_debit_limit_fen: 5000,
  per_day_limit_fen: 10000,
  registered_since: null,
  use: null,
  held_until: null,
  transferred_on: null,
  transfer: null,
  asked_at: "2026-11-20T00:00:00Z",
  active_since: "2026-11-20T00:00:00Z",
  ended_at: null,
  version: 3,
  citizen_id: CITIZEN,
  plate: "豫A00000",
  pseudonym: null,
};
const AHEAD = [
  { at: "2026-11-25T02:48:00Z", price_fen: 600 },
  { at: "2026-11-25T03:48:00Z", price_fen: 900 },
  { at: "2026-11-25T04:48:00Z", price_fen: 1200 },
];
const NOW = {
  [SESSIONS]: { sessions: [stay, over, { ...over, session_id: `${ID}2`, status: "settled" }], next: null },
  [STAYS]: { stays: [{ session_id: ID, since: "2026-11-25", price_fen: 500, paid_fen: 0, open_fen: 500, grace_minutes: 15, ahead: AHEAD }] },
  [PLATES]: { plates: [binding], hired: [] },
};
const seen = (more: object = {}): object => ({
  session_id: ID,
  arrived_at: stay.arrived_at,
  left_at: over.left_at,
  beginning: "arrival-seen",
  ending: "departure-seen",
  unseen_from: null,
  unseen_until: null,
  plates: [{ at: stay.arrived_at, confidence: 96, doubted: false }],
  dispute: null,
  ...more,
});
const SEEN = `GET /v1/parking/sessions/${ID}/seen`;
const DISPUTE = `GET /v1/parking/sessions/${ID}/dispute`;
const said = (more: object = {}): object => ({
  session_id: ID,
  disputed_at: "2026-11-25T01:00:00Z",
  grounds: "我早就走了：十点前就开走了，这是我在家门口拍的。",
  photos: [],
  decided_at: null,
  upheld: null,
  amount_fen: null,
  reason: null,
  note: null,
  ...more,
});
const QUOTE = {
  "GET /v1/parking/quote": {
    place_id: "berth-7",
    tariff_zone: "2",
    start: "2026-11-25T03:00:00Z",
    end: "2026-11-25T05:00:00Z",
    price_fen: 500,
    steps: [
      { at: "2026-11-25T03:16:00Z", price_fen: 400 },
      { at: "2026-11-25T04:01:00Z", price_fen: 500 },
    ],
    free_minutes: 15,
    tariff_versions: ["street@2026-01-01"],
  },
};
const PARKED_NOW = { ...NOW, [SEEN]: seen({ left_at: null, ending: null }) };
const LINES = [
  { day: "2026-11-25", begins: "2026-11-25T00:48:00Z", ends: "2026-11-25T03:20:00Z", fen: 600, zero: null },
  { day: "2026-11-25", begins: "2026-11-25T03:20:00Z", ends: "2026-11-25T03:30:00Z", fen: 0, zero: "free-minutes" },
];
const one = (more: object): Record<string, unknown> => ({
  [`GET /v1/parking/sessions/${ID}`]: { ...over, session_id: ID, ...more },
  [SEEN]: seen(),
  [`GET /v1/parking/sessions/${ID}/explanation`]: { session_id: ID, amount_fen: 600, already_fen: 0, tariff_versions: [], lines: LINES, stay: {}, compared_with: null },
  [`POST /v1/parking/claims/parking_claim-1/payment`]: { claim_id: "parking_claim-1", payment_id: "p", amount_fen: 600, order: "order", until: "2026-11-25T02:45:00Z" },
});
const at = `/parking/sessions/${ID}`;
const berth = (number: number, state: string): object => ({ place_id: `berth-${number}`, zone_id: "street-1", number, state, changed_at: null, heard_at: null, simulated: true });
const RESERVE = {
  ...QUOTE,
  "GET /v1/parking/places": { places: [{ place_id: "street-1", kind: "zone", name: "谷雨路北侧" }], next: null },
  "GET /v1/parking/reservations": { reservations: [], next: null },
  "GET /v1/parking/berths": { berths: [berth(1, "occupied"), berth(2, "free"), berth(3, "unknown"), berth(4, "free"), berth(5, "occupied"), berth(6, "free"), berth(7, "free")], counts: {}, silence_limit_seconds: 60, next: null },
  "GET /v1/parking/availability": { berths: [{ berth: "berth-6", free: false, busy: [] }], next: null },
  "POST /v1/parking/reservations": {
    reservation_id: "reservation-1",
    version: 1,
    status: "held",
    berth: "berth-7",
    start: "2026-11-25T03:00:00Z",
    end: "2026-11-25T04:00:00Z",
    hold_until: "2026-11-25T02:45:00Z",
    no_show_at: "2026-11-25T03:15:00Z",
    cancel_free_until: "2026-11-25T02:55:00Z",
    rules_version: "1",
    deposit_fen: 500,
    kept_fen: 0,
    claim_id: null,
    conflict: null,
    offered: [],
  },
};
const AGREEMENTS = { "GET /v1/agreements": { agreements: [{ code: "parking-debit", sha256: "ab", valid_from: "2026-01-01", name: "无感支付", name_en: "Debit", lawful_basis: "consent", text: "从您的账户扣缴停车费。", text_en: "Parking is debited from your account." }] } };

const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 40));

async function chooseStreet(page: HTMLElement): Promise<void> {
  const street = page.querySelector<HTMLSelectElement>("#zone");
  if (street === null) return;
  street.selectedIndex = 1;
  street.dispatchEvent(new Event("change"));
  await wait();
  page.querySelector<HTMLElement>(".berths button:last-child")?.click();
}

async function choosePlace(page: HTMLElement): Promise<void> {
  const where = page.querySelector<HTMLSelectElement>("#where");
  if (where === null) return;
  where.selectedIndex = 1;
  where.dispatchEvent(new Event("change"));
  await wait();
}

export const parking: readonly Story[] = [
  { name: "parking", path: "/parking", as: ME, answers: PARKED_NOW },
  { name: "parking-unseen", path: "/parking", as: ME, answers: { ...PARKED_NOW, [SEEN]: seen({ left_at: null, ending: null, unseen_from: "2026-11-25T01:50:00Z" }) } },
  { name: "parking-none", path: "/parking", as: ME, answers: { [SESSIONS]: { sessions: [], next: null }, [STAYS]: { stays: [] }, [PLATES]: { plates: [], hired: [] } } },
  { name: "parking-loading", path: "/parking", as: ME, answers: { [SESSIONS]: PENDING, [STAYS]: PENDING, [PLATES]: PENDING } },
  { name: "parking-away", path: "/parking", as: ME, answers: { [SESSIONS]: AWAY, [STAYS]: AWAY, [PLATES]: AWAY } },
  { name: "parked-later", path: at, as: ME, answers: one({}) },
  { name: "parked-order", path: at, as: ME, answers: one({}), act: (page) => page.querySelector<HTMLElement>(".acts .btn")?.click() },
  { name: "parked-held", path: at, as: ME, answers: one({ status: "held", held: "plates-differ", claim_id: null, due_at: null }) },
  { name: "parked-disputed", path: at, as: ME, answers: { ...one({ status: "disputed", disputed: true }), [SEEN]: seen({ dispute: "open" }), [DISPUTE]: said() } },
  {
    name: "parked-decided",
    path: at,
    as: ME,
    answers: { ...one({ status: "settled", price_fen: 400 }), [SEEN]: seen({ dispute: "upheld" }), [DISPUTE]: said({ decided_at: "2026-11-25T02:00:00Z", upheld: true, amount_fen: 400, reason: "wrong-time", note: "检测器 09:50 起失联，按 09:50 计。" }) },
  },
  { name: "parked-unseen", path: at, as: ME, answers: { ...one({ left_at: "2026-11-25T01:50:00Z", ending: "nothing-seen-meanwhile" }), [SEEN]: seen({ left_at: "2026-11-25T01:50:00Z", ending: "nothing-seen-meanwhile", unseen_from: "2026-11-25T01:50:00Z", unseen_until: "2026-11-25T03:20:00Z", plates: [{ at: stay.arrived_at, confidence: 71, doubted: true }] }) } },
  { name: "price", path: "/parking/price", answers: RESERVE, act: choosePlace },
  { name: "price-away", path: "/parking/price", answers: { "GET /v1/parking/places": AWAY } },
  { name: "dispute", path: `${at}/dispute`, as: ME, act: (page) => page.querySelector<HTMLElement>("input[value=left]")?.click() },
  { name: "dispute-none", path: `${at}/dispute`, as: ME, act: (page) => page.querySelector<HTMLElement>(".acts .btn")?.click() },
  { name: "reserve", path: "/parking/reserve", as: ME, answers: RESERVE, act: chooseStreet },
  { name: "reserve-nowhere", path: "/parking/reserve", as: ME, answers: { ...RESERVE, "GET /v1/parking/places": { places: [], next: null } } },
  {
    name: "reserve-held",
    path: "/parking/reserve",
    as: ME,
    answers: RESERVE,
    act: async (page) => {
      await chooseStreet(page);
      const plate = page.querySelector<HTMLInputElement>("#plate");
      if (plate === null) return;
      plate.value = "豫A00000";
      plate.dispatchEvent(new Event("input"));
      await wait();
      page.querySelector<HTMLElement>(".acts .btn")?.click();
      await wait();
    },
  },
  { name: "plates", path: "/plates", as: ME, answers: { [PLATES]: { plates: [binding], hired: [] }, ...AGREEMENTS } },
  { name: "plates-empty", path: "/plates", as: ME, answers: { [PLATES]: { plates: [], hired: [] }, ...AGREEMENTS }, act: (page) => page.querySelector<HTMLElement>("form .btn:last-child")?.click() },
  { name: "plates-error", path: "/plates", as: ME, answers: { [PLATES]: refusal(500, "internal"), ...AGREEMENTS } },
];
