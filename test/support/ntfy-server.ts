import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

interface NtfyMessage {
  id: string;
  time: number;
  event: "message";
  topic: string;
  message: string;
  title?: string;
  actions?: { action: string; label: string; url: string; method: string; body: string; clear: boolean }[];
  attachment?: object;
}

/** What goes wrong with the next subscription, or the next message that is published. */
export interface NtfyTrouble {
  at: "subscribe" | "publish";
  how: "hang" | "reset" | "garbage" | "silent" | { status: number; headers?: Record<string, string> };
}

const MESSAGE_BYTES_MAX = 4_096;
const ACTIONS_MAX = 3;

/**
 * An ntfy server as documented (https://docs.ntfy.sh/subscribe/api/, /publish/) on 127.0.0.1: topics with a cache, streams with
 * `open`, `keepalive` and `message` events, `since` by id or age, `poll`, JSON publishing with at most three actions.
 */
export async function ntfyServer(options: { token?: string; keepaliveMs?: number } = {}) {
  const cache: NtfyMessage[] = [];
  const streams = new Set<{ topic: string; response: ServerResponse }>();
  const troubles: NtfyTrouble[] = [];
  const subscriptions: URL[] = [];
  let count = 0;
  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const [topic = "", format = ""] = url.pathname.split("/").filter((part) => part !== "");
    const isSubscription = request.method === "GET" && format === "json";
    const at = isSubscription ? "subscribe" : "publish";
    const index = troubles.findIndex((each) => each.at === at);
    if (index >= 0) return fail(troubles.splice(index, 1)[0]!.how, response);
    if (options.token !== undefined && !isAllowed(request, url, options.token))
      return refuse(response, 403, 40301, "forbidden");
    if (isSubscription) return subscribe(topic, url, response);
    if (request.method !== "POST" && request.method !== "PUT")
      return refuse(response, 404, 40401, "page not found");
    const body = await bodyOf(request);
    if (topic !== "") return accept({ topic, message: body.toString() }, response);
    const json = JSON.parse(body.toString()) as Omit<NtfyMessage, "id" | "time" | "event">;
    if ((json.actions?.length ?? 0) > ACTIONS_MAX)
      return refuse(response, 400, 40018, "invalid request: actions invalid; only 3 actions allowed");
    accept(json, response);
  }

  function accept(content: Omit<NtfyMessage, "id" | "time" | "event">, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(publish(content)));
  }

  function publish(
    content: { topic: string; message: string; time?: number } & Partial<NtfyMessage>,
  ): NtfyMessage {
    const isLong = Buffer.byteLength(content.message) > MESSAGE_BYTES_MAX;
    count += 1;
    const message: NtfyMessage = {
      id: `m${String(count).padStart(11, "0")}`,
      time: seconds(),
      event: "message",
      ...content,
      // The server makes a file of it.
      ...(isLong && {
        message: "You received a file: attachment.txt",
        attachment: { name: "attachment.txt" },
      }),
    };
    cache.push(message);
    for (const { topic, response: stream } of streams)
      if (topic === message.topic) stream.write(`${JSON.stringify(message)}\n`);
    return message;
  }

  function subscribe(topic: string, url: URL, response: ServerResponse): void {
    subscriptions.push(url);
    response.writeHead(200, { "content-type": "application/x-ndjson; charset=utf-8" });
    const isPoll = url.searchParams.get("poll") === "1";
    const event = (name: string) =>
      response.write(`${JSON.stringify({ id: `e${count}`, time: seconds(), event: name, topic })}\n`);
    if (!isPoll) event("open");
    for (const message of since(topic, url.searchParams.get("since")))
      response.write(`${JSON.stringify(message)}\n`);
    if (isPoll) return void response.end();
    const stream = { topic, response };
    streams.add(stream);
    const timer = setInterval(() => event("keepalive"), options.keepaliveMs ?? 45_000);
    response.on("close", () => {
      clearInterval(timer);
      streams.delete(stream);
    });
  }

  /** By the id of a message, or by its age; an id that is not known any more gives all there is. */
  function since(topic: string, from: string | null): NtfyMessage[] {
    const all = cache.filter((message) => message.topic === topic);
    if (from === null) return [];
    const [, hours] = /^(\d+)h$/.exec(from) ?? [];
    if (hours !== undefined) return all.filter(({ time }) => time >= seconds() - Number(hours) * 3_600);
    const index = all.findIndex(({ id }) => id === from);
    return index < 0 ? all : all.slice(index + 1);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    troubles,
    subscriptions,
    cache,
    publish,
    streams: () => streams.size,
    of: (topic: string) => cache.filter((message) => message.topic === topic),
    /** Ends every stream, as a restart of the server does. */
    drop() {
      for (const { response } of streams) response.destroy();
    },
  };
}

function isAllowed(request: IncomingMessage, url: URL, token: string): boolean {
  const auth = url.searchParams.get("auth");
  const header = auth === null ? request.headers.authorization : Buffer.from(auth, "base64url").toString();
  return header === `Bearer ${token}`;
}

function fail(how: NtfyTrouble["how"], response: ServerResponse): void {
  if (how === "hang") return;
  if (how === "reset") response.socket?.resetAndDestroy();
  else if (how === "garbage") response.writeHead(200).end(`<html>\n{"id":5}\nnull\n${"x".repeat(200_000)}\n`);
  else if (how === "silent") response.writeHead(200).flushHeaders();
  else
    response
      .writeHead(how.status, { "content-type": "application/json", ...how.headers })
      .end(JSON.stringify({ code: how.status * 100 + 1, http: how.status, error: "limit reached" }));
}

function refuse(response: ServerResponse, http: number, code: number, text: string): void {
  response
    .writeHead(http, { "content-type": "application/json" })
    .end(JSON.stringify({ code, http, error: text }));
}

async function bodyOf(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}
