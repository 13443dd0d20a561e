import type { SameWords } from "../shared/i18n";
import applying from "./words/applying.en";
import departments from "./words/departments.en";
import home from "./words/home.en";
import own from "./words/own.en";
import type zh from "./zh";

export default { ...home, ...applying, ...own, departments } satisfies SameWords<typeof zh>;
