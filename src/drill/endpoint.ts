import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import * as v from "valibot";
import { assert } from "../lib/errors.ts";

/** What the endpoint does with one question. */
export type Behaviour =
  | { type: "answer" }
  /** The provider's own error answer. */
  | { type: "refuse"; status: number }
  /** Begins an answer and goes no further, so that the call stays in flight. */
  | { type: "hold" };

/** One question that arrived, counted before anything is made of it. */
export interface Asked {
  model: string;
  /** The whole request, which is the same bytes when the same thing is asked twice. */
  body: string;
  /** The limit that it sends; a server that does not keep to it is refused from then on. */
  outputTokensMax: number;
  /** True once the connection is gone or the answer is out. */
  isOver: boolean;
}

/** A page that is served besides, and how often it was asked for. */
export interface Page {
  status: number;
  contentType: string;
  content: string;
  count: number;
}

/**
 * A model on 127.0.0.1 that counts what it is asked. It speaks as much of Ollama's POST /api/chat
 * (https://docs.ollama.com/api/chat) as a provider needs. Each answer bills the bytes of its request as input tokens.
 */
export interface Endpoint {
  url: string;
  asked: Asked[];
  /** Called for each question; a plain answer until a drill says something else. */
  behave(behaviour: (asked: Asked) => Behaviour | Promise<Behaviour>): void;
  /** Serves `content` at this path. */
  serve(path: string, page: Omit<Page, "count">): Page;
  close(): Promise<void>;
}

const BODY_BYTES_MAX = 4 * 1024 * 1024;

const Unlimited = v.optional(v.number(), Number.POSITIVE_INFINITY);
const Question = v.object({
  model: v.string(),
  options: v.optional(v.object({ num_predict: Unlimited }), {}),
});

export async function startEndpoint(): Promise<Endpoint> {
  const asked: Asked[] = [];
  const pages = new Map<string, Page>();
  let behaviour: Parameters<Endpoint["behave"]>[0] = () => ({ type: "answer" });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readAll(request);
    const path = request.url ?? "";
    if (request.method === "GET") return respond(response, pages.get(path));
    if (request.method !== "POST" || path !== "/api/chat") return respond(response, undefined);
    const { model, options } = v.parse(Question, JSON.parse(body));
    const question: Asked = { model, body, outputTokensMax: options.num_predict, isOver: false };
    asked.push(question);
    response.once("close", () => {
      question.isOver = true;
    });
    answer(response, question, await behaviour(question));
  }

  const server = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => response.destroy(asError(error)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  assert(typeof address === "object" && address !== null, "the endpoint of a drill has no port");
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    behave(next) {
      behaviour = next;
    },
    serve(path, page) {
      const counted = { ...page, count: 0 };
      pages.set(path, counted);
      return counted;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function readAll(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Error(`a request of more than ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function respond(response: ServerResponse, page: Page | undefined): void {
  if (page === undefined) {
    response.writeHead(404, { "content-type": "text/plain" }).end("404 page not found");
    return;
  }
  page.count += 1;
  response.writeHead(page.status, { "content-type": page.contentType }).end(page.content);
}

function answer(response: ServerResponse, question: Asked, behaviour: Behaviour): void {
  if (behaviour.type === "refuse") {
    response.writeHead(behaviour.status, { "content-type": "application/json" });
    response.end(JSON.stringify({ error: "refused on purpose, for a drill" }));
    return;
  }
  response.writeHead(200, { "content-type": "application/x-ndjson" });
  const head = { model: question.model, message: { role: "assistant", content: "An answer of the drill." } };
  response.write(`${JSON.stringify({ ...head, done: false })}\n`);
  if (behaviour.type === "hold") return;
  const usage = {
    prompt_eval_count: Buffer.byteLength(question.body),
    eval_count: Math.min(6, question.outputTokensMax),
  };
  const last = { ...head, message: { role: "assistant", content: "" }, done: true, done_reason: "stop" };
  response.end(`${JSON.stringify({ ...last, ...usage })}\n`);
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** An address on 127.0.0.1 where nothing listens: its port was free a moment ago. */
export async function unusedUrl(): Promise<string> {
  const { url, close } = await startEndpoint();
  await close();
  return url;
}
