import type { ServerResponse } from "node:http";
import { systemClock } from "../lib/clock.ts";
import type { View } from "./view.ts";

/** Server-sent events: each says only that there is something new to ask for. */
export interface Live {
  /** Takes an answer over for as long as its client listens; false when there are enough of them. */
  add(response: ServerResponse): boolean;
  clients(): number;
  close(): void;
}

const CLIENTS_MAX = 16;
const POLL_MS = 1_000;
/** A silent line is cut by what stands between, and the page's clock must not stand still: late is news too. */
const KEEPALIVE_EVERY = 15;
const CHANGE_EVERY = 30;
/** A client that does not read is let go before its unread lines are more than this. */
const UNREAD_BYTES_MAX = 4_096;

/** Watches the state while somebody listens, and writes to all of them when it changed. */
export function createLive(view: Pick<View, "version">): Live {
  const clients = new Set<ServerResponse>();
  const closed = new AbortController();
  let isWatching = false;

  function send(event: "change" | "keepalive"): void {
    for (const client of clients) {
      if (client.writableLength > UNREAD_BYTES_MAX) client.destroy();
      else client.write(`event: ${event}\ndata:\n\n`);
    }
  }

  /** In real time, whatever clock the rest is given; only while somebody listens. */
  async function watch(): Promise<void> {
    isWatching = true;
    let version = view.version();
    for (let polls = 1; clients.size > 0 && !closed.signal.aborted; polls++) {
      // The sleep rejects when the server closes.
      await systemClock.sleep(POLL_MS, closed.signal).catch(() => undefined);
      if (closed.signal.aborted) break;
      const current = view.version();
      if (current !== version || polls % CHANGE_EVERY === 0) send("change");
      else if (polls % KEEPALIVE_EVERY === 0) send("keepalive");
      version = current;
    }
    isWatching = false;
  }

  return {
    add(response) {
      if (clients.size >= CLIENTS_MAX || closed.signal.aborted) return false;
      clients.add(response);
      response.once("close", () => clients.delete(response));
      response.write("retry: 5000\n\n");
      if (!isWatching) void watch();
      return true;
    },
    clients: () => clients.size,
    close() {
      closed.abort();
      for (const client of clients) client.end();
    },
  };
}
