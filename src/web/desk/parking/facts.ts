// What is known of a stay and of a claim, and how a price came about, in words.

import type { Model } from "../../shared/api";
import { clockTime, dayAndTime, yuan } from "../../shared/format";
import { t } from "../../shared/i18n";
import { dayOnly, saidBy } from "../names";
import { noticeStatus, type Anomaly, type Claim, type Notice, type Shown, type Stray } from "./lists";

export type Fact = [string, string | null];
type Session = Model<"OneSession">;

const money = (fen: number): string => `${yuan(fen)} ${t("common.yuan")}`;

function factsOfClaim(claim: Claim): Fact[] {
  return [
    [t("approvals.owed"), money(claim.amount_fen)],
    [t("approvals.paid"), money(claim.paid_fen)],
    [t("parking.open"), money(claim.open_fen)],
    [t("parking.dueLabel"), dayAndTime(claim.due_at)],
    [t("parking.suspended"), claim.suspended_for && saidBy("suspended", claim.suspended_for)],
    [t("parking.of"), claim.subject],
    ...(claim.undelivered_fen > 0 ? [[t("parking.undelivered"), money(claim.undelivered_fen)] as Fact] : []),
  ];
}

/** Any of them, in facts. */
export function factsOf(shown: Shown): Fact[] {
  switch (shown.kind) {
    case "claim":
      return factsOfClaim(shown.row);
    case "stray":
      return factsOfStray(shown.row);
    case "notice":
      return factsOfNotice(shown.row);
    case "anomaly":
      return factsOfAnomaly(shown.row);
    case "session":
      return factsOfSession(shown.row, shown.seen);
  }
}

function factsOfStray(stray: Stray): Fact[] {
  return [
    [t("parking.place"), stray.place_id],
    [t("approvals.paid"), money(stray.amount_fen)],
    [t("stray.paidAt"), stray.paid_at && dayAndTime(stray.paid_at)],
    [t("stray.asked"), dayAndTime(stray.asked_at)],
    [t("stray.maybe"), t("stray.candidates", { n: stray.candidates.length })],
    [t("approvals.proposed"), stray.refusal_proposed ? t("stray.refuse") : null],
  ];
}

function factsOfNotice(notice: Notice): Fact[] {
  const day = (at: string | null): string | null => at && dayAndTime(at);
  return [
    [t("notice.stands"), noticeStatus(notice)],
    [t("decide.ground"), saidBy("noticeReason", notice.reason)],
    [t("notice.says"), notice.says.map((each) => t(`noticeSays.${each}`)).join(t("common.and"))],
    [t("notice.until"), dayAndTime(notice.until)],
    [t("approvals.owed"), money(notice.amount_fen)],
    [t("parking.dueLabel"), dayAndTime(notice.due_at)],
    [t("approvals.claim"), notice.claim_id],
    [t("approvals.who"), `${notice.proposed_by}　${dayAndTime(notice.proposed_at)}`],
    [t("notice.agreed"), notice.published_by && `${notice.published_by}　${day(notice.published_at) ?? ""}`],
    [t("notice.ended"), notice.ended_by && `${notice.ended_by}　${day(notice.ended_at) ?? ""}　${saidBy("noticeEnd", notice.ended_why ?? "")}`],
  ];
}

function factsOfAnomaly(anomaly: Anomaly): Fact[] {
  return [
    [t("parking.place"), anomaly.place_id],
    [t("anomaly.device"), anomaly.device_id],
    [t("parking.of"), anomaly.session_id],
    [t("anomaly.other"), anomaly.other_id],
    [t("approvals.claim"), anomaly.claim_id],
    [t("anomaly.begun"), dayAndTime(anomaly.since)],
  ];
}

function factsOfSession(session: Session, seen: Model<"SeenOfStay"> | null): Fact[] {
  const sure = (seen?.plates ?? []).map(({ confidence }) => confidence).filter((each) => each !== null);
  return [
    [t("parking.place"), session.place_id],
    [t("parking.zone"), session.tariff_zone],
    [t("parking.came"), dayAndTime(session.arrived_at)],
    [t("parking.left"), session.left_at && dayAndTime(session.left_at)],
    [t("parking.ending"), session.ending && saidBy("ending", session.ending)],
    [t("parking.plates"), seen === null ? null : t("parking.platesRead", { n: seen.plates.length, most: sure.length ? `${Math.max(...sure)}%` : "–" })],
    [t("parking.doubt"), doubtOf(session)],
    [t("parking.heldBy"), session.held && saidBy("doubt", session.held)],
  ];
}

export interface Paper {
  key: string;
  what: string;
  state: string;
  at: string;
  money: string;
}

/** What was paid of a claim, and what went back. */
export function papersOf(claim: Claim): Paper[] {
  const said = (at: string | null): string => (at === null ? "" : dayAndTime(at));
  const paid = claim.payments.map((each) => ({
    key: each.payment_id, what: `${t("parking.payment")}　${saidBy("payChannel", each.channel)}`, state: saidBy("payState", each.state), at: said(each.settled_at), money: money(each.amount_fen),
  }));
  const back = claim.receipts
    .filter(({ kind }) => kind === "refund-note")
    .map((each) => ({ key: each.number, what: t("parking.back"), state: saidBy("payState", each.state), at: said(each.at), money: money(each.amount_fen) }));
  return [...paid, ...back];
}

function doubtOf({ doubt }: Session): string | null {
  if (doubt === null) return null;
  const reason = saidBy("doubt", String(doubt["reason"] ?? ""));
  const [is, least] = [doubt["confidence"], doubt["threshold"]];
  return typeof is === "number" && typeof least === "number" ? `${reason} ${t("parking.sure", { is, least })}` : reason;
}

export interface PriceLine {
  words: string;
  fen: number | null;
}

/** A line of the explanation: from when until when, how long it counts, and what made it 0 or less. */
export function linesOf(priced: Model<"PricedAnswer"> | null): PriceLine[] {
  return (priced?.lines ?? []).map((line) => {
    const said = [spanOf(line), String(line["rule"] ?? "")];
    const [seconds, cap, zero] = [line["counted_seconds"], line["cap"], line["zero"]];
    if (typeof seconds === "number" && seconds > 0) said.push(t("parking.counted", { n: Math.floor(seconds / 60) }));
    if (typeof cap === "string") said.push(t("parking.capped"));
    if (typeof zero === "string") said.push(saidBy("zero", zero));
    return { words: said.filter((each) => each !== "").join("　"), fen: typeof line["fen"] === "number" ? line["fen"] : null };
  });
}

function spanOf(line: Record<string, unknown>): string {
  const [begins, ends] = [line["begins"], line["ends"]];
  if (typeof begins !== "string" || typeof ends !== "string") return "";
  return `${dayOnly(begins)} ${clockTime(begins)}–${clockTime(ends)}`;
}
