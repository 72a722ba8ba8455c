import { EventEmitter, once } from "node:events";
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { text } from "node:stream/consumers";
import { systemClock } from "../lib/clock.ts";
import { assert } from "../lib/errors.ts";
import { type Answer, answerOf, type Behaviour, isBilled, usageOf } from "./model-answers.ts";
import { type BillLine, billMicros, type PriceList } from "./model-bill.ts";
import { PROTOCOLS, type ProtocolName } from "./model-protocols.ts";
import type { WireFormat } from "./wire/format.ts";

/** One request that arrived, recorded before anything is made of it. */
export interface RecordedRequest {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  /** The same bytes when the same thing is asked twice. */
  body: string;
  /** The body, parsed; empty when it is no JSON object. */
  json: Record<string, unknown>;
  /** True once the answer is out in full, or the connection gone. */
  isOver: boolean;
  /** Resolves when `isOver` becomes true. */
  closed: Promise<void>;
}

/** A page that is served besides, and how often it was asked for. */
export interface Page {
  status: number;
  contentType: string;
  content: string;
  count: number;
}

/** A provider's server on 127.0.0.1 that counts what it is asked, keeps a bill, and does what it is told. */
export type ModelEndpoint = Awaited<ReturnType<typeof startModelEndpoint>>;

/** What is done with a request. */
type Reaction = Behaviour | ((request: RecordedRequest) => Behaviour | Promise<Behaviour>);

const MISSING = [404, "text/plain", "404 page not found"] as const;

/** How an endpoint differs from the usual one. */
interface EndpointOptions {
  /** 127.0.0.1 unless given; a server in a container is asked from outside of it. */
  host?: string;
  /** A free one unless given. */
  port?: number;
  /** Input is counted by; 4 unless given. */
  bytesPerToken?: number;
  /** Answers what is no call of the model, and says whether it has. */
  answer?: (request: RecordedRequest, response: ServerResponse) => boolean;
  /** What it tells of any model; it knows no such question unless given. */
  facts?: Record<string, unknown>;
  /** What it lists; it has no list unless given. */
  models?: readonly string[];
  /** What it does when the client hangs up in mid-stream: it writes and bills all of the reply, unless "stop" is given. */
  onHangUp?: "finish" | "stop";
  onRequest?: (request: RecordedRequest) => void;
  onConnection?: (socket: Duplex) => void;
}

