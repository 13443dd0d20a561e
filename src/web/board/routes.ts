import type { RouteRecordRaw } from "vue-router";

export const routes: RouteRecordRaw[] = [
  { path: "/", component: () => import("./screens/OverviewPage.vue") },
  { path: "/applications", component: () => import("./screens/ApplicationsPage.vue") },
  { path: "/parking", component: () => import("./screens/ParkingPage.vue") },
  { path: "/signals", component: () => import("./screens/SignalsPage.vue") },
  { path: "/inspection", component: () => import("./screens/InspectionPage.vue") },
  { path: "/system", component: () => import("./screens/SystemPage.vue") },
  { path: "/:rest(.*)*", redirect: "/" },
];
