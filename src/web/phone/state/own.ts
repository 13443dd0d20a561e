// What one has oneself: applications, drafts, parked cars, as lists and as one line each.

import { defineStore } from "pinia";
import { computed, shallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { clockTime, yuan } from "../../shared/format";
import { t } from "../../shared/i18n";
import { noNetwork, Problem } from "../../shared/problems";
import { hasEnded, type Application } from "./following";
import { named } from "./names";

const MOST = 50;

export const useOwn = defineStore("own", () => {
  const applications = shallowRef<Application[] | null>(null);
  const services = shallowRef<Model<"ServiceRow">[]>([]);
  const sessions = shallowRef<Model<"ShownSession">[]>([]);
  const problem = shallowRef<Problem | null>(null);

  /** Read all of it again; what is there stays while it is read. */
  async function read(): Promise<void> {
    const query = { limit: MOST };
    try {
      const [found, catalogue] = await Promise.all([
        ask(api.GET("/v1/applications", { params: { query } })),
        ask(api.GET("/v1/services")),
      ]);
      applications.value = found.applications;
      services.value = catalogue.services;
      problem.value = null;
    } catch (error) {
      problem.value = error instanceof Problem ? error : noNetwork();
    }
    const parked = await ask(api.GET("/v1/parking/sessions", { params: { query } })).catch(() => null);
    sessions.value = parked?.sessions ?? [];
  }

  const open = computed(() => (applications.value ?? []).filter((each) => !hasEnded(each)));
  const ended = computed(() => (applications.value ?? []).filter(hasEnded));
  /** What waits longest for somebody. */
  const due = computed(() => open.value.find((each) => each.waits_for === "officer") ?? open.value[0] ?? null);

  const parkingSay = computed(() => {
    const parked = sessions.value.find((each) => each.status === "parked");
    if (parked !== undefined) return t("home.parkingNow", { time: clockTime(parked.arrived_at) });
    const owed = sessions.value.find((each) => ["claimed", "deferred", "overdue"].includes(each.status));
    return owed === undefined ? null : t("home.parkingOwes", { yuan: yuan(owed.price_fen) });
  });

  function nameOf(code: string): string {
    const found = services.value.find((each) => each.code === code);
    return found === undefined ? code : named(found);
  }

  /** Where it stands, in a few words. */
  function stateOf(application: Application): string {
    if (application.status === "paid" && application.amount_fen !== null) {
      return t("mine.paid", { yuan: yuan(application.amount_fen) });
    }
    return t(`mine.status.${application.status}`);
  }

  return { applications, open, ended, due, sessions, problem, parkingSay, read, nameOf, stateOf };
});
