// All that waits for somebody else's agreement, of every kind that a person may settle.

import { api, ask, type Model } from "../../shared/api";
import { Problem } from "../../shared/problems";
import type { Person } from "../../shared/session";

export type Kind = "review" | "case" | "reduction" | "permit" | "repricing" | "notice";

export interface Waiting {
  kind: Kind;
  id: string;
  /** Since when, or until when, for the order. */
  at: string;
  simulated: boolean;
  row: Model<"QueueRow"> | Model<"CaseRow"> | Model<"ShownClaim"> | Model<"ShownPermit"> | Model<"ListedRepricing"> | Model<"NoticeRow">;
}

const LIMIT = { limit: 200, min_position: 0 };
type Page = typeof LIMIT;

/** What is another department's is left out: whoever asks has nothing to settle there. */
async function unlessOthers<Row>(asked: Promise<Row[]>): Promise<Row[]> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof Problem && error.status === 403) return [];
    throw error;
  }
}

/** What waits, the oldest first; of parking it has at least what the log had at `position`. */
export async function read(person: Person, position: number): Promise<Waiting[]> {
  const has = (role: string): boolean => person.roles.includes(role);
  const office = (has("official") || has("supervisor")) && person.department !== undefined;
  const page = { ...LIMIT, min_position: position };
  const found = await Promise.all([
    has("official") ? unlessOthers(reviews()) : [],
    has("supervisor") ? unlessOthers(cases()) : [],
    office && has("supervisor") ? unlessOthers(reductions(page)) : [],
    office ? unlessOthers(permits(page)) : [],
    office ? unlessOthers(repricings(page)) : [],
    office ? unlessOthers(notices(page)) : [],
  ]);
  return found.flat().sort((a, b) => a.at.localeCompare(b.at));
}

async function reviews(): Promise<Waiting[]> {
  const { applications } = await ask(api.GET("/v1/applications/queue", { params: { query: LIMIT } }));
  return applications
    .filter(({ status }) => status === "awaiting-second-reviewer")
    .map((row) => ({ kind: "review", id: row.application_id, at: row.submitted_at, simulated: row.simulated, row }));
}

async function cases(): Promise<Waiting[]> {
  const { cases: rows } = await ask(api.GET("/v1/cases", { params: { query: { ...LIMIT, waiting: true } } }));
  return rows.map((row) => ({ kind: "case", id: row.case_id, at: row.due_at ?? row.reported_at, simulated: row.simulated, row }));
}

async function reductions(page: Page): Promise<Waiting[]> {
  const query = { ...page, desk: "second-person" as const, order: "oldest" as const };
  const { claims } = await ask(api.GET("/v1/parking/claims", { params: { query } }));
  return claims.map((row) => ({ kind: "reduction", id: row.claim_id, at: row.raised_at, simulated: row.simulated, row }));
}

async function permits(page: Page): Promise<Waiting[]> {
  const { permits: rows } = await ask(api.GET("/v1/parking/permits", { params: { query: page } }));
  return rows.map((row) => ({ kind: "permit", id: row.permit_id, at: row.asked_at, simulated: false, row }));
}

async function repricings(page: Page): Promise<Waiting[]> {
  const query = { ...page, status: "proposed" as const };
  const { repricings: rows } = await ask(api.GET("/v1/parking/repricings", { params: { query } }));
  return rows.map((row) => ({ kind: "repricing", id: row.repricing_id, at: row.proposed_at, simulated: false, row }));
}

async function notices(page: Page): Promise<Waiting[]> {
  const query = { ...page, status: "proposed" as const };
  const { notices: rows } = await ask(api.GET("/v1/parking/notices/desk", { params: { query } }));
  return rows.map((row) => ({ kind: "notice", id: row.notice_id, at: row.proposed_at, simulated: false, row }));
}
