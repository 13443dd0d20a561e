import type { SameWords } from "../shared/i18n";
import type zh from "./zh";

export default {
  title: "City board",
} satisfies SameWords<typeof zh>;
