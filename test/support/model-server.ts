import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Price, Usage } from "../../src/providers/types.ts";

/** What the server does with one request. Everything but an error answer is billed, as providers bill it. */
export type Behaviour =
  | { type: "reply"; text?: string; usage?: Partial<Usage> }
  /** Sends the reply in pieces, each only after `gate()` has resolved for it, or after `everyMs`. */
  | { type: "slow"; text?: string; gate?: (piece: number) => Promise<unknown>; everyMs?: number }
  /** Takes the request and never answers. */
  | { type: "hang" }
  /** Sends this many pieces of the reply and then nothing more. */
  | { type: "stall"; pieces: number }
  /** Takes the request and resets the connection. */
  | { type: "reset" }
  /** Resets the connection after this many pieces of the reply. */
  | { type: "truncated"; pieces: number }
  /** Ends the reply properly, after this many pieces. */
  | { type: "cut"; pieces: number }
  /** HTTP 200, and the error in the body. */
  | { type: "errorUnder200"; message?: string }
  /** The provider's own error answer. */
  | { type: "error"; status: number; message?: string; headers?: Record<string, string> }
  /** What a proxy in between says. */
  | { type: "html"; status: number; headers?: Record<string, string> }
  | { type: "missingUsage" }
  | { type: "emptyText" }
  | { type: "malformed" }
  | { type: "lengthTruncated"; text?: string }
  /** Exactly this. */
  | { type: "raw"; status?: number; headers?: Record<string, string>; body: string | Uint8Array };

export interface ModelReply {
  model: string;
  text: string;
  /** Null leaves it out. */
  usage: Usage | null;
  isTruncated: boolean;
}

/** How one provider words its answers. `pieces` are what its real server writes one at a time. */
export interface Dialect {
  path: string;
  contentType: string;
  pieces(reply: ModelReply): string[];
  error(status: number, message: string): string;
  errorUnder200(message: string): string;
  /** Where it tells of a model, which costs nothing. */
  showPath?: string;
}

export interface RecordedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
  /** The body, parsed; empty when it is no JSON object. */
  json: Record<string, unknown>;
  /** Resolves when the answer is out in full, or the connection gone. */
  closed: Promise<void>;
}

export interface ModelServer {
  url: string;
  requests: RecordedRequest[];
  /** Questions about a model, which are not among the requests. */
  shown: RecordedRequest[];
  /** What to do with the next requests, in order; then the default again. */
  script(behaviours: Behaviour[]): void;
  /** What to do when nothing is scripted; a plain reply at first. */
  otherwise(behaviour: Behaviour): void;
  /** Resolves with request number `count` (from 1) as soon as it is there. */
  request(count: number): Promise<RecordedRequest>;
  /** What the provider would put on the bill so far, at `price`. */
  billMicros(price: Price): number;
  close(): Promise<void>;
}

export interface StartOptions {
  /** 127.0.0.1 unless given; a server in a container is asked from outside of it. */
  host?: string;
  port?: number;
  /** Answers what is no call of the model, and says whether it has. */
  answer?: (request: RecordedRequest, response: ServerResponse) => boolean;
  /** What it tells of any model; it knows no such question unless given. */
  facts?: Record<string, unknown>;
  onRequest?: (request: RecordedRequest) => void;
  onConnection?: (socket: Socket) => void;
}

/** A provider's server on 127.0.0.1, at a port of its own, that does what it is told. */
export async function startModelServer(dialect: Dialect, options: StartOptions = {}): Promise<ModelServer> {
  const requests: RecordedRequest[] = [];
  const shown: RecordedRequest[] = [];
  const billed: Usage[] = [];
  const waiters: Array<{ count: number; resolve: (request: RecordedRequest) => void }> = [];
  let queue: Behaviour[] = [];
  let fallback: Behaviour = { type: "reply" };

  const server = createServer((message, response) => {
    void handle(message, response).catch(() => response.destroy());
  });
  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await record(message, response);
    if (dialect.showPath !== undefined && request.path === dialect.showPath) {
      shown.push(request);
      if (options.facts === undefined) send(response, 404, "text/plain", "404 page not found");
      else send(response, 200, "application/json", JSON.stringify(options.facts));
      return;
    }
    requests.push(request);
    options.onRequest?.(request);
    for (const waiter of waiters) if (waiter.count === requests.length) waiter.resolve(request);
    if (options.answer?.(request, response)) return;
    if (request.method !== "POST" || request.path !== dialect.path) {
      send(response, 404, "text/plain", "404 page not found");
      return;
    }
    const behaviour = queue.shift() ?? fallback;
    const usage = usageOf(request, behaviour);
    if (isBilled(behaviour)) billed.push(usage);
    await behave(dialect, behaviour, { model: String(request.json.model), usage }, response);
  }

  if (options.onConnection !== undefined) server.on("connection", options.onConnection);
  await new Promise<void>((resolve) =>
    server.listen(options.port ?? 0, options.host ?? "127.0.0.1", resolve),
  );
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    shown,
    script: (behaviours) => {
      queue = [...behaviours];
    },
    otherwise: (behaviour) => {
      fallback = behaviour;
    },
    request: (count) => {
      const there = requests[count - 1];
      if (there !== undefined) return Promise.resolve(there);
      return new Promise((resolve) => waiters.push({ count, resolve }));
    },
    billMicros: (price) => Math.ceil(billed.reduce((sum, usage) => sum + exactCost(usage, price), 0)),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function record(message: IncomingMessage, response: ServerResponse): Promise<RecordedRequest> {
  const closed = new Promise<void>((resolve) => response.once("close", resolve));
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk);
  const body = Buffer.concat(chunks).toString("utf8");
  const { method = "", url = "", headers } = message;
  return { method, path: url, headers, body, json: parsed(body), closed };
}

