import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Config } from "../config/config.ts";
import { type Clock, systemClock } from "../lib/clock.ts";
import { AfkError, messageOf } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { answer } from "./routes.ts";
import { SCRIPT } from "./script.ts";
import { STYLE } from "./style.ts";
import { createView, type Site } from "./view.ts";

/** What the page is served with. */
interface DashboardOptions {
  config: Config;
  version: string;
  clock: Clock;
  /** Called with what went wrong with a request; the client learns only that something did. */
  onError(message: string): void;
}

/** The page while it is served. */
interface Dashboard {
  /** `http://127.0.0.1:4235/` */
  url: string;
  /** Shows what another configuration says; where the page is served, and to whom, stays. */
  reconfigure(config: Config): void;
  close(): Promise<void>;
}

/** Nobody but a person and a scraper or two has a reason to ask, so there is little of everything. */
const LIMITS = {
  maxHeaderSize: 8_192,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
};
/** Each check wakes a process that may have nothing else to do. */
const CHECK_TIMEOUTS_MS = 5_000;
const CONNECTIONS_MAX = 64;
const SOCKET_IDLE_MS = 30_000;

const sha256 = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Exactly this style and this script, requests to this origin alone, and no place in anybody's frame. */
const CONTENT_POLICY = [
  "default-src 'none'",
  `style-src ${sha256(STYLE)}`,
  `script-src ${sha256(SCRIPT)}`,
  "connect-src 'self'",
  "img-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** On every answer, whatever it is. */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy": CONTENT_POLICY,
  "x-content-type-options": "nosniff",
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "cross-origin-resource-policy": "same-origin",
  "cross-origin-opener-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
};

/**
 * Serves the page at `dashboard.bind` and `dashboard.port`.
 * @throws AfkError (`dashboard_unavailable`) when it cannot listen there.
 */
export async function openDashboard(options: DashboardOptions): Promise<Dashboard> {
  const { config, clock } = options;
  const view = createView(options);
  const site: Site = { config, clock, view };
  const server = createServer(
    { ...LIMITS, connectionsCheckingInterval: CHECK_TIMEOUTS_MS },
    (request, response) => {
      serve(request, response, site).catch((error: unknown) => {
        options.onError(messageOf(error));
        if (response.headersSent) response.destroy();
        else response.writeHead(500, SAFE_HEADERS).end("Something went wrong; the log says what.\n");
      });
    },
  );
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(SOCKET_IDLE_MS);
  try {
    const url = await listen(server, config.dashboard);
    server.on("error", (error) => options.onError(messageOf(error)));
    return {
      url,
      reconfigure: view.reconfigure,
      async close() {
        await new Promise<void>((resolve) => {
          server.close(() => resolve());
          server.closeAllConnections();
        });
        await view.close();
      },
    };
  } catch (error) {
    await view.close();
    throw error;
  }
}

/** The page beside the work of `afk run`. A failure is logged and changes nothing else: an agent without a page works. */
export function serveDashboard({ config, version, log }: { config: Config; version: string; log: Log }): {
  reconfigure(config: Config): void;
  close(): Promise<void>;
} {
  const onError = (error: string) => log.event("error", "dashboard_error", { error });
  const opening = openDashboard({ config, version, clock: systemClock, onError }).then(
    (dashboard) => {
      log.event("info", "dashboard_started", { url: dashboard.url });
      return dashboard;
    },
    (error: unknown) => {
      log.event("warn", "dashboard_unavailable", { error: messageOf(error) });
      return null;
    },
  );
  return {
    reconfigure: (changed) => void opening.then((dashboard) => dashboard?.reconfigure(changed)),
    close: async () => (await opening)?.close(),
  };
}

/** Listens, at a free port where it is 0, and returns the page's address. */
function listen(server: Server, { port, bind: host }: Config["dashboard"]): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => {
      const message = `the page cannot be served at ${host} port ${port}: ${messageOf(error)}. It may be served there already, by afk run; else set another dashboard.port`;
      reject(new AfkError("dashboard_unavailable", message, { retry: "never", cause: error }));
    };
    server.once("error", fail);
    server.listen({ port, host, exclusive: true }, () => {
      server.removeListener("error", fail);
      const address = server.address();
      const actual = typeof address === "object" && address !== null ? address.port : port;
      resolve(`http://${host.includes(":") ? `[${host}]` : host}:${actual}/`);
    });
  });
}

async function serve(request: IncomingMessage, response: ServerResponse, site: Site): Promise<void> {
  const { status, headers, body } = await answer(request, site);
  // Nothing that was sent along is read: the connection ends with the answer.
  const close = request.method === "GET" || request.method === "HEAD" ? {} : { connection: "close" };
  const length = String(Buffer.byteLength(body));
  response.writeHead(status, { ...SAFE_HEADERS, ...headers, ...close, "content-length": length });
  response.end(request.method === "HEAD" ? undefined : body);
}
