// What the API explains of an application, in the shapes that the desk shows. The API says these
// members as plain objects, so their types are here.

import { api, ask, askWhole, versionOf, type Model } from "../../shared/api";
import { inWords, t } from "../../shared/i18n";

export type Application = Model<"ApplicationRow">;
export type Step = Model<"StepRow">;
export type Item = Model<"ServiceDetails">;

export interface Input {
  material: string;
  label: string | null;
  label_en: string | null;
  department: string;
  delivered: boolean;
  version: number;
  at: string;
  milliseconds: number;
  attempts: number;
  reason?: string;
}

export type Finding = "met" | "failed" | "not-applicable" | "unknown";

export interface ExplainedRule {
  code: string;
  finding: Finding | null;
  reason?: string;
  reason_en?: string;
  expression?: string;
  source?: string;
}

export interface WhatIf {
  rule: string;
  met: string;
  amount_fen: number | null;
  failed: string;
}

export interface Delivery {
  material: string;
  decides: readonly string[];
  helps: readonly string[];
}

export interface ComputedValue {
  name: string;
  expression: string;
  value?: unknown;
}

export interface Records {
  form: Readonly<Record<string, unknown>>;
  evidence: Readonly<Record<string, Readonly<Record<string, unknown>> | null>>;
}

export interface Explained {
  item_version: string;
  rules: readonly ExplainedRule[];
  inputs: readonly Input[];
  what_ifs: readonly WhatIf[];
  deliveries: readonly Delivery[];
  values: readonly ComputedValue[];
  recomputed: { computed_fen: number | null; outcome: string; same: boolean } | null;
  decisions: readonly { by: string; outcome: string; amount_fen: number | null; version: number }[];
  /** Only where it was opened for a purpose. */
  records?: Records;
}

/** What a material is called. */
export const materialName = (input: Input): string => inWords(input.label ?? input.material, input.label_en ?? input.material);

/** The materials that an expression reads, by their names. */
export function readBy(expression: string | undefined, inputs: readonly Input[]): string {
  const read = new Set([...(expression ?? "").matchAll(/([a-z_]+)\.[a-z_]+/g)].map(([, name]) => name));
  return inputs.filter(({ material }) => read.has(material)).map(materialName).join(t("common.and"));
}

export interface Opened {
  application: Application;
  steps: readonly Step[];
  /** The `ETag` that was seen: whatever is decided is held to it. */
  etag: string;
  explained: Explained;
  item: Item | null;
}

/** What is read has at least this: a position of the log, or a version of the application. */
export interface Since {
  position?: number;
  version?: number;
}

/** What an answer to a command says of it. */
export function sinceOf(answer: { headers: Headers }): Since {
  const position = Number(answer.headers.get("X-Position"));
  return position > 0 ? { position } : {};
}

const TRIES = 10;
const PAUSE_MS = 200;

/** The same once the read model has it: a step that others have just taken comes to it in a moment. */
export async function readSince(applicationId: string, since: Since): Promise<Opened> {
  for (let tried = 1; ; tried += 1) {
    const found = await read(applicationId, since.position ?? 0);
    if (tried === TRIES || found.application.version >= (since.version ?? 0)) return found;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** An application with all that is needed to decide it. */
export async function read(applicationId: string, min_position = 0): Promise<Opened> {
  const path = { application_id: applicationId };
  const [whole, explained] = await Promise.all([
    askWhole(api.GET("/v1/applications/{application_id}", { params: { path, query: { min_position } } })),
    ask(api.GET("/v1/applications/{application_id}/explanation", { params: { path } })),
  ]);
  const { application, steps } = whole.data;
  const on = application.item_version.slice(0, 10);
  const code = { path: { code: application.service }, query: { on } };
  const item = await ask(api.GET("/v1/services/{code}", { params: code })).catch(() => null);
  return { application, steps, etag: versionOf(whole.headers), explained: explained as unknown as Explained, item };
}

/** What an officer who has looked proposed, where a second has to agree; null where none has. */
export interface Proposal {
  outcome: string;
  amount_fen: number | null;
  reviewer: string;
  because: readonly string[];
  at: string;
}

export function proposalOf(opened: Opened): Proposal | null {
  if (opened.application.status !== "awaiting-second-reviewer") return null;
  const step = [...opened.steps].reverse().find(({ topic }) => topic === "application.review_proposed");
  return step === undefined ? null : { ...(step.details as unknown as Proposal), at: step.at };
}

/** Why a second officer has to agree to an approval: the rules are the server's, said beforehand. */
export function whyTwo(opened: Opened, amountFen: number | null): string[] {
  const { explained, item } = opened;
  const why: string[] = [];
  const byRules = [...explained.decisions].reverse().find(({ by }) => by === "rules");
  if (byRules?.outcome === "refused") why.push("against-the-rules");
  if (amountFen === null) return why;
  const computed = explained.recomputed?.computed_fen ?? null;
  const alone = item?.item.payout?.one_reviewer_fen ?? 0;
  if (computed === null) why.push("nothing-computed");
  else if (amountFen > computed) why.push("above-computed");
  if (amountFen > alone) why.push("above-one-reviewer");
  return why;
}

/** Whether it goes on by itself for now: nobody decides until it comes back. */
export function moves(status: string): boolean {
  return ["submitted", "identified", "collecting", "collected", "approved", "paying"].includes(status);
}
