// A certificate that a development server has signed, and the key that it is checked with.

const SIGNED = [
  "eyJhbGciOiJFZERTQSIsImtpZCI6IjNvS0dhTWxBaGZjdGYySTNOVmdwOGV0M2E5SFJJY18yODlDbmF4",
  "Y0M2bzgiLCJ0eXAiOiJjZXJ0aWZpY2F0ZStqd3QifQ.eyJpc3MiOiJjaXR5YnJhaW4iLCJqdGkiOiJjZ",
  "XJ0aWZpY2F0ZS0wMWEyMmJhNTVkMWY3MGQ2ODg5ZjBlMTViNTQ4MTJhZC0xIiwiaWF0IjoxNzk2MDI5N",
  "jk2LCJob2xkZXIiOnsibmFtZSI6Ilx1NmEyMVx1NjRlY1x1NWUwMlx1NmMxMSIsImlkX251bWJlciI6I",
  "ioqKioqKioqKioqKioqNjAyOSJ9LCJzZXJ2aWNlIjp7ImNvZGUiOiJob3VzaW5nLWZ1bmQtcmVwYXltZ",
  "W50IiwibmFtZSI6Ilx1NTE2Y1x1N2E0ZFx1OTFkMVx1NjNkMFx1NTNkNlx1ZmYwOFx1NTExZlx1OTA4N",
  "Fx1NGY0Zlx1NjIzZlx1OGNiOFx1NmIzZVx1ZmYwOSIsIm5hbWVfZW4iOiJIb3VzaW5nIHByb3ZpZGVud",
  "CBmdW5kIHdpdGhkcmF3YWwgZm9yIHJlcGF5aW5nIGEgaG9tZSBsb2FuIn0sImRlcGFydG1lbnQiOiJob",
  "3VzaW5nLWZ1bmQiLCJpdGVtX3ZlcnNpb24iOiIyMDIwLTA2LTAxK2Q0YzEyMmZlIiwib3V0Y29tZSI6I",
  "nBhaWQiLCJhbW91bnRfZmVuIjoyOTUxOTM5LCJkZWNpZGVkX29uIjoiMjAyNi0xMS0zMCIsInNpbXVsY",
  "XRlZCI6dHJ1ZX0.YS5L5gpedIoT2EDLvb4fX6XlclWjGLZXWZ-fZ8mxKVzPScQ97b7sD8v2QFXEHaiLZ",
  "Lth6WJNG75lC1_wCrmJCQ",
].join("");

export const certificate = {
  certificate_id: "certificate-01a22ba55d1f70d6889f0e15b54812ad-1",
  issued_at: "2026-11-30T09:08:16.003467Z",
  sha256: "97414c2815de1cbcca32f775bdf27b9e94176eaa2a754916b4f931a11c5e544c",
  signed: SIGNED,
};

export const keys = {
  keys: [
    {
      x: "48a9z8Sp3ixnNI1y_Rw90OZ__AHxtssy998S5HDezic",
      kty: "OKP",
      crv: "Ed25519",
      kid: "3oKGaMlAhfctf2I3NVgp8et3a9HRIc_289CnaxcC6o8",
      use: "sig",
      alg: "EdDSA",
    },
  ],
};
