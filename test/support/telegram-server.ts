import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** What goes wrong with the next request of a method; any method unless stated. */
export interface Trouble {
  method?: string;
  how: "hang" | "reset" | "garbage" | "huge" | "empty" | { status: number; body: object };
}

export interface SentMessage {
  chat_id: string;
  text: string;
  reply_markup?: { keyboard: { text: string }[][] };
}

type Reply = (status: number, content: object) => void;
type Update = Record<string, unknown> & { update_id: number };

/** Of the bot that the server knows. */
export const TOKEN = "7000000001:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc";
/** The private chat of the bot's owner. */
export const CHAT = 424242;

/**
 * The Bot API as documented (https://core.telegram.org/bots/api), as far as polling and sending go, on 127.0.0.1: an update is
 * there until a request with a higher offset confirms it, a second poll ends the first one with 409, and so does a webhook.
 */
export async function telegramServer(options: { port?: number } = {}) {
  let updates: Update[] = [];
  let nextUpdate = 100;
  let nextMessage = 1;
  let webhook = "";
  let allowed: string[] = [];
  let polling: { end(status: number, body: object): void; look(): void } | null = null;
  const troubles: Trouble[] = [];
  const sent: SentMessage[] = [];
  const calls: { method: string; body: Record<string, unknown>; at: number }[] = [];
  let isRepeating = false;

  const server = createServer((request, response) => {
    void answer(request, response);
  });

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, token, method = ""] = /^\/bot([^/]+)\/(\w+)/.exec(request.url ?? "") ?? [];
    const body = await bodyOf(request);
    calls.push({ method, body, at: Date.now() });
    const index = troubles.findIndex((each) => each.method === undefined || each.method === method);
    if (index >= 0) return fail(troubles.splice(index, 1)[0]!, response);
    const reply = (status: number, content: object) => {
      if (!response.headersSent)
        response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(content));
    };
    if (token !== TOKEN) return reply(401, error(401, "Unauthorized"));
    const ok = (result: unknown) => reply(200, { ok: true, result });
    if (method === "getMe")
      return ok({ id: 7000000001, is_bot: true, first_name: "afk", username: "afk_test_bot" });
    if (method === "getWebhookInfo") return ok({ url: webhook, pending_update_count: updates.length });
    if (method === "deleteWebhook") {
      webhook = "";
      return ok(true);
    }
    if (method === "sendMessage") return send(body as unknown as SentMessage, reply);
    if (method === "getUpdates" && webhook !== "") return refuseForWebhook(reply);
    if (method === "getUpdates") return poll(body, response, reply);
    return reply(404, error(404, "Not Found"));
  }

  function send(message: SentMessage, reply: Reply): void {
    const isRefused = message.text === "" || message.text.length > 4_096;
    if (!isRefused) sent.push(message);
    if (isRefused) reply(400, error(400, "Bad Request: message is too long"));
    else
      reply(200, {
        ok: true,
        result: {
          message_id: nextMessage++,
          date: seconds(),
          chat: { id: Number(message.chat_id) },
          text: message.text,
        },
      });
  }

  function refuseForWebhook(reply: Reply): void {
    reply(
      409,
      error(
        409,
        "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
      ),
    );
  }

  function poll(body: Record<string, unknown>, response: ServerResponse, reply: Reply): void {
    polling?.end(
      409,
      error(
        409,
        "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running",
      ),
    );
    if (Array.isArray(body.allowed_updates)) allowed = body.allowed_updates;
    const offset = typeof body.offset === "number" ? body.offset : 0;
    if (!isRepeating) updates = updates.filter(({ update_id }) => update_id >= offset);
    const limit = typeof body.limit === "number" ? body.limit : 100;
    const timer = setTimeout(
      () => mine.end(200, { ok: true, result: [] }),
      Number(body.timeout ?? 0) * 1_000,
    );
    const mine = {
      end(status: number, content: object) {
        clearTimeout(timer);
        if (polling === mine) polling = null;
        reply(status, content);
      },
      look() {
        if (updates.length > 0) mine.end(200, { ok: true, result: updates.slice(0, limit) });
      },
    };
    polling = mine;
    response.on("close", () => {
      clearTimeout(timer);
      if (polling === mine) polling = null;
    });
    mine.look();
  }

  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve));
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  onTestFinished(close);
  const { port } = server.address() as AddressInfo;

  function push(kind: string, content: Record<string, unknown>): Update {
    const update = { update_id: nextUpdate++, [kind]: content };
    if (allowed.length === 0 || allowed.includes(kind)) updates.push(update);
    polling?.look();
    return update;
  }

  function message(text: string, changes: Record<string, unknown> = {}): Record<string, unknown> {
    return {
      message_id: nextMessage++,
      date: seconds(),
      chat: { id: CHAT, type: "private" },
      from: { id: CHAT, is_bot: false, first_name: "Owner" },
      text,
      ...changes,
    };
  }

  return {
    /** As `url:` of an alert channel of this bot. */
    url: `http://127.0.0.1:${port}/bot${TOKEN}/sendMessage`,
    port,
    sent,
    calls,
    troubles,
    close,
    push,
    message,
    /** What the owner types in the private chat; `changes` go over the message. */
    type: (text: string, changes?: Record<string, unknown>) => push("message", message(text, changes)),
    texts: () => sent.map(({ text }) => text),
    setWebhook(url: string) {
      webhook = url;
    },
    /** From now on confirmations are lost, and every update comes again and again. */
    repeat(on: boolean) {
      isRepeating = on;
    },
    waiting: () => updates.length,
    isPolled: () => polling !== null,
    /** Puts what waits into another order. */
    shuffle() {
      updates.reverse();
    },
  };
}

export type TelegramServer = Awaited<ReturnType<typeof telegramServer>>;

function fail({ how }: Trouble, response: ServerResponse): void {
  if (how === "hang") return;
  if (how === "reset") response.socket?.resetAndDestroy();
  else if (how === "garbage") response.writeHead(200).end("<html>Please log in</html>");
  else if (how === "empty") response.writeHead(200).end();
  else if (how === "huge")
    response.writeHead(200).end(`{"ok":true,"result":[{"update_id":100,"x":"${"x".repeat(3_000_000)}"}]}`);
  else response.writeHead(how.status, { "content-type": "application/json" }).end(JSON.stringify(how.body));
}

/** As the API answers what it refuses. */
export function error(code: number, description: string, parameters?: object): object {
  return { ok: false, error_code: code, description, ...(parameters && { parameters }) };
}

async function bodyOf(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? {} : (JSON.parse(text) as Record<string, unknown>);
}

function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}
