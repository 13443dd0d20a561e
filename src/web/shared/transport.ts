// Every request of every client goes through here: stories put answers of their own in its place.

export type Transport = (request: Request) => Promise<Response>;

let transport: Transport = (request) => fetch(request);

/** Send a request to the server, or to what stands in for it. */
export function send(request: Request): Promise<Response> {
  return transport(request);
}

/** For stories and tests: let `other` answer everything. */
export function replaceTransport(other: Transport): void {
  transport = other;
}
