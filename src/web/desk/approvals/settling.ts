// How each kind of approval is sent, held to what was seen.

import { api, askWhole, type Model } from "../../shared/api";
import type { Decided } from "../components/DecideForm.vue";
import type { Waiting } from "./waiting";

export type Settled = Decided;
const DAY_MS = 86_400_000;

/** Agree with what a colleague proposed, or turn it back; or propose what becomes of a permit. */
export function settle(waiting: Waiting, said: Settled, key: string): Promise<{ headers: Headers }> {
  const header = { "Idempotency-Key": key };
  const agrees = said.choice === "agree";
  if (waiting.kind === "reduction") {
    const proposal_id = (waiting.row as Model<"ShownClaim">).proposals[0]?.proposal_id ?? "";
    const params = { path: { claim_id: waiting.id }, header };
    if (agrees) return askWhole(api.POST("/v1/parking/claims/{claim_id}/reductions/approve", { params, body: { proposal_id } }));
    return askWhole(api.POST("/v1/parking/claims/{claim_id}/reductions/deny", { params, body: { proposal_id, reason: said.reason } }));
  }
  if (waiting.kind === "repricing") {
    const batch = waiting.row as Model<"ListedRepricing">;
    const params = { path: { repricing_id: waiting.id }, header: { ...header, "If-Match": `"${batch.version}"` } };
    const { lowered_fen, refunded_fen } = batch.preview ?? { lowered_fen: 0, refunded_fen: 0 };
    if (agrees) return askWhole(api.POST("/v1/parking/repricings/{repricing_id}/confirmation", { params, body: { lowered_fen, refunded_fen } }));
    return askWhole(api.POST("/v1/parking/repricings/{repricing_id}/turning-back", { params, body: { reason: said.reason } }));
  }
  return permit(waiting, said, key);
}

/** The beginning of a day of the city, or of the day after so many days. */
function midnight(day: string, later: number): string {
  return new Date(Date.parse(`${day}T00:00:00+08:00`) + later * DAY_MS).toISOString();
}

function permit(waiting: Waiting, said: Settled, key: string): Promise<{ headers: Headers }> {
  const row = waiting.row as Model<"ShownPermit">;
  const params = { path: { permit_id: waiting.id }, header: { "Idempotency-Key": key, "If-Match": `"${row.version}"` } };
  const decision = (row.proposed ?? said.choice) as Model<"ConfirmPermitDecision">["decision"];
  const base = "/v1/parking/permits/{permit_id}" as const;
  if (row.proposed === null) {
    const span = decision === "grant" ? { begins: midnight(said.begins, 0), ends: midnight(said.ends, 1) } : { begins: null, ends: null };
    return askWhole(api.POST(`${base}/proposal`, { params, body: { decision, ...span, reason: said.reason, note: said.text || null } }));
  }
  if (said.choice !== "agree") return askWhole(api.POST(`${base}/turning-back`, { params, body: { decision, reason: said.reason } }));
  return askWhole(api.POST(`${base}/confirmation`, { params, body: { decision, begins: row.proposed_begins, ends: row.proposed_ends } }));
}
