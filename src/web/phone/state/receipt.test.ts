import { expect, it } from "vitest";
import { certificate, keys } from "../told/certificate";
import { certificateIn, isSigned } from "./receipt";

it("reads what a certificate says", () => {
  expect(certificateIn(certificate.signed)).toMatchObject({
    number: certificate.certificate_id,
    amountFen: 2951939,
    outcome: "paid",
    simulated: true,
  });
});

it("knows a certificate that the city has signed from one that was changed", async () => {
  expect(await isSigned(certificate.signed, keys.keys)).toBe(true);
  const [head, body, signature] = certificate.signed.split(".");
  const forged = [head, `${body?.slice(0, -2)}${body?.endsWith("Q") ? "A" : "Q"}x`, signature].join(".");
  expect(await isSigned(forged, keys.keys)).toBe(false);
  expect(await isSigned(certificate.signed, [])).toBe(false);
});
