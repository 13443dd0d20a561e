// An issuer that is not ours: a certified OpenID Provider, for one client, our pages, and people who are
// whoever they say. It writes its port; a line on standard input is the origin of the pages when it
// begins, and makes it sign with another key later on.
import { generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import { createInterface } from "node:readline";
import { Provider } from "oidc-provider";
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";

const LIFE_SECONDS = 600;
const pages = ["m", "board", "desk", "audit"];
const people = JSON.parse(process.argv[1]);
const keys = [];
const remembers = createMemoryAdapter(); // whatever key it signs with
let answer = (_, response) => response.writeHead(503).end();

function sign(city) {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  keys.unshift({ ...privateKey.export({ format: "jwk" }), kid: `key-${keys.length}`, alg: "ES256", use: "sig" });
  const provider = new Provider(issuer, {
    adapter: remembers,
    jwks: { keys: [...keys] },
    cookies: { keys: ["of a test"] },
    clients: [
      {
        client_id: "citybrain-pages",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: pages.map((page) => `${city}/${page}/signed-in`),
        post_logout_redirect_uris: pages.map((page) => `${city}/${page}/signed-out`),
        id_token_signed_response_alg: "ES256",
      },
    ],
    claims: { openid: ["sub", "roles", "department", "counter"] },
    conformIdTokenClaims: false, // roles are in the ID token, too
    findAccount: (_, sub) => sub in people && { accountId: sub, claims: () => ({ sub, ...people[sub] }) },
    extraTokenClaims: (_, token) => people[token.accountId],
    issueRefreshToken: () => true,
    ttl: { AccessToken: LIFE_SECONDS, IdToken: LIFE_SECONDS, Grant: 86400, Interaction: 3600, RefreshToken: 86400, Session: 86400 },
    features: {
      revocation: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => "urn:citybrain",
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: "openid",
          audience: "citybrain",
          accessTokenFormat: "jwt",
          accessTokenTTL: LIFE_SECONDS,
          jwt: { sign: { alg: "ES256" } },
        }),
      },
    },
  });
  answer = provider.callback();
}

const server = createServer((request, response) => answer(request, response));
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
console.log(issuer);
let city;
for await (const line of createInterface({ input: process.stdin })) {
  city ??= line;
  sign(city);
  console.log(keys.length);
}
server.closeAllConnections();
server.close();
