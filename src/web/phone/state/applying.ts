// One application that is being prepared: the service, what was filled in, how one is identified.
// What was filled in stays in this tab until it is sent: signing in leaves the page and comes back.
// Somebody else does not find it, and signing out forgets it.

import { defineStore } from "pinia";
import { ref, shallowRef, watch } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { useSession } from "../../shared/session";
import { forgetHalf, halfOf, keepHalf, type FormValue, type Way } from "./half";
import { useSending } from "./sending";

export type { FormValue, Way } from "./half";

export const useApplying = defineStore("applying", () => {
  const details = shallowRef<Model<"ServiceDetails"> | null>(null);
  const form = ref<Record<string, FormValue>>({});
  const way = ref<Way>("face");
  /** The draft that this goes on with. */
  const draft = ref<string | null>(null);
  /** Made-up people apply as made-up people. */
  const simulated = ref(false);

  let face: Model<"CitizenAnswer"> | null = null;

  const subject = (): string | null => useSession().person?.subject ?? null;

  /** The service, fetched once while it is the same; a draft brings what was filled in elsewhere. */
  async function open(code: string, draft_id: string | null = null): Promise<Model<"ServiceDetails">> {
    const known = details.value?.item.code === code;
    if (known && details.value !== null && (draft_id === null || draft_id === draft.value)) return details.value;
    const found = known && details.value !== null ? details.value : await ask(api.GET("/v1/services/{code}", { params: { path: { code } } }));
    const half = halfOf(code, subject());
    form.value = half?.form ?? {};
    way.value = half?.way ?? "face";
    draft.value = half?.draft ?? null;
    if (draft_id !== null && draft_id !== draft.value) await goOn(draft_id);
    details.value = found;
    return found;
  }

  /** Take a draft over from where it was begun: a kiosk, a counter, the web. */
  async function goOn(draft_id: string): Promise<void> {
    const path = { draft_id };
    const begun = await ask(api.GET("/v1/drafts/{draft_id}", { params: { path } }));
    if (begun.channel !== "app") {
      const params = { path, header: { "Idempotency-Key": crypto.randomUUID() } };
      await ask(api.POST("/v1/drafts/{draft_id}/continuation", { params, body: { channel: "app" } }));
    }
    form.value = begun.form as Record<string, FormValue>;
    draft.value = draft_id;
  }

  watch(
    [form, way, draft],
    () => {
      if (details.value !== null) keepHalf({ service: details.value.item.code, subject: subject(), form: form.value, way: way.value, draft: draft.value });
    },
    { deep: true },
  );

  /** Send it; the key leads to what becomes of it. */
  async function submit(): Promise<{ key: string; id: string | null }> {
    const code = details.value?.item.code ?? "";
    const body = { service: code, channel: "app", form: { ...form.value }, simulated: simulated.value };
    const { key, outcome } = await useSending().submit("application", code, body, null, draft.value);
    if (outcome.problem !== null && !outcome.problem.passes) throw outcome.problem;
    details.value = null; // the next one begins empty
    form.value = {};
    draft.value = null;
    forgetHalf();
    return { key, id: outcome.id };
  }

  /** Whether who applies has agreed to a face, and has one. */
  async function look(): Promise<Model<"CitizenAnswer">> {
    const citizen_id = subject() ?? "";
    return learn(await ask(api.GET("/v1/citizens/{citizen_id}", { params: { path: { citizen_id } } })));
  }

  /** It was just found, or said: the next page knows it. */
  function learn(found: Model<"CitizenAnswer">): Model<"CitizenAnswer"> {
    return (face = found);
  }

  /** The same, as a page before has found it; once. */
  async function known(): Promise<Model<"CitizenAnswer">> {
    const found = face;
    face = null;
    return found !== null && found.citizen_id === subject() ? found : look();
  }

  return { details, form, way, draft, simulated, open, submit, look, learn, known };
});
