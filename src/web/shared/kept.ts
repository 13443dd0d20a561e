// What the phone keeps of somebody until the city has it (`phone/state/kept.ts`) goes when they sign
// out, in whichever client of this browser that is.

export const KEPT_IN = "citybrain-phone";
const STORE = "waiting";

/** Nothing of this person waits here any more; what is another's stays. */
export async function forgetKeptOf(subject: string): Promise<void> {
  if (!("indexedDB" in globalThis)) return;
  const known = await indexedDB.databases();
  if (!known.some(({ name }) => name === KEPT_IN)) return;
  const { openDB } = await import("idb");
  const db = await openDB(KEPT_IN);
  try {
    const kept = db.transaction(STORE, "readwrite");
    for (let at = await kept.store.openCursor(); at !== null; at = await at.continue()) {
      if ((at.value as { subject: string }).subject === subject) await at.delete();
    }
    await kept.done;
  } finally {
    db.close();
  }
}
