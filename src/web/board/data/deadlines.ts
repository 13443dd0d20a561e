// Deadlines that run, by department and minutes left.

import { api, ask } from "../../shared/api";
import type { Running } from "../charts/deadlines";

const PAGE = 500;
const MOST_PAGES = 4;

/** The next 2000 at most, at a moment in milliseconds. */
export async function runningDeadlines(now: number): Promise<Running[]> {
  const found: Running[] = [];
  let after: string | null = null;
  for (let page = 0; page < MOST_PAGES; page++) {
    const query: { limit: number; after?: string } = { limit: PAGE, ...(after === null ? {} : { after }) };
    const answer = await ask(api.GET("/v1/deadlines", { params: { query } }));
    for (const { responsible, due_at } of answer.deadlines) {
      found.push({ responsible, left: (Date.parse(due_at) - now) / 60_000 });
    }
    if (answer.next === null) break;
    after = answer.next;
  }
  return found;
}
