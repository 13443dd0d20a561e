import type { SameWords } from "../shared/i18n";
import type zh from "./zh";

export default {
  title: "The official's desk",
} satisfies SameWords<typeof zh>;
