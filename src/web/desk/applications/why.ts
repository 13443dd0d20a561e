// Why an application is here, in one sentence.

import { t } from "../../shared/i18n";
import type { Model } from "../../shared/api";

type Queued = Model<"QueueRow">;

/** What a department did not do: it was silent, it has no record, or its answer cannot be used. */
export function failed(who: string, attempts: number, reason: string | undefined): string {
  if (reason === "source-no-record") return t("why.noRecord", { who });
  const silent = reason === undefined || ["source-timeout", "source-unavailable", "source-circuit-open", "source-failed"].includes(reason);
  return silent ? t("why.source", { who, n: attempts }) : t("why.unusable", { who });
}

/** The department, how often it was asked, or what else brought it before an officer. */
export function why(row: Queued, department: (code: string) => string): string {
  if (row.status === "awaiting-second-reviewer") return t("why.second");
  if (row.status === "payout-failed") return t("why.payoutFailed");
  if (row.appealed && row.status === "referred") return t("why.appeal");
  if (row.payout_delayed) return t("why.payoutDelayed");
  const missing = row.undelivered[0];
  if (missing !== undefined && row.status === "referred") {
    const others = row.undelivered.length - 1;
    const who = department(missing.department);
    return others > 0 ? t("why.sources", { who, n: others }) : failed(who, missing.attempts, missing.reason);
  }
  if (row.status === "referred") return t(row.reasons.length > 0 ? "why.rules" : "why.referred");
  return row.unanswered ? t("why.message") : t("why.referred");
}
