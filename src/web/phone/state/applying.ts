// One application that is being prepared: the service, what was filled in, how one is identified.
// In memory only: what was filled in is kept by the city once it is sent or saved as a draft.

import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { useSending } from "./sending";

export type Way = "face" | "code";
export type FormValue = string | number | boolean;

export const useApplying = defineStore("applying", () => {
  const details = shallowRef<Model<"ServiceDetails"> | null>(null);
  const form = ref<Record<string, FormValue>>({});
  const way = ref<Way>("face");
  /** Made-up people apply as made-up people. */
  const simulated = ref(false);

  /** The service, fetched once while it is the same. */
  async function open(code: string): Promise<Model<"ServiceDetails">> {
    if (details.value?.item.code === code) return details.value;
    const found = await ask(api.GET("/v1/services/{code}", { params: { path: { code } } }));
    details.value = found;
    form.value = {};
    way.value = "face";
    return found;
  }

  /** Send it; the key leads to what becomes of it. */
  async function submit(): Promise<{ key: string; id: string | null }> {
    const code = details.value?.item.code ?? "";
    const body = { service: code, channel: "app", form: { ...form.value }, simulated: simulated.value };
    const { key, outcome } = await useSending().submit("application", code, body);
    if (outcome.problem !== null && !outcome.problem.passes) throw outcome.problem;
    form.value = {};
    return { key, id: outcome.id };
  }

  return { details, form, way, simulated, open, submit };
});
