// What somebody may do to a case as it stands, what has to be said for it, and how it is sent.

import { api, ask, askWhole, type Model } from "../../shared/api";
import type { Person } from "../../shared/session";

export type Case = Model<"CaseState">;
export type Row = Model<"CaseRow">;
export type Act =
  | "accept" | "decide" | "task" | "milestone" | "handle" | "extension" | "deferral" | "hand-back"
  | "file" | "dispatch" | "verify" | "return" | "close" | "merge" | "reclassify" | "relocate" | "approve" | "deny";
export type Need = "note" | "reason" | "plan" | "photo" | "deadline" | "amount" | "until" | "other" | "class" | "place";

export interface Deadline {
  code: string;
  stage: string;
  until: string;
  begun_at: string;
  due_at: string;
  missed: boolean;
}
export interface Task {
  department: string;
  task: string;
  finished: boolean;
}
export interface Request {
  request_id: string;
  change: string;
  reason: string;
  requested_by: string;
  deadline: string | null;
  amount: number | null;
  until: string | null;
}

/** What is typed for an act. */
export interface Said {
  text: string;
  deadline: string;
  amount: string;
  until: string;
  other: string;
  photo: File | null;
  class_code: string;
  latitude: string;
  longitude: string;
  address: string;
  tasks: Readonly<Record<string, string>>;
}

export const NEEDS: Readonly<Record<Act, readonly Need[]>> = {
  accept: [], file: [], dispatch: [], verify: ["note"], close: ["note"], approve: ["note"],
  deny: ["reason"], return: ["reason"], decide: ["plan"], task: ["note"], milestone: ["deadline", "note"], handle: ["photo", "note"],
  extension: ["deadline", "amount", "reason"], deferral: ["until", "reason"], "hand-back": ["reason"], merge: ["other", "reason"],
  reclassify: ["class", "reason"], relocate: ["place", "reason"],
};

export const deadlinesOf = (shown: Case): Deadline[] => (shown.deadlines ?? []) as unknown as Deadline[];
export const tasksOf = (shown: Case): Task[] => (shown.tasks ?? []) as unknown as Task[];
export const requestsOf = (shown: Case): Request[] => (shown.requests ?? []) as unknown as Request[];

/** Steps that meet a deadline; what else a deadline names is reached on the way. */
const STEPS = new Set(["filed", "dispatched", "accepted", "handled", "verified", "closed", "case.filed", "case.dispatched", "case.accepted", "case.handled", "case.verified", "case.closed"]);
export const milestonesOf = (shown: Case): Deadline[] => deadlinesOf(shown).filter(({ until }) => !STEPS.has(until));

/** The acts that are possible for somebody, the likeliest first. */
export function actsOf(shown: Case, person: Person): Act[] {
  const has = (role: string): boolean => person.roles.includes(role);
  if (has("supervisor") && requestsOf(shown).some(({ requested_by }) => requested_by !== person.subject)) return ["approve", "deny"];
  if (has("official")) return officials(shown, person.department ?? "");
  return has("operator") ? operators(shown) : [];
}

function officials(shown: Case, department: string): Act[] {
  if (!shown.departments.includes(department)) return [];
  const lead = shown.lead === department;
  const working = ["accepted", "returned", "reopened"].includes(shown.status);
  const acts: Act[] = [];
  if (["dispatched", "accepted", "reopened", "returned"].includes(shown.status) && !(shown.accepted_by ?? []).includes(department)) acts.push("accept");
  if (!working) return acts;
  if (tasksOf(shown).some((task) => task.department === department && !task.finished)) acts.push("task");
  if (milestonesOf(shown).length > 0) acts.push("milestone");
  acts.push("handle");
  if (!lead) return acts;
  return [...acts, "decide", "extension", "deferral", "hand-back"];
}

