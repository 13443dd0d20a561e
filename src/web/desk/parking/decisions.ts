// What an officer may decide about one of them, and how it is sent for the version that was seen.

import { api, askWhole, type Model } from "../../shared/api";
import { dayAndTime, yuan } from "../../shared/format";
import { t } from "../../shared/i18n";
import type { Person } from "../../shared/session";
import type { Choice, Decided } from "../components/DecideForm.vue";
import { shortId } from "../names";
import type { Claim, Shown, Stray } from "./lists";

const REASONS = ["not-there", "wrong-plate", "wrong-time", "permit", "goodwill", "unfounded"] as const;
const PLATE_REASONS = ["misread", "incomplete", "exchanged", "other"] as const;
const WRITE_OFF = ["goodwill", "unrecoverable", "paid-elsewhere", "other"] as const;
const CLEARED = ["message-repeated", "gateway-corrected", "paid-elsewhere", "other"] as const;
const MATCHED = ["mistyped", "misread", "other"] as const;
const UNMATCHED = ["another-vehicle", "no-such-stay", "other"] as const;
const CLOSED = ["explained", "repaired", "false-alarm", "nothing-to-do"] as const;
/** Those that end with what holds the money: they are not closed by themselves. */
const ENDS_OTHERWISE = ["exit-not-seen", "clone-conflict", "payment-mismatched"];

const worded = (kind: string, codes: readonly string[]): { code: string; words: string }[] => codes.map((code) => ({ code, words: t(`${kind}.${code}`) }));

/** The choices that are somebody's. */
export function choicesOf(shown: Shown, person: Person): Choice[] {
  switch (shown.kind) {
    case "claim":
      return ofClaim(shown.row, person.roles.includes("supervisor"));
    case "stray":
      return ofStray(shown.row);
    case "anomaly":
      return ENDS_OTHERWISE.includes(shown.row.kind) ? [] : [{ value: "closing", label: t("anomaly.close"), hint: t("anomaly.closeHint"), hotkey: "A", reasons: worded("anomalyReason", CLOSED) }];
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
  if (row.open_fen === 0 && row.paid_fen > 0) choices.push({ value: "refund", label: t("parking.refund"), hint: t("parking.refundHint"), hotkey: "R", amount: true, reasons });
  return choices;
}

function ofStray(row: Stray): Choice[] {
  const named = row.candidates.map((code) => ({ code, words: `${shortId(code)}${code === row.proposed ? `　${t("stray.only")}` : ""}` }));
  const match: Choice = { value: "match", label: t("stray.match"), hint: t("stray.matchHint"), hotkey: "A", named, naming: t("stray.which"), reasons: worded("strayReason", MATCHED) };
  const refuse: Choice = { value: "refusal", label: t("stray.refuse"), hint: t("stray.refuseHint"), hotkey: "R", reasons: worded("strayReason", UNMATCHED) };
  return named.length > 0 ? [match, refuse] : [refuse];
}

function ofSession({ row }: Extract<Shown, { kind: "session" }>, person: Person): Choice[] {
  const proposed = row.proposed_decision;
  if (!row.disputed || proposed?.proposed_by === person.subject) return [];
  const [upheld, kept] = [worded("dispute", REASONS.slice(0, 5)), worded("dispute", ["unfounded"])];
  const keep: Choice = { value: "kept", label: t("parking.keep"), hint: t("parking.keepHint"), hotkey: "R", reasons: kept, text: "note" };
  if (proposed?.amount_fen != null) {
    const label = t("parking.same", { yuan: yuan(proposed.amount_fen) });
    return [{ value: "same", label, hint: t("decide.agreeHint"), hotkey: "A", reasons: upheld, text: "note" }, keep];
  }
  const plated: Choice = { value: "plate", label: t("parking.correctPlate"), hint: t("parking.correctPlateHint"), plate: true, reasons: worded("plateReason", PLATE_REASONS), text: "reason" };
  return [{ value: "upheld", label: t("parking.uphold"), hint: t("parking.upholdHint"), hotkey: "A", amount: true, reasons: upheld, text: "note" }, keep, plated];
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
      const params = { path: { anomaly_id: shown.row.anomaly_id } };
      const body = { reason: said.reason as Model<"CloseAnomaly">["reason"] };
      return sent(askWhole(api.POST("/v1/parking/anomalies/{anomaly_id}/closing", { params, body })));
    }
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
  const body = { kind: said.choice === "refund" ? ("refund" as const) : ("write-off" as const), by_fen: said.fen ?? 0, reason: said.reason };
  return sent(askWhole(api.POST(`${base}/reductions`, { params, body })), ({ proposals }) => proposals.length > 0);
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
  if (said.choice === "plate") {
    const body = { plate: said.plate, plate_country: "CN" as const, reason: said.reason as (typeof PLATE_REASONS)[number], note: said.text };
    return sent(askWhole(api.POST("/v1/parking/sessions/{session_id}/plate", { params, body })), (data) => data.waits_for_second.includes("plate"));
  }
  const amount_fen = said.choice === "upheld" ? said.fen : said.choice === "same" ? (row.proposed_decision?.amount_fen ?? null) : null;
  const body = { upheld: said.choice !== "kept", amount_fen, reason: said.reason as (typeof REASONS)[number], note: said.text };
  return sent(askWhole(api.POST("/v1/parking/sessions/{session_id}/dispute/decision", { params, body })), (data) => said.choice === "upheld" && data.status === "disputed");
}
