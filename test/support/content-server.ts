import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface ContentRequest {
  method: string;
  /** Path with query, as it was sent. */
  path: string;
  headers: IncomingHttpHeaders;
}

/** Text is a 200 with that body; an object is that answer; a function does as it likes. */
export type Route = string | CannedAnswer | ((request: ContentRequest, response: ServerResponse) => void);

export interface CannedAnswer {
  status?: number;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

export interface ContentServer {
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  origin: string;
  port: number;
  requests: ContentRequest[];
  /** Connections accepted, whether or not a request came through them. */
  connections(): number;
  /** Paths of the requests in order, without those for robots.txt. */
  paths(): string[];
  /** Routes by path without query; may be changed at any time. */
  routes: Record<string, Route>;
}

/** A scripted web site on 127.0.0.1; what has no route, robots.txt included, is 404. Closed when the test ends. */
export async function contentServer(routes: Record<string, Route> = {}): Promise<ContentServer> {
  const requests: ContentRequest[] = [];
  let connections = 0;
  const server = createServer((incoming, response) => {
    const request = { method: incoming.method ?? "", path: incoming.url ?? "", headers: incoming.headers };
    requests.push(request);
    const route = site.routes[request.path.replace(/\?.*$/s, "")];
    if (typeof route === "function") return route(request, response);
    const {
      status = 200,
      headers = {},
      body = "",
    } = typeof route === "string" ? { body: route } : (route ?? { status: 404 });
    response.writeHead(status, headers).end(body);
  });
  server.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  const site: ContentServer = {
    origin: `http://127.0.0.1:${port}`,
    port,
    requests,
    connections: () => connections,
    paths: () => requests.map((request) => request.path).filter((path) => path !== "/robots.txt"),
    routes,
  };
  return site;
}
