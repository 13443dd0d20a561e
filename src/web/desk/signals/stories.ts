// Stories of the page of signals. Everything in them is made up.

import { AWAY, PENDING, refusal, Reply, type Story } from "../../shared/stories";
import type { Person } from "../../shared/session";
import { NAMES } from "../applications/stories";

const POLICE: Person = { subject: "official-8", roles: ["official"], department: "traffic_police" };
const ONE = "renmin_1";

const group = (code: string, kind: string, shown: string): object => ({
  group: code, kind, shown, green_from: null, green_ends: null, red_from: null, waits_since: null, button_lamp: null,
});
const groups = (shown: Readonly<Record<string, string>>): object[] => [
  group("V1", "vehicle", shown["V1"] ?? "red"), group("V2", "vehicle", shown["V2"] ?? "red"), group("L1", "vehicle", shown["L1"] ?? "red"),
  group("P1", "pedestrian", shown["P1"] ?? "red"), group("P2", "pedestrian", shown["P2"] ?? "red"),
];

function junction(code: string, name: string, more: object = {}): Record<string, unknown> {
  return {
    junction: code, name, simulated: true, at: "2026-11-25T10:30:00+08:00", day: "2026-11-25", definition_version: "2026-11-29+1", standing: "centre",
    mode: "centre", mode_reason: "", strategy: "adaptive", stage: "A", groups: groups({ V1: "green", P1: "green" }), plan: "day", offset_from_ms: 0,
    plan_began_at: null, epoch: 3, last_sequence: 41, hand: null, preemptions: [], buses: [], flash: null, flashing_until: null, all_red_until: null,
    faults: {}, version: 3118, position: 900, recorded_at: "2026-11-25T10:30:00+08:00", ...more,
  };
}

const FLASHING = junction(ONE, "人民路与一街", {
  standing: "flashing", mode: "local", stage: null, groups: groups({ V1: "flash", V2: "flash", L1: "flash", P1: "flash", P2: "flash" }),
  flash: { kind: "conflict", since: "2026-11-25T10:26:11+08:00" }, faults: { conflict: "V1 and V2 green" },
});
const HAND = { by: "official-8", reason: "event", until: "2026-11-25T10:44:00+08:00" };
const OTHERS = [
  junction("renmin_2", "人民路与二街", { standing: "preemption", preemptions: [{ preemption: "E1", stage: "B", level: 1, vehicle: "120-07", asked_at: "2026-11-25T10:29:46+08:00", until: "2026-11-25T10:31:00+08:00", granted: true, expected_at: null }] }),
  junction("renmin_3", "人民路与三街", { standing: "hand", hand: { ...HAND, by: "official-5" } }),
  junction("renmin_4", "人民路与四街", { standing: "local", mode: "local", faults: { clock: "+12.0 s" } }),
];

const lane = (code: string, bearing: number, movements: readonly [string, string, number][]): object => ({
  lane: code, length_m: 200,
  movements: movements.map(([turn, held, to]) => ({ movement: `${code}${turn}`, to_bearing: (bearing + to) % 360, turn, group: held })),
});
const arm = (bearing: number, through: string, left: string, crossing: string): object => ({
  bearing, exits: 2, crossings: [crossing],
  lanes: [lane(`${bearing}a`, bearing, [["right", through, 270], ["through", through, 180]]), lane(`${bearing}b`, bearing, [["left", left, 90]])],
});
const LAYOUT = {
  junction: ONE, name: "人民路与一街", department: "traffic_police", definition_version: "2026-11-29+1", groups: [], conflicts: [["V1", "V2"]],
  stages: { A: ["P1", "V1"], B: ["L1"], C: ["P2", "V2"] }, plans: [{ plan: "day", cycle_s: 90, stages: ["A", "B", "C"] }, { plan: "peak", cycle_s: 120, stages: ["A", "B", "C"] }], strategies: ["adaptive", "plan"],
  arms: [arm(0, "V2", "V2", "P1"), arm(90, "V1", "L1", "P2"), arm(180, "V2", "V2", "P1"), arm(270, "V1", "L1", "P2")],
  after_reset: [
    { what: "all-red", seconds: 6, stage: null, groups: [] }, { what: "green", seconds: 7, stage: "A", groups: ["P1", "V1"] },
    { what: "clearance", seconds: 20, stage: "A", groups: ["P1"] },
  ],
};
const change = (position: number, at: string, topic: string, more: object = {}): object => ({ position, at: `2026-11-25T${at}+08:00`, topic: `signal.${topic}`, stage: null, source: null, cause: null, details: {}, ...more });
const CHANGES = {
  changes: [
    change(1, "10:24:40", "plan_activated", { details: { by: "official-8", reason: "event" } }), change(2, "10:25:58", "stage_applied", { stage: "B", source: "centre", cause: "plan" }),
    change(3, "10:26:11", "fault_raised", { details: { fault: "conflict", detail: "V1 and V2 green" } }), change(4, "10:26:11", "flash_begun", { details: { kind: "conflict", detail: "V1 and V2 green" } }),
  ],
  next: null,
};

