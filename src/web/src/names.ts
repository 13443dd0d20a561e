// What the city calls its classes, departments and services, from the definitions in force. Until they are
// here, and where one is missing, the code itself is made readable.

import { readable } from "./format";

export interface Name {
  /** In English, as the rest of the page. */
  text: string;
  /** As the city writes it; the code where it has no name. */
  own: string;
}

const LONGEST_MS = 3_000;
const names = new Map<string, Name>();

/** The name of a class, a department or a service. */
export const nameOf = (code: string): Name => names.get(code) ?? { text: readable(code), own: code };

/** Take names from what `/v1/classes` or `/v1/departments` answered. */
export function takeNames(answer: unknown): void {
  if (typeof answer !== "object" || answer === null) return;
  for (const list of Object.values(answer)) {
    if (!Array.isArray(list)) continue;
    for (const item of list as unknown[]) {
      const { code, name, name_en: english } = (item ?? {}) as Record<string, unknown>;
      if (typeof code === "string" && typeof name === "string" && typeof english === "string") {
        names.set(code, { text: english, own: name });
      }
    }
  }
}

/** Ask the server for all names; a failure leaves the readable codes. */
export async function loadNames(): Promise<void> {
  await Promise.all(
    ["/v1/classes", "/v1/departments", "/v1/services"].map(async (path) => {
      try {
        const answer = await fetch(path, { signal: AbortSignal.timeout(LONGEST_MS) });
        if (answer.ok) takeNames(await answer.json());
      } catch {
        // The feed says that the server is away; names are no reason to say it twice.
      }
    }),
  );
}
