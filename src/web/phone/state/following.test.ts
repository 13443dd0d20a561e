import { createPinia, setActivePinia } from "pinia";
import { expect, test, vi } from "vitest";
import { effectScope } from "vue";
import { useSession } from "../../shared/session";
import { replaceTransport } from "../../shared/transport";
import { useCase } from "./following";

const step = (version: number): string =>
  `id: ${version}\nevent: step\ndata: ${JSON.stringify({ version, topic: "case.filed", recorded_at: "2026-11-25T01:00:00Z" })}\n\n`;

test("reads how a report stands once more for each new step, and ends with it", async () => {
  setActivePinia(createPinia());
  useSession().pretend({ subject: "citizen-1", roles: ["citizen"] });
  const asked: string[] = [];
  let [version, status] = [2, "filed"];
  let tell: (text: string) => void = () => undefined;
  replaceTransport(async (request) => {
    const { pathname } = new URL(request.url);
    asked.push(pathname);
    if (!pathname.endsWith("/live")) return Response.json({ version, status });
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => (tell = (text) => controller.enqueue(new TextEncoder().encode(text))),
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const scope = effectScope();
  const followed = scope.run(() => useCase("case-1"));
  const seen = (): number[] => (followed?.steps.value ?? []).map((each) => each.version);
  await vi.waitFor(() => expect(asked).toEqual(["/v1/cases/case-1", "/v1/cases/case-1/live"]));
  tell(step(1) + step(2));
  await vi.waitFor(() => expect(seen()).toEqual([1, 2]));
  expect(asked.length).toBe(2); // what was known before is not read again
  [version, status] = [3, "closed"];
  tell(step(3));
  await vi.waitFor(() => expect(followed?.thing.value?.status).toBe("closed"));
  tell('id: 3-end\nevent: end\ndata: {"status":"closed"}\n\n');
  await vi.waitFor(() => expect(asked.length).toBe(4));
  expect(asked.filter((each) => each.endsWith("/live")).length).toBe(1);
  expect(seen()).toEqual([1, 2, 3]);
  scope.stop();
});
