// What this window reads of the API. All of it is recorded by the server, for the purpose chosen here.

import { defineStore } from "pinia";
import { ref } from "vue";
import { api, ask, type Model } from "../shared/api";
import type { StoredEvent } from "./logic/entries";

export type Purpose = "audit" | "review" | "complaint" | "support";
export const PURPOSES: readonly Purpose[] = ["audit", "review", "complaint", "support"];
export const PAGE = 500;

/** For what one reads, and which stream was open last. */
export const useReading = defineStore("reading", () => {
  const purpose = ref<Purpose>("audit");
  const stream = ref<string | null>(null);
  return { purpose, stream };
});

export type Events = Model<"StoredEvents">;
export type StreamState = Model<"StreamState">;

/** A page of a stream's events behind a version. */
export function streamPage(streamId: string, after = 0): Promise<Events> {
  const query = { after, limit: PAGE, purpose: useReading().purpose };
  return ask(api.GET("/v1/streams/{stream_id}/events", { params: { path: { stream_id: streamId }, query } }));
}

/** The state of a stream at one of its versions. */
export function stateAt(streamId: string, version: number): Promise<StreamState> {
  const query = { version, purpose: useReading().purpose };
  return ask(api.GET("/v1/streams/{stream_id}/state", { params: { path: { stream_id: streamId }, query } }));
}

export interface Wanted {
  after?: number;
  limit?: number;
  category?: string;
  correlation?: string;
  since?: string;
}

/** A page of the log. */
export function logPage(wanted: Wanted): Promise<Events> {
  const query = { limit: 100, ...wanted, purpose: useReading().purpose };
  return ask(api.GET("/v1/events", { params: { query } }));
}

/** The event at a position; null where the log has not come to it. */
export async function eventAt(position: number): Promise<StoredEvent | null> {
  const { events } = await logPage({ after: position - 1, limit: 1 });
  return events[0]?.position === position ? events[0] : null;
}
