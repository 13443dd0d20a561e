// How large a picture's room is, in board units: 16 are a rem, so that texts have one size on all walls.

import { onBeforeUnmount, onMounted, ref, type Ref } from "vue";

export interface Size {
  width: Ref<number>;
  height: Ref<number>;
}

/** Pixels of a rem. */
export const rem = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;

/** Follows an element's size; 0 until it is there. */
export function useSize(element: Ref<HTMLElement | null>): Size {
  const width = ref(0);
  const height = ref(0);
  let observer: ResizeObserver | null = null;
  onMounted(() => {
    if (element.value === null) return;
    observer = new ResizeObserver(([entry]) => {
      if (entry === undefined) return;
      width.value = Math.round((entry.contentRect.width / rem()) * 16);
      height.value = Math.round((entry.contentRect.height / rem()) * 16);
    });
    observer.observe(element.value);
  });
  onBeforeUnmount(() => observer?.disconnect());
  return { width, height };
}

/** Whether the window is a wall of several screens beside each other: wider than three to one. */
export function useWall(): Ref<boolean> {
  const query = matchMedia("(min-aspect-ratio: 3/1)");
  const wall = ref(query.matches);
  const look = (): void => void (wall.value = query.matches);
  query.addEventListener("change", look);
  onBeforeUnmount(() => query.removeEventListener("change", look));
  return wall;
}
