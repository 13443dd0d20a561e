import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, test } from "vitest";
import { follow } from "./follow";
import { Problem } from "./problems";
import { useSession } from "./session";
import { replaceTransport } from "./transport";

beforeEach(() => setActivePinia(createPinia()));

function stream(text: string): Response {
  return new Response(text, { headers: { "Content-Type": "text/event-stream" } });
}

test("goes on after the last message it has, as the person it is", async () => {
  useSession().pretend({ subject: "citizen-1", roles: ["citizen"] });
  const asked: Request[] = [];
  const answers = [stream("retry: 1\nid: 7\ndata: one\n\n"), stream("id: 8\ndata: two\n\n"), new Response(null, { status: 204 })];
  replaceTransport(async (request) => {
    asked.push(request);
    return answers[asked.length - 1] as Response;
  });
  const got: string[] = [];
  const states: string[] = [];
  await follow("/live", {
    onMessage: ({ data }) => got.push(data),
    onState: (state) => states.push(state),
    signal: new AbortController().signal,
  });
  expect(got).toEqual(["one", "two"]);
  expect(states).toEqual(["live", "away", "live", "away"]);
  expect(asked.map(({ headers }) => headers.get("Last-Event-ID"))).toEqual([null, "7", "8"]);
  expect(asked[0]?.headers.get("Authorization")).toBe("Bearer story");
});

test("a refusal that does not pass ends it", async () => {
  replaceTransport(async () => Response.json({ code: "role-missing", title: "no" }, { status: 403 }));
  const following = follow("/live", { onMessage: () => undefined, signal: new AbortController().signal });
  await expect(following).rejects.toThrow(Problem);
});
