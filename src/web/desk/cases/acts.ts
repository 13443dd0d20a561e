// What somebody may do to a case as it stands, and what has to be said for it.

import type { Model } from "../../shared/api";
import type { Person } from "../../shared/session";

export type Case = Model<"CaseState">;
export type Row = Model<"CaseRow">;
export type Act =
  | "accept" | "decline" | "decide" | "task" | "milestone" | "handle" | "assign" | "extension" | "deferral" | "hand-back" | "void" | "resume"
  | "file" | "dispatch" | "verify" | "return" | "close" | "reopen" | "merge" | "unmerge" | "separate" | "reclassify" | "relocate" | "prioritise"
  | "order-check" | "check" | "approve" | "deny";
export type Need =
  | "note" | "reason" | "plan" | "photo" | "deadline" | "amount" | "until" | "other" | "detection" | "class" | "place" | "priority" | "assignee" | "inspector" | "found" | "lead" | "public";

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
/** Who was sent to look, and what they found; null: not yet. */
export interface FieldCheck {
  inspector: string;
  solved: boolean | null;
}

/** What is typed for an act. */
export interface Said {
  text: string;
  deadline: string;
  amount: string;
  until: string;
  other: string;
  detection: string;
  photo: File | null;
  class_code: string;
  latitude: string;
  longitude: string;
  address: string;
  priority: string;
  person: string;
  solved: string;
  lead: string;
  answer: string;
  told: string;
  request: string;
  tasks: Record<string, string>;
}

export const nothingSaid = (): Said => ({
  text: "", deadline: "", amount: "", until: "", other: "", detection: "", photo: null, class_code: "", latitude: "", longitude: "", address: "",
  priority: "", person: "", solved: "", lead: "", answer: "", told: "", request: "", tasks: {},
});

export const PRIORITIES = ["normal", "high", "urgent"] as const;
export const NEEDS: Readonly<Record<Act, readonly Need[]>> = {
  accept: [], file: [], dispatch: ["lead"], resume: [], verify: ["note"], close: ["public", "note"], approve: ["note"],
  deny: ["reason"], return: ["reason"], reopen: ["reason"], decline: ["reason"], decide: ["plan"], task: ["note"], milestone: ["deadline", "note"], handle: ["photo", "note"],
  assign: ["assignee"], "order-check": ["inspector", "note"], check: ["found", "photo", "note"], prioritise: ["priority", "note"],
  extension: ["deadline", "amount", "reason"], deferral: ["until", "reason"], "hand-back": ["reason"], void: ["reason"],
  merge: ["other", "reason"], unmerge: ["reason"], separate: ["detection", "reason"], reclassify: ["class", "reason"], relocate: ["place", "reason"],
};

export const deadlinesOf = (shown: Case): Deadline[] => (shown.deadlines ?? []) as unknown as Deadline[];
export const tasksOf = (shown: Case): Task[] => (shown.tasks ?? []) as unknown as Task[];
export const requestsOf = (shown: Case): Request[] => (shown.requests ?? []) as unknown as Request[];
/** Those that somebody else asked for, and a supervisor may settle. */
export const settledBy = (shown: Case, person: Person): Request[] => requestsOf(shown).filter(({ requested_by }) => requested_by !== person.subject);
export const checkOf = (shown: Case): FieldCheck | null => shown.field_check as unknown as FieldCheck | null;

/** Steps that meet a deadline; what else a deadline names is reached on the way. */
const STEPS = new Set(["filed", "dispatched", "accepted", "handled", "verified", "closed", "case.filed", "case.dispatched", "case.accepted", "case.handled", "case.verified", "case.closed"]);
export const milestonesOf = (shown: Case): Deadline[] => deadlinesOf(shown).filter(({ until }) => !STEPS.has(until));

const UNSOLVED = ["reported", "filed", "dispatched", "accepted", "returned", "reopened"];
const WITH_DEPARTMENTS = ["dispatched", "accepted", "returned", "reopened"];
const OPEN = [...UNSOLVED, "handled", "verified"];

/** The acts that are possible for somebody, the likeliest first; `alike`: whether there is another case to merge into. */
export function actsOf(shown: Case, person: Person, alike: boolean): Act[] {
  const has = (role: string): boolean => person.roles.includes(role);
  const acts: Act[] = [];
  if (has("supervisor") && settledBy(shown, person).length > 0) acts.push("approve", "deny");
  if (has("official")) acts.push(...officials(shown, person.department ?? ""));
  if (has("operator")) acts.push(...operators(shown, alike));
  if (OPEN.includes(shown.status) && (has("operator") || has("supervisor"))) acts.push("prioritise");
  const sent = checkOf(shown);
  if (shown.status === "handled" && (has("official") || has("operator")) && sent?.inspector === person.subject && sent.solved === null) acts.unshift("check");
  return acts;
}

function officials(shown: Case, department: string): Act[] {
  if (!shown.departments.includes(department) || !WITH_DEPARTMENTS.includes(shown.status)) return [];
  if (shown.deferred_until !== null) return ["resume", "assign"];
  const lead = shown.lead === department;
  const own = tasksOf(shown).filter((task) => task.department === department);
  const acts: Act[] = [];
  if (!(shown.accepted_by ?? []).includes(department)) acts.push("accept");
  if (own.some(({ finished }) => !finished)) acts.push("task");
  if (!lead && own.length === 0) acts.push("decline");
  if (milestonesOf(shown).length > 0) acts.push("milestone");
  if (!lead) return [...acts, "assign"];
  const working: Act[] = shown.status === "dispatched" ? [] : ["handle", "decide"];
  return [...acts, ...working, "assign", ...askable(shown, ["extension", "deferral", "hand-back", "void"])];
}

function operators(shown: Case, alike: boolean): Act[] {
  if (shown.status === "merged") return ["unmerge"];
  if (shown.status === "closed") return ["reopen"];
  if (!OPEN.includes(shown.status)) return [];
  const unsolved = UNSOLVED.includes(shown.status);
  const merging: Act[] = [...(alike && unsolved ? ["merge" as const] : []), ...((shown.detections ?? []).length > 1 ? ["separate" as const] : [])];
  if (shown.deferred_until !== null) return ["resume", ...merging];
  const steps: Readonly<Record<string, Act[]>> = { reported: ["file"], filed: ["dispatch"], handled: ["verify", "return", "order-check"], verified: ["close"] };
  const asking: Act[] = [...(WITH_DEPARTMENTS.includes(shown.status) ? ["hand-back" as const] : []), ...(unsolved ? ["void" as const] : [])];
  return [...(steps[shown.status] ?? []), ...merging, "reclassify", "relocate", ...askable(shown, asking)];
}

/** What has been asked for is not asked for again. */
function askable(shown: Case, acts: readonly Act[]): Act[] {
  return acts.filter((act) => !requestsOf(shown).some(({ change }) => change === act));
}
