import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/", component: () => import("./screens/StartScreen.vue") },
  { path: "/applications/:id?", component: () => import("./applications/ApplicationsScreen.vue") },
  { path: "/cases/:id?", component: () => import("./cases/CasesScreen.vue") },
  { path: "/parking/:id?", component: () => import("./parking/ParkingScreen.vue") },
  { path: "/approvals/:id?", component: () => import("./approvals/ApprovalsScreen.vue") },
  { path: "/faces/:id?", component: () => import("./faces/FacesScreen.vue") },
  { path: "/signals/:id?", component: () => import("./signals/SignalsScreen.vue") },
];
