// How the board is looked at: pictures drawn or as tables with the same figures, single keys on or off.

import { defineStore } from "pinia";
import { ref, watch } from "vue";

const KEPT_AS = "citybrain-board-keys";

export const useView = defineStore("board-view", () => {
  const tables = ref(false);
  const help = ref(false);
  const keys = ref(localStorage.getItem(KEPT_AS) !== "off");
  watch(keys, (on) => localStorage.setItem(KEPT_AS, on ? "on" : "off"));
  return { tables, help, keys };
});
