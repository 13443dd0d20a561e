export default {
  title: "城市大脑",
};
