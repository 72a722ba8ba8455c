import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { after } from "../lib/clock.ts";

/** A client that takes nothing for this long is given up; what it paid for is still read to its end. */
const STALLED_MS = 60_000;
/** And so long again for as much as this of the rest of an answer, which goes out at once. */
const STALLED_BYTES = 1024 * 1024;
/** A larger answer is not kept for a client that asks again. */
const KEPT_BYTES_MAX = 4 * 1024 * 1024;

/** What all answers of a gateway keep in memory together; beyond `bytesMax` none keeps more. */
export interface KeptMemory {
  bytes: number;
  readonly bytesMax: number;
}

/** One answer on its way: to the client that asked, and to that client's own retries. */
export class Delivery {
  #head: { status: number; headers: OutgoingHttpHeaders } | null = null;
  #parts: Buffer[] | null = [];
  #bytes = 0;
  #state: "open" | "ended" | "broken" = "open";
  readonly #clients = new Set<ServerResponse>();
  readonly #memory: KeptMemory;
  readonly #onAbandoned: () => void;
  readonly #stalledMs: number;

  /** `onAbandoned` is called when the last client has gone before the end. */
  constructor(memory: KeptMemory, onAbandoned: () => void, stalledMs = STALLED_MS) {
    this.#memory = memory;
    this.#onAbandoned = onAbandoned;
    this.#stalledMs = stalledMs;
  }

  /** Whether anything was written: from then on an error can only be said inside of the answer. */
  get hasBegun(): boolean {
    return this.#head !== null;
  }

  get isOver(): boolean {
    return this.#state !== "open";
  }

  /** What was sent, while it is short enough to be kept; null otherwise. */
  get kept(): { status: number; headers: OutgoingHttpHeaders; body: Buffer } | null {
    return this.#head === null || this.#parts === null
      ? null
      : { ...this.#head, body: Buffer.concat(this.#parts) };
  }

  /** Whether anybody is left to get it. */
  get hasClients(): boolean {
    return this.#clients.size > 0;
  }

  /** Another client of this answer: it gets what there is of it, and then the rest. False where that is not kept. */
  attach(client: ServerResponse, more: OutgoingHttpHeaders = {}): boolean {
    if (this.#parts === null || this.#state === "broken") return false;
    if (this.#head !== null) {
      client.writeHead(this.#head.status, { ...this.#head.headers, ...more });
      for (const part of this.#parts) client.write(part);
    }
    if (this.#state === "ended") dropUnlessTaken(client.end(), this.#stalledMs);
    // One that has gone already says so to nobody any more.
    else if (!client.destroyed) {
      this.#clients.add(client);
      client.once("close", () => {
        this.#clients.delete(client);
        if (!this.isOver && !this.hasClients) this.#onAbandoned();
      });
    }
    return true;
  }

  begin(status: number, headers: OutgoingHttpHeaders): void {
    this.#head = { status, headers };
    for (const client of this.#clients) client.writeHead(status, headers).flushHeaders();
  }

  /** Null when everybody can take more; else what is to be waited for. */
  write(part: Buffer): Promise<void> | null {
    this.#keep(part);
    const full: ServerResponse[] = [];
    for (const client of this.#clients) if (!client.write(part)) full.push(client);
    return full.length === 0
      ? null
      : Promise.all(full.map((client) => drained(client, this.#stalledMs))).then(() => undefined);
  }

  end(): void {
    if (this.#state !== "open") return;
    this.#state = "ended";
    for (const client of this.#clients) dropUnlessTaken(client.end(), this.#stalledMs);
    this.#clients.clear();
  }

  /** A whole answer at once, with its length. */
  send(status: number, headers: OutgoingHttpHeaders, body: Buffer): void {
    this.#head = { status, headers: { ...headers, "content-length": body.byteLength } };
    this.#keep(body);
    this.#state = "ended";
    for (const client of this.#clients)
      dropUnlessTaken(client.writeHead(status, this.#head.headers).end(body), this.#stalledMs);
    this.#clients.clear();
  }

  /** It is nobody's answer any more: whoever asks again buys another one. */
  spoil(): void {
    this.#state = "broken";
    this.forget();
    for (const client of this.#clients) dropUnlessTaken(client.end(), this.#stalledMs);
    this.#clients.clear();
  }

  /** Keeps nothing of it any more: who asks again gets another answer. */
  forget(): void {
    if (this.#parts === null) return;
    this.#memory.bytes -= this.#bytes;
    this.#parts = null;
  }

  #keep(part: Buffer): void {
    if (this.#parts === null) return;
    this.#bytes += part.byteLength;
    this.#memory.bytes += part.byteLength;
    if (this.#bytes > KEPT_BYTES_MAX || this.#memory.bytes > this.#memory.bytesMax) this.forget();
    // A small part of what was read at once would keep all of that.
    else this.#parts.push(part.buffer.byteLength > 2 * part.byteLength ? Buffer.from(part) : part);
  }
}

/** Resolves when the client has taken what is there, has gone, or takes too long for it and is dropped. */
function drained(client: ServerResponse, stalledMs: number): Promise<void> {
  return new Promise((resolve) => {
    const cancel = after(stalledMs, () => client.destroy());
    const done = () => {
      cancel();
      client.off("drain", done).off("close", done);
      resolve();
    };
    client.once("drain", done).once("close", done);
    if (client.destroyed) done();
  });
}

/**
 * For an answer that has been ended: nobody waits any more until it is taken, and a client that never reads would keep it, and
 * its connection, for ever.
 */
export function dropUnlessTaken(client: ServerResponse, stalledMs = STALLED_MS): void {
  if (client.destroyed) return;
  const cancel = after(stalledMs * (1 + client.writableLength / STALLED_BYTES), () => client.destroy());
  client.once("close", cancel);
}