/** Starts the endpoint. The address to configure is `url`, for OpenAI's protocol with `/v1`. */
export async function startModelEndpoint(name: ProtocolName, options: EndpointOptions = {}) {
  const protocol = PROTOCOLS[name];
  const requests: RecordedRequest[] = [];
  const shown: RecordedRequest[] = [];
  const bill: BillLine[] = [];
  const pages = new Map<string, Page>();
  const arrivals = new EventEmitter().setMaxListeners(0);
  let queue: Behaviour[] = [];
  let fallback: Reaction = { type: "reply" };

  async function handle(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await record(message, response);
    const page = request.method === "GET" ? pages.get(request.path) : undefined;
    if (page !== undefined) {
      page.count += 1;
      return send(response, page.status, page.contentType, page.content);
    }
    const path = request.path.replace(/\?.*$/, "");
    if (path === protocol.showPath) {
      shown.push(request);
      if (options.facts === undefined) return send(response, ...MISSING);
      return send(response, 200, "application/json", JSON.stringify(options.facts));
    }
    options.onRequest?.(request);
    if (options.answer?.(request, response)) return;
    const list =
      request.method === "GET" && options.models ? protocol.lists[path]?.(options.models) : undefined;
    if (list !== undefined) return send(response, 200, "application/json", JSON.stringify(list));
    const { model } = request.json;
    const format = request.method === "POST" ? protocol.formats[path] : undefined;
    if (typeof model === "string") (format?.isFree ? shown : requests).push(request);
    else if (format !== undefined) return void response.destroy();
    if (format === undefined || typeof model !== "string") return send(response, ...MISSING);
    await answerCall(request, response, { model, format });
  }

  async function answerCall(
    request: RecordedRequest,
    response: ServerResponse,
    { model, format }: { model: string; format: WireFormat },
  ): Promise<void> {
    if (!format.isFree) arrivals.emit("request");
    const next = format.isFree ? ({ type: "reply" } as const) : (queue.shift() ?? fallback);
    const behaviour = typeof next === "function" ? await next(request) : next;
    const usage = usageOf(request, behaviour, { ...options, ...format });
    const line: BillLine = { model, usage };
    if (!format.isFree && isBilled(behaviour)) bill.push(line);
    const answer = answerOf(protocol, behaviour, { model, asked: request.json, format, usage });
    const written = await play(answer, behaviour, { response, closed: request.closed });
    const isHungUp = answer.ending === "close" && !response.writableFinished && response.destroyed;
    if (options.onHangUp !== "stop" || !isHungUp) return;
    line.usage = { ...usage, outputTokens: Math.ceil((usage.outputTokens * written) / answer.pieces.length) };
  }

  const server = createServer((message, response) => {
    handle(message, response).catch(() => response.destroy());
  });
  if (options.onConnection !== undefined) server.on("connection", options.onConnection);
  await once(server.listen(options.port ?? 0, options.host ?? "127.0.0.1"), "listening");
  const address = server.address();
  assert(typeof address === "object" && address !== null, "the model endpoint has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    /** What names a model, counted before anything is made of it; also at addresses where nobody answers. */
    requests,
    /** Questions about a model, and about the tokens of a request. */
    shown,
    /** What was billed, in the order of arrival. */
    bill: bill as readonly BillLine[],
    /** What to do with the next requests, in order; then the default again. */
    script(behaviours: Behaviour[]) {
      queue = [...behaviours];
    },
    /** What to do when nothing is scripted; a plain reply at first. */
    otherwise(behaviour: Reaction) {
      fallback = behaviour;
    },
    /** Resolves with request number `count` (from 1) as soon as it is there. */
    async request(count: number): Promise<RecordedRequest> {
      for (;;) {
        const there = requests[count - 1];
        if (there !== undefined) return there;
        await once(arrivals, "request");
      }
    },
    /** What the provider would put on the bill so far, at these prices. */
    billMicros: (prices: PriceList) => billMicros(bill, prices),
    /** Serves `content` at this path. */
    serve(path: string, page: Omit<Page, "count">): Page {
      const counted = { ...page, count: 0 };
      pages.set(path, counted);
      return counted;
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server.close(), "close");
      server.closeAllConnections();
      await closed;
    },
  };
}

/** An address on 127.0.0.1 where nothing listens: its port was free a moment ago. */
export async function unusedUrl(): Promise<string> {
  const { url, close } = await startModelEndpoint("ollama");
  await close();
  return url;
}

async function record(message: IncomingMessage, response: ServerResponse): Promise<RecordedRequest> {
  const { method = "", url = "", headers } = message;
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const request: RecordedRequest = { method, path: url, headers, body: "", json: {}, isOver: false, closed };
  response.once("close", () => {
    request.isOver = true;
    resolve();
  });
  request.body = await text(message);
  request.json = parsed(request.body);
  return request;
}

function parsed(body: string): Record<string, unknown> {
  try {
    return { ...JSON.parse(body) };
  } catch (error) {
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Writes the pieces one by one, each flushed on its own, as far as the behaviour lets it. Gives how many were written. */
async function play(
  { head, pieces, repeated, ending }: Answer,
  { gate, everyMs }: Behaviour,
  { response, closed }: { response: ServerResponse; closed: Promise<void> },
): Promise<number> {
  const isWhole = pieces.length === 1 && repeated === null;
  if (head !== null) {
    response.writeHead(head.status, head.headers);
    if (!isWhole) response.flushHeaders();
  }
  const write = (piece: string | Uint8Array) =>
    new Promise<void>((resolve) => response.write(piece, () => resolve()));
  for (const [index, piece] of pieces.entries()) {
    if (gate !== undefined) await Promise.race([gate(index), closed]);
    if (everyMs !== undefined) await systemClock.sleep(everyMs);
    if (response.destroyed) return index;
    if (isWhole && ending === "close") {
      response.end(piece);
      return 1;
    }
    await write(piece);
  }
  for (let count = 0; repeated !== null && count < repeated.times && !response.destroyed; count++) {
    await write(repeated.piece);
    if (repeated.everyMs > 0) await systemClock.sleep(repeated.everyMs);
  }
  if (ending === "reset") response.socket?.resetAndDestroy();
  else if (ending === "close") response.end();
  return pieces.length;
}

function send(response: ServerResponse, status: number, contentType: string, body: string): void {
  response.writeHead(status, { "content-type": contentType }).end(body);
}
