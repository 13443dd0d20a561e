import { expect, it } from "vitest";
import { traditional } from "./hant";

it("writes the city's names as they are read, and leaves the rest alone", () => {
  expect(traditional("供水过户")).toBe("供水過戶");
  expect(traditional("打开您申请中的密封内容 Z1-001")).toBe("打開您申請中的密封內容 Z1-001");
  expect(traditional("并定期复核")).toBe("並定期複核");
});
