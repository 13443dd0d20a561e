// The API, typed from /openapi.json by the build (`api.gen.ts`): an answer that changes breaks it.

import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./api.gen";
import { locale } from "./i18n";
import { noNetwork, Problem, problemIn } from "./problems";
import { useSession } from "./session";
import { send } from "./transport";

/** The answer models: `Model<"CaseRow">`. */
export type Model<Name extends keyof components["schemas"]> = components["schemas"][Name];

const asSomebody: Middleware = {
  async onRequest({ request }) {
    request.headers.set("Accept-Language", locale.value);
    const token = await useSession().bearer();
    if (token !== null) request.headers.set("Authorization", `Bearer ${token}`);
    return request;
  },
  onResponse({ response }) {
    if (response.status === 401) useSession().end();
    return undefined;
  },
};

/** `await ask(api.GET("/v1/services"))`: requests carry the session's token and language. */
export const api = createClient<paths>({
  baseUrl: location.origin,
  fetch: (request) => send(request),
});
api.use(asSomebody);

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The body of a success; throws `Problem` for anything else. */
export async function ask<Data>(asked: Promise<Answer<Data>>): Promise<Data> {
  return (await askWhole(asked)).data;
}

/** Body and headers (`ETag`, `Location`) of a success; throws `Problem` for anything else. */
export async function askWhole<Data>(
  asked: Promise<Answer<Data>>,
): Promise<{ data: Data; headers: Headers }> {
  let answer: Answer<Data>;
  try {
    answer = await asked;
  } catch (error) {
    throw error instanceof Problem ? error : noNetwork();
  }
  if (!answer.response.ok) throw problemIn(answer.response, answer.error);
  return { data: answer.data as Data, headers: answer.response.headers };
}

/** The version that an `ETag` names, for `If-Match`. */
export function versionOf(headers: Headers): string {
  return headers.get("ETag") ?? "*";
}
