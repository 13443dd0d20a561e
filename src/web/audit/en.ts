import type { SameWords } from "../shared/i18n";
import type zh from "./zh";

export default {
  title: "The auditor's window",
} satisfies SameWords<typeof zh>;
