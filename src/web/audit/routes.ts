import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/", component: () => import("./screens/StartScreen.vue") },
  { path: "/streams/:id", component: () => import("./screens/StreamScreen.vue") },
  { path: "/correlations/:id", component: () => import("./screens/CorrelationScreen.vue") },
  { path: "/log", component: () => import("./screens/LogScreen.vue") },
  { path: "/proof/:id?", component: () => import("./screens/ProofScreen.vue") },
  { path: "/models", component: () => import("./screens/ModelsScreen.vue") },
  { path: "/:rest(.*)*", redirect: "/" },
];
