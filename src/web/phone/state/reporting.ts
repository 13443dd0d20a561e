// One report that is being made: in memory until it is sent off, then kept until the city has it.

import { defineStore } from "pinia";
import { ref, shallowRef } from "vue";
import { now } from "../../shared/clock";
import { MIDDLE, type Point } from "../report/streets";
import { useSending } from "./sending";

export const useReporting = defineStore("reporting", () => {
  const photo = shallowRef<Blob | null>(null);
  const at = shallowRef<Point>(MIDDLE);
  const placed = ref(false);
  const address = ref("");
  const classCode = ref<string | null>(null);
  const more = ref("");

  /** Send it; the key leads to what becomes of it. */
  async function submit(): Promise<{ key: string; id: string | null }> {
    const body = {
      occurred_at: new Date(now()).toISOString(),
      source: "citizen",
      class_code: classCode.value,
      description: more.value.trim(),
      latitude: at.value.latitude,
      longitude: at.value.longitude,
      ...(address.value.trim() === "" ? {} : { address: address.value.trim() }),
    };
    const sending = useSending();
    const { key, outcome } = await sending.submit("report", classCode.value ?? "", body, photo.value);
    if (outcome.problem !== null && !outcome.problem.passes) throw outcome.problem;
    begin();
    return { key, id: outcome.id };
  }

  /** Another one. */
  function begin(): void {
    photo.value = null;
    placed.value = false;
    address.value = "";
    classCode.value = null;
    more.value = "";
  }

  return { photo, at, placed, address, classCode, more, submit, begin };
});
