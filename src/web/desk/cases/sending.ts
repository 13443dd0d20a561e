// How each act on a case is sent, held to the version that was seen.

import { api, ask, askWhole } from "../../shared/api";
import type { Model } from "../../shared/api";
import type { Person } from "../../shared/session";
import { settledBy, type Act, type Case, type Said } from "./acts";

/** What is sent, and by whom. */
export interface Sent {
  shown: Case;
  said: Said;
  person: Person;
  /** The `ETag` that was seen. */
  version: string;
  key: string;
}
type Answer = Promise<{ headers: Headers }>;
const BASE = "/v1/cases/{case_id}" as const;

const paramsOf = ({ shown, version, key }: Sent): { path: { case_id: string }; header: { "If-Match": string; "Idempotency-Key": string } } => ({
  path: { case_id: shown.case_id }, header: { "If-Match": version, "Idempotency-Key": key },
});

/** Keep a photo; what evidence names it by. */
async function keep(photo: File | null): Promise<string[]> {
  if (photo === null) return [];
  const body = photo as unknown as never;
  const answer = await ask(api.POST("/v1/photos", { body, bodySerializer: (given: unknown) => given as BodyInit, headers: { "Content-Type": photo.type } }));
  return [answer.sha256];
}

/** Send an act. */
export function send(act: Act, sent: Sent): Answer {
  switch (act) {
    case "accept": case "decline": case "decide": case "task": case "milestone": case "handle": case "assign":
      return byDepartment(act, sent);
    case "extension": case "deferral": case "hand-back": case "void":
      return asking(act, sent);
    case "merge": case "unmerge": case "separate": case "reclassify": case "relocate": case "prioritise": case "order-check": case "check":
      return correcting(act, sent);
    default:
      return stepping(act, sent);
  }
}

async function byDepartment(act: "accept" | "decline" | "decide" | "task" | "milestone" | "handle" | "assign", sent: Sent): Answer {
  const { said, person } = sent;
  const params = paramsOf(sent);
  const [department, note] = [person.department ?? "", said.text.trim()];
  switch (act) {
    case "accept":
      return askWhole(api.POST(`${BASE}/accept`, { params, body: { department } }));
    case "decline":
      return askWhole(api.POST(`${BASE}/decline`, { params, body: { department, reason: note } }));
    case "decide": {
      const tasks = Object.entries(said.tasks).filter(([, task]) => task.trim() !== "").map(([each, task]) => ({ department: each, task: task.trim() }));
      return askWhole(api.POST(`${BASE}/decide`, { params, body: { department, plan: note, tasks } }));
    }
    case "task":
      return askWhole(api.POST(`${BASE}/tasks`, { params, body: { department, note, evidence_sha256: [] } }));
    case "milestone":
      return askWhole(api.POST(`${BASE}/milestones`, { params, body: { department, milestone: said.deadline, note, evidence_sha256: [] } }));
    case "handle":
      return askWhole(api.POST(`${BASE}/handle`, { params, body: { department, note, evidence_sha256: await keep(said.photo) } }));
    case "assign":
      return askWhole(api.POST(`${BASE}/assign`, { params, body: { department, assignee: said.person.trim() || null } }));
  }
}

function asking(change: "extension" | "deferral" | "hand-back" | "void", sent: Sent): Answer {
  const { said, person } = sent;
  const asked = { change, department: person.roles.includes("official") ? (person.department ?? null) : null, deadline: null, amount: null, until: null, reason: said.text.trim() };
  const more = {
    extension: { deadline: said.deadline, amount: Number(said.amount) },
    deferral: { until: change === "deferral" ? new Date(`${said.until}:00+08:00`).toISOString() : null },
    "hand-back": {}, void: {},
  }[change];
  return askWhole(api.POST(`${BASE}/requests`, { params: paramsOf(sent), body: { ...asked, ...more } }));
}

async function correcting(act: "merge" | "unmerge" | "separate" | "reclassify" | "relocate" | "prioritise" | "order-check" | "check", sent: Sent): Answer {
  const { said } = sent;
  const params = paramsOf(sent);
  const note = said.text.trim();
  switch (act) {
    case "merge": {
      const mine = { path: params.path, header: { "Idempotency-Key": sent.key } };
      return askWhole(api.POST(`${BASE}/merge`, { params: mine, body: { into_case_id: said.other, reason: note } }));
    }
    case "unmerge":
      return askWhole(api.POST(`${BASE}/unmerge`, { params, body: { reason: note } }));
    case "separate":
      return askWhole(api.POST(`${BASE}/separate`, { params, body: { detection_id: said.detection, reason: note } }));
    case "reclassify":
      return askWhole(api.POST(`${BASE}/reclassify`, { params, body: { class_code: said.class_code, reason: note } }));
    case "relocate": {
      const place = { latitude: Number(said.latitude), longitude: Number(said.longitude), address: said.address.trim() || null };
      return askWhole(api.POST(`${BASE}/relocate`, { params, body: { ...place, reason: note } }));
    }
    case "prioritise":
      return askWhole(api.POST(`${BASE}/prioritise`, { params, body: { priority: said.priority as Model<"PrioritiseCase">["priority"], reason: note } }));
    case "order-check":
      return askWhole(api.POST(`${BASE}/check-orders`, { params, body: { inspector: said.person.trim(), note } }));
    case "check":
      return askWhole(api.POST(`${BASE}/checks`, { params, body: { solved: said.solved === "yes", note, evidence_sha256: await keep(said.photo) } }));
  }
}

function stepping(act: "file" | "dispatch" | "verify" | "return" | "close" | "reopen" | "resume" | "approve" | "deny", sent: Sent): Answer {
  const { shown, said, person } = sent;
  const params = paramsOf(sent);
  const note = said.text.trim();
  switch (act) {
    case "file":
      return askWhole(api.POST(`${BASE}/file`, { params, body: {} }));
    case "dispatch":
      return askWhole(api.POST(`${BASE}/dispatch`, { params, body: said.lead === "" ? {} : { departments: [said.lead], lead: said.lead } }));
    case "verify":
      return askWhole(api.POST(`${BASE}/verify`, { params, body: { note } }));
    case "return":
      return askWhole(api.POST(`${BASE}/return`, { params, body: { reason: note } }));
    case "close":
      return askWhole(api.POST(`${BASE}/close`, { params, body: { resolution: note, answer: said.answer || null, public_answer: said.told.trim() || null } }));
    case "reopen":
      return askWhole(api.POST(`${BASE}/reopen`, { params, body: { reason: note } }));
    case "resume":
      return askWhole(api.POST(`${BASE}/resume`, { params, body: {} }));
    case "approve":
    case "deny": {
      const waiting = settledBy(shown, person);
      const request = waiting.find(({ request_id }) => request_id === said.request) ?? waiting[0];
      const told = act === "approve" && request?.change === "void" ? { answer: said.answer || null, public_answer: said.told.trim() || null } : {};
      return askWhole(api.POST(`${BASE}/${act}`, { params, body: { request_id: request?.request_id ?? "", note, ...told } }));
    }
  }
}
