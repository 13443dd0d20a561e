// The classes of street problems and the departments that mend them, fetched once.

import { computed, shallowRef } from "vue";
import { api, ask, type Model } from "../../shared/api";
import { named } from "./names";

type Class = Model<"ClassRow">;
const classes = shallowRef<Class[]>([]);
const departments = shallowRef<Model<"DepartmentRow">[]>([]);
let asked: Promise<void> | null = null;

async function fetched(): Promise<void> {
  try {
    const [kinds, offices] = await Promise.all([ask(api.GET("/v1/classes")), ask(api.GET("/v1/departments"))]);
    classes.value = kinds.classes;
    departments.value = offices.departments;
  } catch {
    asked = null; // they are asked for again the next time
  }
}

/** What there is to report, with names. */
export function useClasses() {
  asked ??= fetched();
  function nameOf(code: string): string {
    const found = classes.value.find((each) => each.code === code);
    return found === undefined ? code : named(found);
  }
  function departmentOf(code: string): string {
    const found = departments.value.find((each) => each.code === code);
    return found === undefined ? code : named(found);
  }
  return { classes: computed(() => classes.value), nameOf, departmentOf };
}
