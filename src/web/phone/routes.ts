import type { RouteRecordRaw } from "vue-router";
import HomeScreen from "./screens/HomeScreen.vue";

const service = "/services/:code";
const application = "/applications/:id";

export const routes: RouteRecordRaw[] = [
  { path: "/", component: HomeScreen, meta: { title: "home.title", tab: true } },
  { path: "/services", component: () => import("./screens/ServicesScreen.vue"), meta: { title: "services.title", tab: true } },
  { path: "/mine", component: () => import("./screens/MineScreen.vue"), meta: { title: "mine.title", tab: true } },
  { path: "/me", component: () => import("./screens/MeScreen.vue"), meta: { title: "me.title", tab: true } },
  { path: service, component: () => import("./screens/ServiceScreen.vue"), meta: { title: "start.title" } },
  { path: `${service}/form`, component: () => import("./screens/FormScreen.vue"), meta: { title: "form.title" } },
  { path: `${service}/consent`, component: () => import("./screens/ConsentScreen.vue"), meta: { title: "consent.title" } },
  { path: `${service}/check`, component: () => import("./screens/CheckScreen.vue"), meta: { title: "check.title" } },
  { path: `${service}/face`, component: () => import("./screens/FaceScreen.vue"), meta: { title: "face.title" } },
  { path: `${service}/ways`, component: () => import("./screens/WaysScreen.vue"), meta: { title: "ways.title" } },
  { path: `${service}/code`, component: () => import("./screens/CodeScreen.vue"), meta: { title: "code.title" } },
  { path: "/sent/:key", component: () => import("./screens/SentScreen.vue"), meta: { title: "sent.title" } },
  { path: application, component: () => import("./screens/ApplicationScreen.vue"), meta: { title: "run.title" } },
  { path: `${application}/appeal`, component: () => import("./screens/AppealScreen.vue"), meta: { title: "appeal.title" } },
  { path: `${application}/receipt`, component: () => import("./screens/ReceiptScreen.vue"), meta: { title: "receipt.title" } },
  { path: "/reads", component: () => import("./screens/ReadsScreen.vue"), meta: { title: "reads.title" } },
  { path: "/reads/one", component: () => import("./screens/ReadScreen.vue"), meta: { title: "reads.one" } },
  { path: "/face", component: () => import("./screens/MyFaceScreen.vue"), meta: { title: "myface.title" } },
  { path: "/report", component: () => import("./screens/ReportPhotoScreen.vue"), meta: { title: "report.photo" } },
  { path: "/report/place", component: () => import("./screens/ReportPlaceScreen.vue"), meta: { title: "report.where" } },
  { path: "/report/what", component: () => import("./screens/ReportWhatScreen.vue"), meta: { title: "report.what" } },
  { path: "/cases/:id", component: () => import("./screens/CaseScreen.vue"), meta: { title: "report.title" } },
  { path: "/parking", component: () => import("./screens/ParkingScreen.vue"), meta: { title: "parking.title" } },
  { path: "/parking/reserve", component: () => import("./screens/ReserveScreen.vue"), meta: { title: "reserve.title" } },
  { path: "/parking/price", component: () => import("./screens/PriceScreen.vue"), meta: { title: "parking.priceTitle" } },
  { path: "/parking/sessions/:id", component: () => import("./screens/ParkedScreen.vue"), meta: { title: "parking.title" } },
  { path: "/parking/sessions/:id/dispute", component: () => import("./screens/DisputeScreen.vue"), meta: { title: "dispute.title" } },
  { path: "/plates", component: () => import("./screens/PlatesScreen.vue"), meta: { title: "plates.title" } },
  { path: "/:rest(.*)", component: () => import("./screens/NoScreen.vue"), meta: { title: "common.notFound", tab: true } },
];
