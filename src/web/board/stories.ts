import type { Story } from "../shared/stories";

export const stories: readonly Story[] = [{ name: "start", path: "/" }];
