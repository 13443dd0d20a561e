// What an officer of parking looks through, a list at a time: each look is recorded.

import { api, ask, askWhole, versionOf, type Model } from "../../shared/api";
import { now } from "../../shared/clock";
import { dayAndTime, when, yuan } from "../../shared/format";
import { known, t } from "../../shared/i18n";
import type { QueueEntry } from "../components/QueueList.vue";
import { dayOnly, saidBy, shortId } from "../names";

export const KINDS = ["disputes", "held", "collections", "mismatches", "refunds", "strays", "notices", "anomalies"] as const;
/** Lists whose newest comes first. */
export const NEWEST_FIRST: readonly Kind[] = ["strays", "notices", "anomalies"];
export type Kind = (typeof KINDS)[number];

type Session = Model<"OneSession">;
export type Claim = Model<"ShownClaim">;
export type Stray = Model<"ShownStray">;
export type Anomaly = Model<"AnomalyRow">;
export type Notice = Model<"NoticeRow">;
export type Shown =
  | { kind: "session"; row: Session; priced: Model<"PricedAnswer"> | null; seen: Model<"SeenOfStay"> | null; would: Model<"QuoteAnswer"> | null; etag: string }
  | { kind: "claim"; row: Claim; etag: string }
  | { kind: "stray"; row: Stray; etag: "" }
  | { kind: "notice"; row: Notice; etag: "" }
  | { kind: "anomaly"; row: Anomaly; etag: "" };

/** A list as it was read; payments without a stay, notices and anomalies are opened from it. */
export interface Listed {
  entries: readonly QueueEntry[];
  strays: readonly Stray[];
  notices: readonly Notice[];
  anomalies: readonly Anomaly[];
  simulated: boolean;
}

const DAY_MS = 86_400_000;
const money = (fen: number | null): string => (fen === null ? "–" : `${yuan(fen)} ${t("common.yuan")}`);
const late = (row: Claim): boolean => Date.parse(row.due_at) < now();
const isClaims = (kind: Kind): kind is "collections" | "mismatches" | "refunds" => ["collections", "mismatches", "refunds"].includes(kind);

/** The list that a thing of this id is in, where its address names none. */
export function kindOf(id: string | null, named: unknown): Kind {
  const asked = KINDS.find((each) => each === named);
  if (asked !== undefined) return asked;
  if (id?.startsWith("parking_claim-")) return "collections";
  if (id?.startsWith("parking_stray-")) return "strays";
  if (id?.startsWith("parking_notice-")) return "notices";
  return id?.startsWith("parking_anomaly-") ? "anomalies" : "disputes";
}

/** Read a list; it has at least what the log had at `min_position`. */
export async function read(kind: Kind, min_position: number): Promise<Listed> {
  const page = { limit: 200, min_position };
  const none = { strays: [], notices: [], anomalies: [] };
  if (isClaims(kind)) {
    const { claims } = await ask(api.GET("/v1/parking/claims", { params: { query: { ...page, desk: kind, order: "oldest" } } }));
    return { ...none, entries: claims.map((row) => entryOfClaim(row, kind)), simulated: claims.some(({ simulated }) => simulated) };
  }
  if (kind === "strays") {
    const { strays } = await ask(api.GET("/v1/parking/strays", { params: { query: { ...page, status: "paid" } } }));
    return { ...none, strays, entries: strays.map(entryOfStray), simulated: false };
  }
  if (kind === "notices") {
    const { notices } = await ask(api.GET("/v1/parking/notices/desk", { params: { query: page } }));
    return { ...none, notices, entries: notices.map(entryOfNotice), simulated: false };
  }
  if (kind === "anomalies") {
    const { anomalies } = await ask(api.GET("/v1/parking/anomalies", { params: { query: { ...page, state: "open" } } }));
    return { ...none, anomalies, entries: anomalies.map(entryOfAnomaly), simulated: anomalies.some(({ simulated }) => simulated) };
  }
  const { sessions } = await ask(api.GET("/v1/parking/sessions", { params: { query: { ...page, status: kind === "held" ? "held" : "disputed" } } }));
  return { ...none, entries: sessions.map((row) => entryOfSession(row, kind)), simulated: sessions.some(({ simulated }) => simulated) };
}

function entryOfSession(row: Model<"ShownSession">, kind: Kind): QueueEntry {
  if (kind === "held") {
    return {
      id: row.session_id, to: `/parking/${row.session_id}?list=held`, title: row.plate ?? row.pseudonym ?? t("common.unknown"), mark: "", markKind: "plain",
      line: saidBy("doubt", row.held ?? ""), left: row.place_id, right: when(row.left_at ?? row.arrived_at),
    };
  }
  return {
    id: row.session_id, to: `/parking/${row.session_id}`, title: row.plate ?? row.pseudonym ?? t("common.unknown"), mark: money(row.price_fen), markKind: "plain",
    line: row.place_id, left: shortId(row.session_id), right: row.due_at === null ? "" : t("parking.due", { day: dayOnly(row.due_at) }),
  };
}

