// The stories of what is the citizen's own: readings, the face.

import { PENDING, refusal, type Story } from "../../shared/stories";
import { APPLICATION, CITIZEN, citizen, ME, notice } from "./people";

const READS = `GET /v1/citizens/${CITIZEN}/accesses`;
const row = (version: number, by: string, at: string, what: string, purpose: string, role: string): object => ({
  at,
  who: "x",
  role: by === "person" ? "official" : "system",
  department: "housing-fund",
  counter: null,
  what: `what-${version}`,
  purpose: "p",
  through: "application.opened",
  about: APPLICATION,
  stream_id: APPLICATION,
  version,
  by,
  role_text: role,
  what_text: what,
  purpose_text: purpose,
});
const accesses = {
  accesses: [
    row(9, "person", "2026-11-25T02:20:00Z", "打开您申请中的密封内容", "复核决定", "工作人员"),
    row(4, "process", "2026-11-25T02:12:00Z", "身份与户籍", "公积金提取（偿还住房贷款）", "系统按规则自动处理"),
    row(3, "process", "2026-11-19T02:12:00Z", "不动产权", "供水过户", "系统按规则自动处理"),
  ],
  next: null,
};
const CONSENTS = `GET /v1/citizens/${CITIZEN}/consents`;
const STATE = `GET /v1/citizens/${CITIZEN}`;
const consents = {
  consents: [{ consent_id: "c", agreement: "face-recognition", sha256: notice.sha256, given_at: "2025-05-03T02:00:00Z", guardian: false, ended_at: null }],
};

export const own: readonly Story[] = [
  { name: "reads", path: "/reads", as: ME, answers: { [READS]: accesses } },
  { name: "reads-empty", path: "/reads", as: ME, answers: { [READS]: { accesses: [], next: null } } },
  { name: "reads-loading", path: "/reads", as: ME, answers: { [READS]: PENDING } },
  { name: "reads-error", path: "/reads", as: ME, answers: { [READS]: refusal(503, "not-caught-up") } },
  { name: "read", path: `/reads/one?of=${APPLICATION}@9:what-9`, as: ME, answers: { [READS]: accesses } },
  { name: "myface", path: "/face", as: ME, answers: { [STATE]: citizen, [CONSENTS]: consents } },
  { name: "myface-off", path: "/face", as: ME, answers: { [STATE]: { ...citizen, face_consent: false }, [CONSENTS]: { consents: [] } } },
  {
    name: "myface-gone",
    path: "/face",
    as: ME,
    answers: { [STATE]: citizen, [CONSENTS]: consents, [`POST /v1/citizens/${CITIZEN}/face/consent/withdrawal`]: citizen },
    act: (page) => page.querySelector<HTMLElement>(".btn.bad")?.click(),
  },
];
