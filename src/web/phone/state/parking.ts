// One's own parking: what goes on, what is owed, what was.

import { api, ask, type Model } from "../../shared/api";

export type Session = Model<"ShownSession">;

const OWED: readonly string[] = ["claimed", "deferred", "overdue"];

/** Whether something is to be paid. */
export function isOwed(session: Session): boolean {
  return OWED.includes(session.status);
}

/** Whether a citizen can still say that it is wrong. */
export function isDisputable(session: Session): boolean {
  return !session.disputed && [...OWED, "priced", "settled"].includes(session.status);
}

/** How long it was, or has been so far, in seconds. */
export function secondsOf(session: Session, at: number): number {
  const end = session.left_at === null ? at : Date.parse(session.left_at);
  return Math.max(0, (end - Date.parse(session.arrived_at)) / 1000);
}

export interface PriceLine {
  day: string;
  begins: string;
  ends: string;
  fen: number;
  zero: string | null;
}

/** What was seen of stays, by session; nothing of those that cannot be read now. */
export async function seenOf(ids: readonly string[]): Promise<Map<string, Model<"SeenOfStay">>> {
  const found = await Promise.all(
    ids.map((session_id) => ask(api.GET("/v1/parking/sessions/{session_id}/seen", { params: { path: { session_id } } })).catch(() => null)),
  );
  return new Map(found.filter((each) => each !== null).map((each) => [each.session_id, each]));
}