function operators(shown: Case): Act[] {
  const steps: Readonly<Record<string, Act[]>> = { reported: ["file"], filed: ["dispatch"], handled: ["verify", "return"], verified: ["close"] };
  const ended = ["merged", "closed", "voided"].includes(shown.status);
  return ended ? [] : [...(steps[shown.status] ?? []), "merge", "reclassify", "relocate"];
}

/** Keep a photo; what evidence names it by. */
async function keep(photo: File): Promise<string> {
  const body = photo as unknown as never;
  const answer = await ask(api.POST("/v1/photos", { body, bodySerializer: (given: unknown) => given as BodyInit, headers: { "Content-Type": photo.type } }));
  return answer.sha256;
}

/** Send an act on a case that was seen at a version. */
export async function send(act: Act, shown: Case, said: Said, person: Person, version: string, key: string): Promise<{ headers: Headers }> {
  const params = { path: { case_id: shown.case_id }, header: { "If-Match": version, "Idempotency-Key": key } };
  const department = person.department ?? "";
  const note = said.text.trim();
  const request_id = requestsOf(shown).find(({ requested_by }) => requested_by !== person.subject)?.request_id ?? "";
  const asked = { department: department || null, deadline: null, amount: null, until: null, reason: note };
  const base = "/v1/cases/{case_id}" as const;
  switch (act) {
    case "accept":
      return askWhole(api.POST(`${base}/accept`, { params, body: { department } }));
    case "file":
      return askWhole(api.POST(`${base}/file`, { params, body: {} }));
    case "dispatch":
      return askWhole(api.POST(`${base}/dispatch`, { params, body: {} }));
    case "verify":
      return askWhole(api.POST(`${base}/verify`, { params, body: { note } }));
    case "return":
      return askWhole(api.POST(`${base}/return`, { params, body: { reason: note } }));
    case "close":
      return askWhole(api.POST(`${base}/close`, { params, body: { resolution: note } }));
    case "decide": {
      const tasks = Object.entries(said.tasks).filter(([, task]) => task.trim() !== "").map(([each, task]) => ({ department: each, task: task.trim() }));
      return askWhole(api.POST(`${base}/decide`, { params, body: { department, plan: note, tasks } }));
    }
    case "task":
      return askWhole(api.POST(`${base}/tasks`, { params, body: { department, note, evidence_sha256: [] } }));
    case "milestone":
      return askWhole(api.POST(`${base}/milestones`, { params, body: { department, milestone: said.deadline, note, evidence_sha256: [] } }));
    case "handle": {
      const evidence_sha256 = said.photo === null ? [] : [await keep(said.photo)];
      return askWhole(api.POST(`${base}/handle`, { params, body: { department, note, evidence_sha256 } }));
    }
    case "extension":
      return askWhole(api.POST(`${base}/requests`, { params, body: { ...asked, change: "extension", deadline: said.deadline, amount: Number(said.amount) } }));
    case "deferral":
      return askWhole(api.POST(`${base}/requests`, { params, body: { ...asked, change: "deferral", until: new Date(`${said.until}:00+08:00`).toISOString() } }));
    case "hand-back":
      return askWhole(api.POST(`${base}/requests`, { params, body: { ...asked, change: "hand-back" } }));
    case "reclassify":
      return askWhole(api.POST(`${base}/reclassify`, { params, body: { class_code: said.class_code, reason: note } }));
    case "relocate": {
      const place = { latitude: Number(said.latitude), longitude: Number(said.longitude), address: said.address.trim() || null };
      return askWhole(api.POST(`${base}/relocate`, { params, body: { ...place, reason: note } }));
    }
    case "merge": {
      const mine = { path: params.path, header: { "Idempotency-Key": key } };
      return askWhole(api.POST(`${base}/merge`, { params: mine, body: { into_case_id: said.other, reason: note } }));
    }
    case "approve":
    case "deny":
      return askWhole(api.POST(`${base}/${act}`, { params, body: { request_id, note } }));
  }
}
