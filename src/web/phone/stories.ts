import { sessionStories } from "../shared/session_stories";
import type { Story } from "../shared/stories";
import { replaceCamera } from "./face/camera";
import { empty } from "./state/kept";
import { forgetTextSize } from "./state/text_size";
import { applying } from "./told/applying";
import { drawnHead } from "./told/camera";
import { home } from "./told/home";
import { own } from "./told/own";
import { parking } from "./told/parking";
import { reports } from "./told/reports";

replaceCamera(drawnHead);
forgetTextSize();
await empty();

export const stories: readonly Story[] = [...home, ...applying, ...own, ...reports, ...parking, ...sessionStories];
