import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/", component: () => import("./screens/StartScreen.vue") },
  { path: "/applications/:id?", component: () => import("./applications/ApplicationsScreen.vue") },
  { path: "/signals/:id?", component: () => import("./signals/SignalsScreen.vue") },
];
