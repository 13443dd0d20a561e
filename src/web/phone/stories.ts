import { sessionStories } from "../shared/session_stories";
import type { Story } from "../shared/stories";
import { replaceCamera } from "./face/camera";
import { applying } from "./told/applying";
import { drawnHead } from "./told/camera";
import { home } from "./told/home";

replaceCamera(drawnHead);

export const stories: readonly Story[] = [...home, ...applying, ...sessionStories];
