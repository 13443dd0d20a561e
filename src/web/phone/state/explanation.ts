// The explanation of a decision, as far as this page shows it. The API describes its parts as open
// objects; what is read here is named once, and what is missing stays missing.

import type { Model } from "../../shared/api";
import { fromCity, locale } from "../../shared/i18n";

export interface Said {
  code: string;
  reason: string;
  reason_en: string;
}

export interface Rule extends Said {
  finding: string;
  source: string;
}

export interface Change {
  rule: string;
  path: string;
  from: unknown;
  to: unknown;
}

export interface AmountPart {
  path: string;
  value: number;
  binding: boolean;
}

export interface Input {
  label: string;
  label_en: string;
  material: string;
  department: string;
  delivered: boolean;
}

export interface Explained {
  outcome: string | null;
  by: string | null;
  sha256: string | null;
  said: Said[];
  rules: Rule[];
  inputs: Input[];
  changes: Change[];
  amount: AmountPart[];
  same: boolean | null;
}

type Open = Record<string, unknown>;

/** Read the parts that are shown. */
export function explained(answer: Model<"Explanation">): Explained {
  const outcome = (answer.outcome ?? {}) as Open;
  const changes = ((answer as Open)["changes"] ?? {}) as Open;
  return {
    outcome: (outcome["outcome"] as string | undefined) ?? null,
    by: (outcome["by"] as string | undefined) ?? null,
    sha256: (outcome["sha256"] as string | undefined) ?? null,
    said: (outcome["said"] as Said[] | undefined) ?? [],
    rules: answer.rules as unknown as Rule[],
    inputs: answer.inputs as unknown as Input[],
    changes: (changes["rules"] as Change[] | undefined) ?? [],
    amount: (changes["amount"] as AmountPart[] | undefined) ?? [],
    same: ((answer.recomputed as Open | null)?.["same"] as boolean | undefined) ?? null,
  };
}

/** What a rule says where it is not met. */
export function reasonOf(said: Said): string {
  return locale.value === "en" ? said.reason_en : fromCity(said.reason);
}

/** The day part of an item's version: `2020-06-01+d4c122fe`. */
export function versionDay(version: string): string {
  return version.split("+")[0] ?? version;
}

/** Where the words for a member of a record stand: `account.balance_fen`. */
export function pathKey(path: string): string {
  return `done.path.${path.replaceAll(".", "_")}`;
}
