declare module "*.vue" {
  import type { DefineComponent } from "vue";
  const component: DefineComponent<object, object, unknown>;
  export default component;
}

/** A file of words in traditional characters, made from the simplified ones in the build. */
declare module "*?hant" {
  const words: import("./shared/i18n").Words;
  export default words;
}

/** How names of the API become traditional: characters in pairs, and runs that are exceptions. */
declare module "virtual:hant-names" {
  export const pairs: string;
  export const runs: Readonly<Record<string, string>>;
}

declare module "opencc-js/cn2t" {
  export { Converter } from "opencc-js";
}