function parsed(body: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(body) };
  } catch {
    return {};
  }
}

async function behave(
  dialect: Dialect,
  behaviour: Behaviour,
  call: { model: string; usage: Usage },
  response: ServerResponse,
): Promise<void> {
  const pieces = () =>
    dialect.pieces({
      ...call,
      usage: behaviour.type === "missingUsage" ? null : call.usage,
      text: textOf(behaviour),
      isTruncated: behaviour.type === "lengthTruncated",
    });
  switch (behaviour.type) {
    case "hang":
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "error":
      return send(
        response,
        behaviour.status,
        "application/json",
        dialect.error(behaviour.status, behaviour.message ?? "scripted error"),
        behaviour.headers,
      );
    case "html": {
      const page = `<html><head><title>${behaviour.status}</title></head><body><h1>${behaviour.status}</h1></body></html>`;
      return send(response, behaviour.status, "text/html", page, behaviour.headers);
    }
    case "errorUnder200":
      return send(
        response,
        200,
        dialect.contentType,
        dialect.errorUnder200(behaviour.message ?? "scripted error"),
      );
    case "malformed":
      return send(response, 200, dialect.contentType, '{"choices": [{"message": {"content": "half a');
    case "raw":
      return send(response, behaviour.status ?? 200, dialect.contentType, behaviour.body, behaviour.headers);
    default:
      return stream(dialect.contentType, pieces(), behaviour, response);
  }
}

/** Writes the pieces one by one, each flushed on its own, as far as the behaviour lets it. */
async function stream(
  contentType: string,
  pieces: string[],
  behaviour: Behaviour,
  response: ServerResponse,
): Promise<void> {
  response.writeHead(200, { "content-type": contentType });
  response.flushHeaders();
  for (const [index, piece] of pieces.entries()) {
    if ("pieces" in behaviour && index >= behaviour.pieces) break;
    if (behaviour.type === "slow") await pause(behaviour, index);
    if (response.destroyed) return;
    await new Promise<void>((resolve) => response.write(piece, () => resolve()));
  }
  if (behaviour.type === "stall") return;
  if (behaviour.type === "truncated") response.socket?.resetAndDestroy();
  else response.end();
}

async function pause(behaviour: Behaviour & { type: "slow" }, piece: number): Promise<void> {
  await behaviour.gate?.(piece);
  const { everyMs } = behaviour;
  if (everyMs !== undefined) await new Promise((resolve) => setTimeout(resolve, everyMs));
}

function send(
  response: ServerResponse,
  status: number,
  contentType: string,
  body: string | Uint8Array,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { "content-type": contentType, ...headers });
  response.end(body);
}

function textOf(behaviour: Behaviour): string {
  if (behaviour.type === "emptyText") return "";
  return ("text" in behaviour ? behaviour.text : undefined) ?? "A short summary of the item.";
}

/** Four bytes a token, unless the script says otherwise. */
function usageOf(request: RecordedRequest, behaviour: Behaviour): Usage {
  return {
    inputTokens: Math.ceil(Buffer.byteLength(request.body) / 4),
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    outputTokens: Math.ceil(Buffer.byteLength(textOf(behaviour)) / 4),
    ...(behaviour.type === "reply" ? behaviour.usage : {}),
  };
}

/** An error answer costs nothing. Whatever got lost on the way was worked on, and is billed. */
function isBilled(behaviour: Behaviour): boolean {
  if (behaviour.type === "html") return behaviour.status >= 500;
  return behaviour.type !== "error" && behaviour.type !== "raw";
}

/** Not `costMicros` of src/: a bill that came from the code under test would agree with it in every mistake. */
function exactCost(usage: Usage, price: Price): number {
  const input = usage.inputTokens * price.input;
  const cache = usage.cacheReadTokens * price.cacheRead + usage.cacheWriteTokens * price.cacheWrite;
  return input + cache + usage.outputTokens * price.output;
}
