// What is filled in and not sent, in this tab alone (`sessionStorage`): it outlives signing in and a
// session that has ended, and is found again by the same person only.

export type Way = "face" | "code";
export type FormValue = string | number | boolean;

export interface Half {
  service: string;
  /** Whose it is; null: nobody was signed in yet. */
  subject: string | null;
  form: Record<string, FormValue>;
  way: Way;
  draft: string | null;
}

const KEPT_AS = "citybrain-half-filled";

/** Keep it in place of what was. */
export function keepHalf(half: Half): void {
  const nothing = Object.keys(half.form).length === 0 && half.draft === null && half.way === "face";
  if (nothing) sessionStorage.removeItem(KEPT_AS);
  else sessionStorage.setItem(KEPT_AS, JSON.stringify(half));
}

/** What was filled in for a service, for whoever it is of; what is another's is gone. */
export function halfOf(service: string, subject: string | null): Half | null {
  const kept = sessionStorage.getItem(KEPT_AS);
  const half = kept === null ? null : (JSON.parse(kept) as Half);
  if (half === null || (half.service === service && half.subject === subject)) return half;
  if (half.subject === null && half.service === service) return half;
  if (half.subject !== null && subject !== null && half.subject !== subject) forgetHalf();
  return null;
}

/** Nothing of it stays. */
export function forgetHalf(): void {
  sessionStorage.removeItem(KEPT_AS);
}
