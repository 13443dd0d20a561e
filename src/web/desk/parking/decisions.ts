// What an officer may decide about one of them, and how it is sent for the version that was seen.

import { api, askWhole, type Model } from "../../shared/api";
import { now } from "../../shared/clock";
import { dayAndTime, yuan } from "../../shared/format";
import { t } from "../../shared/i18n";
import type { Person } from "../../shared/session";
import type { Choice, Decided } from "../components/DecideForm.vue";
import { shortId } from "../names";
import type { Anomaly, Claim, Notice, Shown, Stray } from "./lists";

const REASONS = ["not-there", "wrong-plate", "wrong-time", "permit", "goodwill", "unfounded"] as const;
const PLATE_REASONS = ["misread", "incomplete", "exchanged", "other"] as const;
const WRITE_OFF = ["goodwill", "unrecoverable", "paid-elsewhere", "other"] as const;
const CLEARED = ["message-repeated", "gateway-corrected", "paid-elsewhere", "other"] as const;
const MATCHED = ["mistyped", "misread", "other"] as const;
const UNMATCHED = ["another-vehicle", "no-such-stay", "other"] as const;
const RELEASED = ["reading-confirmed", "not-the-owner", "other"] as const;
const GENUINE = ["clone", "misread", "moved", "other"] as const;
const PUBLIC_FOR = ["debtor-unknown", "court-order"] as const;
const SAYS = ["plate", "amount", "due-day"] as const;
const NOTICE_ENDS = ["paid", "debtor-found", "mistake", "not-needed"] as const;
const NOTICE_DAYS = 29;
const CLOSED = ["explained", "repaired", "false-alarm", "nothing-to-do"] as const;
/** Those that end with what holds the money: they are not closed by themselves. */
const ENDS_OTHERWISE = ["exit-not-seen", "payment-mismatched"];
/** What holds a stay as long as nobody has said which of two vehicles is genuine. */
export const CLONE = "plate-seen-elsewhere";

const worded = (kind: string, codes: readonly string[]): { code: string; words: string }[] => codes.map((code) => ({ code, words: t(`${kind}.${code}`) }));

/** The choices that are somebody's; who audits decides nothing. */
export function choicesOf(shown: Shown, person: Person): Choice[] {
  if (!person.roles.some((role) => role === "official" || role === "supervisor")) return [];
  switch (shown.kind) {
    case "claim":
      return ofClaim(shown.row, person.roles.includes("supervisor"));
    case "stray":
      return ofStray(shown.row);
    case "anomaly":
      return ofAnomaly(shown.row);
    case "notice":
      return ofNotice(shown.row, person);
    case "session":
      return ofSession(shown, person);
  }
}

function ofClaim(row: Claim, supervisor: boolean): Choice[] {
  const choices: Choice[] = [];
  if (row.mismatched) {
    const named = row.payments.map((each) => ({ code: each.payment_id, words: `${yuan(each.amount_fen)} ${t("common.yuan")}　${each.settled_at === null ? shortId(each.payment_id) : dayAndTime(each.settled_at)}` }));
    choices.push({ value: "dismiss", label: t("parking.dismiss"), hint: t("parking.dismissHint"), hotkey: "A", named, naming: t("parking.whichPayment"), reasons: worded("cleared", CLEARED) });
  }
  for (const each of row.receipts.filter(({ kind, state }) => kind === "refund-note" && state === "failed")) {
    choices.push({ value: `retry ${each.number}`, label: t("parking.retry", { yuan: yuan(each.amount_fen) }), hint: t("parking.retryHint"), hotkey: "A" });
  }
  if (row.proposals.length > 0 || row.mismatched) return choices;
  const reasons = worded("writeOff", WRITE_OFF);
  if (row.open_fen > 0 && supervisor) choices.push({ value: "write-off", label: t("parking.writeOff"), hint: t("parking.writeOffHint"), hotkey: "A", amount: true, reasons });
  if (row.open_fen > 0 && row.suspended_for === null && Date.parse(row.due_at) < now()) {
    choices.push({ value: "notice", label: t("notice.propose"), hint: t("notice.proposeHint"), reasons: worded("noticeReason", PUBLIC_FOR), ticks: worded("noticeSays", SAYS), ticking: t("notice.says"), until: NOTICE_DAYS });
  }
  if (row.open_fen === 0 && row.paid_fen > 0) choices.push({ value: "refund", label: t("parking.refund"), hint: t("parking.refundHint"), hotkey: "R", amount: true, reasons });
  return choices;
}

