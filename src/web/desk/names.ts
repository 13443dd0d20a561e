// What services, departments and classes are called, in the language of the page.

import { defineStore } from "pinia";
import { shallowRef } from "vue";
import { api, ask } from "../shared/api";
import { CITY_ZONE } from "../shared/format";
import { inWords, known, locale, t } from "../shared/i18n";

export interface Named {
  code: string;
  name: string;
  name_en: string;
}

type Names = ReadonlyMap<string, Named>;
const NONE: Names = new Map();

export const useNames = defineStore("names", () => {
  const services = shallowRef(NONE);
  const departments = shallowRef(NONE);
  const classes = shallowRef(NONE);
  let asked: Promise<unknown> | null = null;

  /** Ask once; codes are shown where it fails. */
  function load(): void {
    asked ??= Promise.allSettled([
      ask(api.GET("/v1/services")).then((found) => (services.value = byCode(found.services))),
      ask(api.GET("/v1/departments")).then((found) => (departments.value = byCode(found.departments))),
      ask(api.GET("/v1/classes")).then((found) => (classes.value = byCode(found.classes))),
    ]);
  }

  const inOrder = (rows: Names): Named[] => [...rows.values()].map((each) => ({ ...each, name: inWords(each.name, each.name_en) }));
  const classList = (): Named[] => inOrder(classes.value);
  const departmentList = (): Named[] => inOrder(departments.value);
  const service = (code: string): string => said(services.value, code);
  const department = (code: string): string => {
    const key = `dept.${code}`;
    return departments.value.has(code) || !known(key) ? said(departments.value, code) : t(key);
  };
  const classOf = (code: string): string => said(classes.value, code);
  return { load, service, department, classOf, classList, departmentList };
});

function byCode(rows: readonly Named[]): Names {
  return new Map(rows.map((row) => [row.code, row]));
}

function said(names: Names, code: string): string {
  const found = names.get(code);
  return found === undefined ? code : inWords(found.name, found.name_en);
}

/** What a code of a kind is called; itself where nobody has a word for it. */
export function saidBy(kind: string, code: string): string {
  return known(`${kind}.${code}`) ? t(`${kind}.${code}`) : code;
}

/** `11月30日`, `30 Nov`: where there is no room for the day of the week. */
export function dayOnly(day: string): string {
  const date = new Date(day.length === 10 ? `${day}T12:00:00+08:00` : day);
  const language = locale.value === "en" ? "en-GB" : "zh-CN";
  return new Intl.DateTimeFormat(language, { timeZone: CITY_ZONE, month: locale.value === "en" ? "short" : "long", day: "numeric" }).format(date);
}

/** `application-…2c90d7ab`: enough to tell two apart. */
export function shortId(id: string): string {
  return `…${id.slice(-8)}`;
}
