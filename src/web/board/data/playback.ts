// The track goes on by itself from the minute looked back at: a minute of the city in a second. A timer
// runs while it plays and never else. Who wants less motion sees every fifth minute, as long each.

import { defineStore } from "pinia";
import { onScopeDispose, ref, watch } from "vue";
import { settled } from "../charts/track";
import { useStanding } from "./standing";
import { useTime } from "./time";

export const MINUTE_MS = 1000;
const CALM_MINUTES = 5;

const calm = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

export const usePlayback = defineStore("board-playback", () => {
  const time = useTime();
  const standing = useStanding();
  const playing = ref(false);
  let timer: ReturnType<typeof setInterval> | undefined;
  let step = 1;

  /** The next minute, once this one is shown; the live board ends it. */
  function goOn(): void {
    if (time.minute === null) return stop();
    const shown = standing.board;
    const here = shown?.live === false && Date.parse(shown.at) === time.minute * 60_000;
    if (here || standing.problem !== null) time.lookAt(settled(time.minute + step, time.nowMinute));
  }

  function stop(): void {
    clearInterval(timer);
    playing.value = false;
  }

  function play(): void {
    if (!time.past) return;
    stop();
    step = calm() ? CALM_MINUTES : 1;
    timer = setInterval(goOn, MINUTE_MS * step);
    playing.value = true;
  }

  const toggle = (): void => (playing.value ? stop() : play());

  /** End with the scope, and with the past. */
  function run(): void {
    watch(() => time.past, (past) => past || stop());
    onScopeDispose(stop);
  }

  return { playing, play, stop, toggle, run };
});