function ofStray(row: Stray): Choice[] {
  const named = row.candidates.map((code) => ({ code, words: `${shortId(code)}${code === row.proposed ? `　${t("stray.only")}` : ""}` }));
  const match: Choice = { value: "match", label: t("stray.match"), hint: t("stray.matchHint"), hotkey: "A", named, naming: t("stray.which"), reasons: worded("strayReason", MATCHED) };
  const refuse: Choice = { value: "refusal", label: t("stray.refuse"), hint: t("stray.refuseHint"), hotkey: "R", reasons: worded("strayReason", UNMATCHED) };
  return named.length > 0 ? [match, refuse] : [refuse];
}

function ofAnomaly(row: Anomaly): Choice[] {
  if (row.kind === "clone-conflict" && row.session_id !== null && row.other_id !== null) {
    const reasons = worded("genuineReason", GENUINE);
    return [
      { value: "genuine", label: t("anomaly.genuine", { id: shortId(row.session_id) }), hint: t("anomaly.genuineHint"), hotkey: "A", reasons },
      { value: "clone", label: t("anomaly.genuine", { id: shortId(row.other_id) }), hint: t("anomaly.genuineHint"), hotkey: "R", reasons },
    ];
  }
  if (ENDS_OTHERWISE.includes(row.kind) || row.kind === "clone-conflict") return [];
  return [{ value: "closing", label: t("anomaly.close"), hint: t("anomaly.closeHint"), hotkey: "A", reasons: worded("anomalyReason", CLOSED) }];
}

function ofNotice(row: Notice, person: Person): Choice[] {
  const reasons = worded("noticeEnd", NOTICE_ENDS);
  const withdraw: Choice = { value: "withdrawal", label: t("notice.withdraw"), hint: t("notice.withdrawHint"), hotkey: "R", reasons };
  if (row.status === "published") return Date.parse(row.until) > now() ? [withdraw] : [];
  if (row.status !== "proposed") return [];
  if (row.proposed_by === person.subject) return [withdraw];
  return [
    { value: "publication", label: t("notice.publish"), hint: t("notice.publishHint"), hotkey: "A" },
    { value: "denial", label: t("approvals.deny"), hint: t("notice.denyHint"), hotkey: "R", reasons },
  ];
}

function ofSession({ row, would }: Extract<Shown, { kind: "session" }>, person: Person): Choice[] {
  const proposed = row.proposed_decision;
  if (!row.disputed && row.held !== null) return ofHeld(row.held);
  if (!row.disputed || proposed?.proposed_by === person.subject) return [];
  const [upheld, kept] = [worded("dispute", REASONS.slice(0, 5)), worded("dispute", ["unfounded"])];
  const keep: Choice = { value: "kept", label: t("parking.keep"), hint: t("parking.keepHint"), hotkey: "R", reasons: kept, text: "note" };
  if (proposed?.amount_fen != null) {
    const label = t("parking.same", { yuan: yuan(proposed.amount_fen) });
    return [{ value: "same", label, hint: t("decide.agreeHint"), hotkey: "A", reasons: upheld, text: "note" }, keep];
  }
  const fen = would !== null && would.price_fen < (row.price_fen ?? 0) ? { fen: would.price_fen } : {};
  return [{ value: "upheld", label: t("parking.uphold"), hint: t("parking.upholdHint"), hotkey: "A", amount: true, ...fen, reasons: upheld, text: "note" }, keep, plated()];
}

const plated = (): Choice => ({ value: "plate", label: t("parking.correctPlate"), hint: t("parking.correctPlateHint"), plate: true, reasons: worded("plateReason", PLATE_REASONS), text: "reason" });

function ofHeld(held: string): Choice[] {
  if (held === CLONE) return [plated()];
  return [{ value: "release", label: t("parking.release"), hint: t("parking.releaseHint"), hotkey: "A", reasons: worded("releaseReason", RELEASED) }, { ...plated(), hotkey: "R" }];
}

export interface Sent {
  position: number;
  /** A second person has to decide the same. */
  second: boolean;
}

/** Send a decision on what was seen. */
export function send(shown: Shown, said: Decided, key: string): Promise<Sent> {
  switch (shown.kind) {
    case "claim":
      return onClaim(shown.row.claim_id, said, { "If-Match": shown.etag, "Idempotency-Key": key });
    case "stray":
      return onStray(shown.row.stray_id, said, { "Idempotency-Key": key });
    case "anomaly": {
      if (shown.row.kind === "clone-conflict") return onConflict(shown.row, said, { "Idempotency-Key": key });
      const params = { path: { anomaly_id: shown.row.anomaly_id } };
      const body = { reason: said.reason as Model<"CloseAnomaly">["reason"] };
      return sent(askWhole(api.POST("/v1/parking/anomalies/{anomaly_id}/closing", { params, body })));
    }
    case "notice":
      return onNotice(shown.row.claim_id, said, { "Idempotency-Key": key });
    case "session":
      return onSession(shown, said, { "If-Match": shown.etag, "Idempotency-Key": key });
  }
}

