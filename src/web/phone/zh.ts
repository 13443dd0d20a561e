export default {
  title: "城市服务",
};