const REFUSAL = { junction: ONE, position: 2, at: "2026-11-25T10:25:21+08:00", what: "apply-stage", groups: ["V2"], source: "centre", rule: 8, broken: [8], detail: "P1 clears", epoch: 3, sequence: 40 };

const answers = (one: Record<string, unknown>): Record<string, unknown> => ({
  ...NAMES,
  "GET /v1/signals/junctions": { junctions: [...OTHERS, one], next: null },
  [`GET /v1/signals/junctions/${ONE}`]: one,
  [`GET /v1/signals/junctions/${ONE}/layout`]: LAYOUT,
  [`GET /v1/signals/junctions/${ONE}/changes`]: CHANGES,
  "GET /v1/signals/refusals": { refusals: [REFUSAL], next: null },
});
const FAULTS = { clock: "+12.0 s", controller: "41 not followed", lamps: "V1 red, P1 green", "detector:D7": "stuck-on", unattended: "2026-11-25T02:20:00+00:00" };
const STANDS = junction(ONE, "人民路与一街");
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

async function choose(page: HTMLElement): Promise<void> {
  page.querySelector<HTMLInputElement>("aside input[type=radio]")?.click();
  await later();
}

async function confirm(page: HTMLElement): Promise<void> {
  await choose(page);
  const [code, reason] = [page.querySelector<HTMLInputElement>("#danger-code"), page.querySelector<HTMLSelectElement>("#danger-reason")];
  if (code === null || reason === null) return;
  [code.value, reason.value] = [ONE, "repaired"];
  code.dispatchEvent(new Event("input"));
  reason.dispatchEvent(new Event("change"));
  await later();
  page.querySelector<HTMLButtonElement>(".bt.go")?.click();
}

const RESET = `POST /v1/signals/junctions/${ONE}/reset`;
const FASTER: Record<string, unknown> = { ...answers(FLASHING), [RESET]: refusal(412, "stale-version", "", { standing: "local" }) };
async function overtaken(page: HTMLElement): Promise<void> {
  await choose(page);
  Object.assign(FASTER, answers(STANDS));
  await confirm(page);
}

const at = `/signals/${ONE}`;
export const SIGNALS: readonly Story[] = [
  { name: "signals", path: at, as: POLICE, answers: answers(FLASHING), act: choose },
  { name: "signals-running", path: at, as: POLICE, answers: answers(STANDS), act: choose },
  { name: "signals-faults", path: at, as: POLICE, answers: answers({ ...STANDS, standing: "local", mode: "local", faults: FAULTS }) },
  { name: "signals-in-hand", path: at, as: POLICE, answers: answers({ ...STANDS, standing: "hand", hand: HAND }) },
  { name: "signals-stage", path: at, as: POLICE, answers: answers({ ...STANDS, standing: "hand", hand: HAND }), act: (page) => page.querySelector<HTMLInputElement>('aside input[value="stage"]')?.click() },
  { name: "signals-plan", path: at, as: POLICE, answers: answers(STANDS), act: (page) => page.querySelector<HTMLInputElement>('aside input[value="plan"]')?.click() },
  { name: "signals-none-open", path: "/signals", as: POLICE, answers: answers(FLASHING) },
  { name: "signals-empty", path: "/signals", as: POLICE, answers: { ...NAMES, "GET /v1/signals/junctions": { junctions: [], next: null } } },
  { name: "signals-loading", path: at, as: POLICE, answers: { ...NAMES, "GET /v1/signals/*": PENDING } },
  { name: "signals-error", path: at, as: POLICE, answers: { ...NAMES, "GET /v1/signals/*": refusal(503, "not-caught-up") } },
  { name: "signals-offline", path: at, as: POLICE, answers: { ...answers(FLASHING), "GET /v1/signals/junctions": AWAY } },
  { name: "signals-done", path: at, as: POLICE, answers: { ...answers(FLASHING), [RESET]: new Reply(200, { junction: ONE, day: "2026-11-25", stream_id: "s" }, { "X-Position": "901" }) }, act: confirm },
  { name: "signals-refused", path: at, as: POLICE, answers: { ...answers(FLASHING), [RESET]: refusal(403, "role-not-allowed", "这个路口归交警支队") }, act: confirm },
  { name: "signals-changed", path: at, as: POLICE, answers: FASTER, act: overtaken },
];
