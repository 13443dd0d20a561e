// Names in the page's language: of definitions, which bring their own, and of departments.

import { fromCity, locale, t } from "../../shared/i18n";
import words from "../words/departments.zh";
import own from "../words/applying.zh";

interface Named {
  name: string;
  name_en: string;
}

interface Labelled {
  label: string;
  label_en: string;
}

/** What a service, class or area is called. */
export function named(what: Named): string {
  return locale.value === "en" ? what.name_en : fromCity(what.name);
}

/** What a field or record is called. */
export function labelled(what: Labelled): string {
  return locale.value === "en" ? what.label_en : fromCity(what.label);
}

/** What a department is called; its code where nobody has a word for it. */
export function department(code: string | null | undefined): string {
  if (!code) return "–";
  return code in words ? t(`departments.${code}`) : code;
}

/** What a document is called that an officer asks for; its kind where nobody has a word for it. */
export function documentName(kind: string): string {
  return kind in own.sentBack.documents ? t(`sentBack.documents.${kind}`) : kind;
}
