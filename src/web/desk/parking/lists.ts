// What an officer of parking looks through, a list at a time: each look is recorded.

import { api, ask, askWhole, versionOf, type Model } from "../../shared/api";
import { now } from "../../shared/clock";
import { dayAndTime, when, yuan } from "../../shared/format";
import { known, t } from "../../shared/i18n";
import type { QueueEntry } from "../components/QueueList.vue";
import { dayOnly, saidBy, shortId } from "../names";

export const KINDS = ["disputes", "collections", "mismatches", "refunds", "strays", "anomalies"] as const;
export type Kind = (typeof KINDS)[number];

type Session = Model<"OneSession">;
export type Claim = Model<"ShownClaim">;
export type Stray = Model<"ShownStray">;
export type Anomaly = Model<"AnomalyRow">;
export type Shown =
  | { kind: "session"; row: Session; priced: Model<"PricedAnswer"> | null; seen: Model<"SeenOfStay"> | null; etag: string }
  | { kind: "claim"; row: Claim; etag: string }
  | { kind: "stray"; row: Stray; etag: "" }
  | { kind: "anomaly"; row: Anomaly; etag: "" };

/** A list as it was read; payments without a stay and anomalies are opened from it. */
export interface Listed {
  entries: readonly QueueEntry[];
  strays: readonly Stray[];
  anomalies: readonly Anomaly[];
  simulated: boolean;
}

const money = (fen: number | null): string => (fen === null ? "–" : `${yuan(fen)} ${t("common.yuan")}`);
const late = (row: Claim): boolean => Date.parse(row.due_at) < now();
const isClaims = (kind: Kind): kind is "collections" | "mismatches" | "refunds" => ["collections", "mismatches", "refunds"].includes(kind);

/** The list that a thing of this id is in, where its address names none. */
export function kindOf(id: string | null, named: unknown): Kind {
  const asked = KINDS.find((each) => each === named);
  if (asked !== undefined) return asked;
  if (id?.startsWith("parking_claim-")) return "collections";
  if (id?.startsWith("parking_stray-")) return "strays";
  return id?.startsWith("parking_anomaly-") ? "anomalies" : "disputes";
}

/** Read a list; it has at least what the log had at `min_position`. */
export async function read(kind: Kind, min_position: number): Promise<Listed> {
  const page = { limit: 200, min_position };
  const none = { strays: [], anomalies: [] };
  if (isClaims(kind)) {
    const { claims } = await ask(api.GET("/v1/parking/claims", { params: { query: { ...page, desk: kind, order: "oldest" } } }));
    return { ...none, entries: claims.map((row) => entryOfClaim(row, kind)), simulated: claims.some(({ simulated }) => simulated) };
  }
  if (kind === "strays") {
    const { strays } = await ask(api.GET("/v1/parking/strays", { params: { query: { ...page, status: "paid" } } }));
    return { ...none, strays, entries: strays.map(entryOfStray), simulated: false };
  }
  if (kind === "anomalies") {
    const { anomalies } = await ask(api.GET("/v1/parking/anomalies", { params: { query: { ...page, state: "open" } } }));
    return { ...none, anomalies, entries: anomalies.map(entryOfAnomaly), simulated: anomalies.some(({ simulated }) => simulated) };
  }
  const { sessions } = await ask(api.GET("/v1/parking/sessions", { params: { query: { ...page, status: "disputed" } } }));
  return { ...none, entries: sessions.map(entryOfSession), simulated: sessions.some(({ simulated }) => simulated) };
}

function entryOfSession(row: Model<"ShownSession">): QueueEntry {
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

export const anomalyName = (kind: string): string => (known(`anomaly.${kind}`) ? t(`anomaly.${kind}`) : saidBy("doubt", kind));

/** Whether there is no more of it than its list says. */
export const fromList = (id: string): boolean => /^parking_(stray|anomaly)-/.test(id);

/** One of them with all that a decision rests on; null where it is not in its list any more. */
export async function open(id: string, listed: Listed | null): Promise<Shown | null> {
  if (id.startsWith("parking_stray-")) return inList(listed?.strays.find((each) => each.stray_id === id), "stray");
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
  return { kind: "session", row: whole.data, priced, seen, etag: versionOf(whole.headers) };
}

function inList(row: Stray | undefined, kind: "stray"): Shown | null;
function inList(row: Anomaly | undefined, kind: "anomaly"): Shown | null;
function inList(row: Stray | Anomaly | undefined, kind: "stray" | "anomaly"): Shown | null {
  return row === undefined ? null : ({ kind, row, etag: "" } as Shown);
}

/** What one is called, above its facts. */
export function titleOf(shown: Shown): string {
  if (shown.kind === "session" || shown.kind === "stray") return shown.row.plate ?? shown.row.pseudonym ?? t("common.unknown");
  return shown.kind === "claim" ? money(shown.row.open_fen) : anomalyName(shown.row.kind);
}

/** How it stands. */
export function statusOf(shown: Shown): string {
  if (shown.kind === "anomaly") return t("anomaly.since", { time: dayAndTime(shown.row.since) });
  return shown.kind === "stray" ? t("stray.paid") : saidBy("parkingStatus", shown.row.status);
}
