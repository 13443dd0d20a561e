// What an officer may do to a junction as it stands, and how each is sent.

import { api, askWhole, type Model } from "../../shared/api";
import { t } from "../../shared/i18n";

export type Junction = Model<"JunctionState">;
export type Layout = Model<"JunctionLayout">;
export type Reason = Model<"ResetJunction">["reason"];
export type Act = "reset" | "centre" | "local" | "hand" | "release" | "stage" | "all-red" | "flash" | "plan" | "strategy";

/** Codes, so that no event tells about people; `new` is for putting one in service. */
export const REASONS: readonly Reason[] = [
  "fault", "repaired", "accident", "congestion", "roadworks", "maintenance", "weather", "event", "escort", "rescue", "exercise", "trial", "other",
];
const COUNTS_MS = 10_000;
const HAND_MS = 15 * 60_000;

/** Those that are possible as it stands; flashing is ended by a reset only. */
export function actsOf(junction: Junction, subject: string): Act[] {
  if (junction.flash !== null) return ["reset"];
  const mode: Act[] = junction.mode === "centre" ? ["local"] : ["centre"];
  if (junction.hand === null) return [...mode, "hand", "plan", "strategy"];
  return junction.hand.by === subject ? ["release", "stage", "all-red", "flash", ...mode] : [...mode, "release"];
}

/** What an act has to name besides: a stage, a plan, a strategy; null where it names nothing. */
export function namedBy(act: Act, junction: Junction, layout: Layout): string[] | null {
  if (act === "stage") return Object.keys(layout.stages);
  if (act === "plan") return layout.plans.map(({ plan }) => plan).filter((plan) => plan !== junction.plan);
  if (act === "strategy") return ["plan", ...layout.strategies].filter((each) => each !== junction.strategy);
  return null;
}

/** What will happen, in order. */
export function aheadOf(act: Act, junction: Junction, layout: Layout): string[] {
  if (act !== "reset") return [1, 2].map((n) => t(`act.${act}${n}`, { mode: t(`standing.${junction.mode}`) }));
  const steps = layout.after_reset.map((step) =>
    t(`ahead.${step.what}`, { s: step.seconds, stage: step.stage ?? "", groups: step.groups.join(" ") }),
  );
  return [...steps, t("ahead.then", { mode: t(`standing.${junction.mode}`) })];
}

/** Send it: it counts for some seconds by the server's clock, and for how the junction was seen. */
export function send(act: Act, junction: Junction, reason: Reason, named: string, key: string, serverNow: number): Promise<{ headers: Headers }> {
  const params = { path: { junction: junction.junction }, header: { "Idempotency-Key": key } };
  const soon = new Date(serverNow + COUNTS_MS).toISOString();
  const seen = { reason, expires_at: soon, standing: junction.standing };
  const base = "/v1/signals/junctions/{junction}" as const;
  switch (act) {
    case "reset":
      return askWhole(api.POST(`${base}/reset`, { params, body: seen }));
    case "centre":
    case "local":
      return askWhole(api.POST(`${base}/mode`, { params, body: { ...seen, mode: act } }));
    case "hand":
      return askWhole(api.POST(`${base}/hand`, { params, body: { ...seen, until: new Date(serverNow + HAND_MS).toISOString() } }));
    case "release":
      return askWhole(api.POST(`${base}/release`, { params, body: {} }));
    case "plan":
      return askWhole(api.POST(`${base}/plan`, { params, body: { ...seen, plan: named } }));
    case "strategy":
      return askWhole(api.POST(`${base}/strategy`, { params, body: { ...seen, strategy: named } }));
    case "stage":
      return askWhole(api.POST(`${base}/shown`, { params, body: { show: act, stage: named, reason, until: soon } }));
    case "all-red":
    case "flash":
      return askWhole(api.POST(`${base}/shown`, { params, body: { show: act, stage: null, reason, until: soon } }));
  }
}

/** The groups that a conflict names, as far as the junction has them. */
export function clashing(junction: Junction): string[] {
  const said = junction.faults["conflict"];
  if (said === undefined || junction.flash?.kind !== "conflict") return [];
  const words = new Set(said.split(/[^A-Za-z0-9_]+/));
  return junction.groups.map(({ group }) => group).filter((group) => words.has(group));
}

/** How urgently somebody has to look: what flashes, faults, a hand, the rest. */
export function urgency(junction: Junction): number {
  if (junction.flash !== null) return 0;
  if (junction.standing === "dark" || Object.keys(junction.faults).length > 0) return 1;
  return ["hand", "preemption", "starting"].includes(junction.standing) ? 2 : 3;
}