interface Held {
  "If-Match": string;
  "Idempotency-Key": string;
}

async function sent<Data>(asked: Promise<{ data: Data; headers: Headers }>, second: (data: Data) => boolean = () => false): Promise<Sent> {
  const { data, headers } = await asked;
  return { position: Number(headers.get("X-Position")), second: second(data) };
}

function onClaim(claim_id: string, said: Decided, header: Held): Promise<Sent> {
  const params = { path: { claim_id }, header };
  const base = "/v1/parking/claims/{claim_id}" as const;
  if (said.choice === "dismiss") return sent(askWhole(api.POST(`${base}/mismatches/dismiss`, { params, body: { payment_id: said.named, reason: said.reason } })));
  if (said.choice.startsWith("retry ")) return sent(askWhole(api.POST(`${base}/refunds/retry`, { params, body: { refund_id: said.choice.slice(6) } })));
  if (said.choice === "notice") {
    const body = { reason: said.reason as Notice["reason"], says: said.ticks as Notice["says"], until: endOf(said.ends) };
    return sent(askWhole(api.POST(`${base}/notice`, { params: { path: { claim_id }, header: { "Idempotency-Key": header["Idempotency-Key"] } }, body })));
  }
  const body = { kind: said.choice === "refund" ? ("refund" as const) : ("write-off" as const), by_fen: said.fen ?? 0, reason: said.reason };
  return sent(askWhole(api.POST(`${base}/reductions`, { params, body })), ({ proposals }) => proposals.length > 0);
}

/** Where a day of the city ends: that day is still in it. */
const endOf = (day: string): string => new Date(Date.parse(`${day}T00:00:00+08:00`) + 86_400_000).toISOString();

/** Of two vehicles with one plate one at most is genuine: both stays are decided. */
function onConflict(row: Anomaly, said: Decided, header: { "Idempotency-Key": string }): Promise<Sent> {
  const params = { path: { session_id: row.session_id ?? "" }, header };
  const body = { other_session_id: row.other_id ?? "", genuine: said.choice === "genuine", reason: said.reason as Model<"DecideConflict">["reason"] };
  return sent(askWhole(api.POST("/v1/parking/sessions/{session_id}/conflict", { params, body })));
}

function onNotice(claim_id: string, said: Decided, header: { "Idempotency-Key": string }): Promise<Sent> {
  const params = { path: { claim_id }, header };
  const base = "/v1/parking/claims/{claim_id}/notice" as const;
  if (said.choice === "publication") return sent(askWhole(api.POST(`${base}/publication`, { params, body: {} })));
  const body = { reason: said.reason as Model<"DenyNotice">["reason"] };
  if (said.choice === "denial") return sent(askWhole(api.POST(`${base}/denial`, { params, body })));
  return sent(askWhole(api.POST(`${base}/withdrawal`, { params, body })));
}

function onStray(stray_id: string, said: Decided, header: { "Idempotency-Key": string }): Promise<Sent> {
  const params = { path: { stray_id }, header };
  if (said.choice === "match") {
    const body = { session_id: said.named, reason: said.reason as Model<"AcceptStray">["reason"] };
    return sent(askWhole(api.POST("/v1/parking/strays/{stray_id}/match", { params, body })));
  }
  const body = { reason: said.reason as Model<"RefuseStray">["reason"] };
  return sent(askWhole(api.POST("/v1/parking/strays/{stray_id}/refusal", { params, body })), (data) => data.waits_for_second);
}

function onSession({ row }: Extract<Shown, { kind: "session" }>, said: Decided, header: Held): Promise<Sent> {
  const params = { path: { session_id: row.session_id }, header };
  if (said.choice === "release") {
    const body = { reason: said.reason as (typeof RELEASED)[number] };
    return sent(askWhole(api.POST("/v1/parking/sessions/{session_id}/release", { params, body })));
  }
  if (said.choice === "plate") {
    const body = { plate: said.plate, plate_country: "CN" as const, reason: said.reason as (typeof PLATE_REASONS)[number], note: said.text };
    return sent(askWhole(api.POST("/v1/parking/sessions/{session_id}/plate", { params, body })), (data) => data.waits_for_second.includes("plate"));
  }
  const amount_fen = said.choice === "upheld" ? said.fen : said.choice === "same" ? (row.proposed_decision?.amount_fen ?? null) : null;
  const body = { upheld: said.choice !== "kept", amount_fen, reason: said.reason as (typeof REASONS)[number], note: said.text };
  return sent(askWhole(api.POST("/v1/parking/sessions/{session_id}/dispute/decision", { params, body })), (data) => said.choice === "upheld" && data.status === "disputed");
}
