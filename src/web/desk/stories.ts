import { sessionStories } from "../shared/session_stories";
import type { Story } from "../shared/stories";

export const stories: readonly Story[] = [{ name: "start", path: "/" }, ...sessionStories];