function entryOfClaim(row: Claim, kind: Kind): QueueEntry {
  const failed = kind === "refunds";
  return {
    id: row.claim_id, to: `/parking/${row.claim_id}?list=${kind}`, title: money(failed ? row.undelivered_fen : row.open_fen),
    mark: failed ? t("parking.notBack") : late(row) ? t("queue.overdue") : dayOnly(row.due_at), markKind: failed || late(row) ? "now" : "plain",
    line: row.mismatched ? t("parking.mismatched") : t(`parkingStatus.${row.status}`), left: shortId(row.claim_id), right: shortId(row.subject),
  };
}

function entryOfStray(row: Stray): QueueEntry {
  return {
    id: row.stray_id, to: `/parking/${row.stray_id}`, title: row.plate ?? row.pseudonym ?? t("common.unknown"), mark: money(row.amount_fen), markKind: "plain",
    line: row.refusal_proposed ? t("approvals.second") : t("stray.candidates", { n: row.candidates.length }), left: row.place_id, right: when(row.paid_at ?? row.asked_at),
  };
}

function entryOfAnomaly(row: Anomaly): QueueEntry {
  return {
    id: row.anomaly_id, to: `/parking/${row.anomaly_id}`, title: anomalyName(row.kind), mark: "", markKind: "plain",
    line: row.place_id ?? row.device_id ?? "", left: shortId(row.anomaly_id), right: when(row.since),
  };
}

/** How a notice stands: one that has ended by itself is public no more. */
export const noticeStatus = (row: Notice): string => t(`noticeStatus.${row.status === "published" && Date.parse(row.until) <= now() ? "over" : row.status}`);

function entryOfNotice(row: Notice): QueueEntry {
  const proposed = row.status === "proposed";
  return {
    id: row.notice_id, to: `/parking/${row.notice_id}`, title: money(row.amount_fen), mark: noticeStatus(row), markKind: proposed ? "limit" : "plain",
    line: saidBy("noticeReason", row.reason), left: shortId(row.claim_id), right: when(row.proposed_at),
  };
}

export const anomalyName = (kind: string): string => (known(`anomaly.${kind}`) ? t(`anomaly.${kind}`) : saidBy("doubt", kind));

/** Whether there is no more of it than its list says. */
export const fromList = (id: string): boolean => /^parking_(stray|notice|anomaly)-/.test(id);

/** One of them with all that a decision rests on; null where it is not in its list any more. */
export async function open(id: string, listed: Listed | null): Promise<Shown | null> {
  if (id.startsWith("parking_stray-")) return inList(listed?.strays.find((each) => each.stray_id === id), "stray");
  if (id.startsWith("parking_notice-")) return inList(listed?.notices.find((each) => each.notice_id === id), "notice");
  if (id.startsWith("parking_anomaly-")) return inList(listed?.anomalies.find((each) => each.anomaly_id === id), "anomaly");
  if (id.startsWith("parking_claim-")) {
    const whole = await askWhole(api.GET("/v1/parking/claims/{claim_id}", { params: { path: { claim_id: id } } }));
    return { kind: "claim", row: whole.data, etag: versionOf(whole.headers) };
  }
  const params = { path: { session_id: id } };
  const [whole, priced, seen] = await Promise.all([
    askWhole(api.GET("/v1/parking/sessions/{session_id}", { params })),
    ask(api.GET("/v1/parking/sessions/{session_id}/explanation", { params })).catch(() => null),
    ask(api.GET("/v1/parking/sessions/{session_id}/seen", { params })).catch(() => null),
  ]);
  return { kind: "session", row: whole.data, priced, seen, would: await wouldBe(whole.data, seen), etag: versionOf(whole.headers) };
}

/** What a disputed stay would have cost, had it ended when the vehicle was seen last; by the tariff alone, for a day at most. */
function wouldBe(row: Session, seen: Model<"SeenOfStay"> | null): Promise<Model<"QuoteAnswer"> | null> {
  const [start, end] = [row.arrived_at, seen?.unseen_from ?? row.arrived_at];
  const lasted = Date.parse(end) - Date.parse(start);
  if (!row.disputed || lasted <= 0 || lasted > DAY_MS) return Promise.resolve(null);
  return ask(api.GET("/v1/parking/quote", { params: { query: { place: row.place_id, start, end } } })).catch(() => null);
}

function inList(row: Stray | Notice | Anomaly | undefined, kind: "stray" | "notice" | "anomaly"): Shown | null {
  return row === undefined ? null : ({ kind, row, etag: "" } as Shown);
}

/** What one is called, above its facts. */
export function titleOf(shown: Shown): string {
  if (shown.kind === "session" || shown.kind === "stray") return shown.row.plate ?? shown.row.pseudonym ?? t("common.unknown");
  if (shown.kind === "notice") return money(shown.row.amount_fen);
  return shown.kind === "claim" ? money(shown.row.open_fen) : anomalyName(shown.row.kind);
}

/** How it stands. */
export function statusOf(shown: Shown): string {
  if (shown.kind === "anomaly") return t("anomaly.since", { time: dayAndTime(shown.row.since) });
  if (shown.kind === "notice") return noticeStatus(shown.row);
  return shown.kind === "stray" ? t("stray.paid") : saidBy("parkingStatus", shown.row.status);
}
