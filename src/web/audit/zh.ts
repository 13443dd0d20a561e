export default {
  title: "审计窗口",
};
