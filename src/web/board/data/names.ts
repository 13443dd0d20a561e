// What the city calls its classes, departments and services: from the definitions in force.

import { defineStore } from "pinia";
import { shallowRef } from "vue";
import { api, ask } from "../../shared/api";
import { inWords, known, t } from "../../shared/i18n";

export interface Named {
  code: string;
  name: string;
  name_en: string;
}

/** Departments that hold records, and no street: the board's own words say what they are called. */
function codeOf(code: string): string {
  const key = `department.${code}`;
  return known(key) ? t(key) : code;
}

export const useNames = defineStore("board-names", () => {
  const names = shallowRef<ReadonlyMap<string, Named>>(new Map());

  /** In the page's language; the code itself where it has no name. */
  function nameOf(code: string | null): string {
    const found = code === null ? undefined : names.value.get(code);
    if (found === undefined) return code === null ? "–" : codeOf(code);
    return inWords(found.name, found.name_en);
  }

  /** Ask for all names; what does not come leaves codes, as the board says by itself when the server is away. */
  async function load(): Promise<void> {
    const lists = await Promise.allSettled([
      ask(api.GET("/v1/classes")).then((found) => found.classes),
      ask(api.GET("/v1/departments")).then((found) => found.departments),
      ask(api.GET("/v1/services")).then((found) => found.services),
    ]);
    const found = lists.flatMap((list): readonly Named[] => (list.status === "fulfilled" ? list.value : []));
    names.value = new Map(found.map((each) => [each.code, each]));
  }

  return { names, nameOf, load };
});
