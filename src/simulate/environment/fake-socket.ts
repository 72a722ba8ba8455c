import { Duplex } from "node:stream";
import { assert } from "../../lib/errors.ts";

/** One HTTP request as it arrived, whole. */
export interface Asked {
  method: string;
  url: URL;
  headers: Record<string, string>;
  body: string;
}

/** What is sent back, `afterMs` after the request, and how the connection ends then; a server that hangs leaves it open. */
export interface Reply {
  afterMs: number;
  bytes: string;
  ending: "close" | "reset" | "hang";
}

/** What is at the other end of a connection. */
export interface Server {
  /** Called once for a connection, with the whole request. */
  answer(asked: Asked): Reply;
  /** Rings after true time. */
  after(ms: number, ring: () => void): void;
}

/** No request of the agent is longer. */
const REQUEST_BYTES_MAX = 8 * 1024 * 1024;

/**
 * The agent's end of a connection that leads to `server` and to nothing outside. It stands in for `net.Socket` and
 * `tls.TLSSocket` under the HTTP clients, which send their bytes and read their answers as ever.
 */
export class FakeSocket extends Duplex {
  connecting = true;
  readonly encrypted: boolean;
  readonly authorized = true;
  readonly alpnProtocol = false;
  bytesRead = 0;
  bytesWritten = 0;
  readonly #origin: string;
  readonly #server: Server;
  #received = Buffer.alloc(0);
  #isAsked = false;

  constructor(origin: string, server: Server) {
    super({ allowHalfOpen: false });
    this.#origin = origin;
    this.#server = server;
    this.encrypted = origin.startsWith("https:");
  }

  /** The connection stands. */
  connected(): void {
    if (this.destroyed) return;
    this.connecting = false;
    this.emit("connect");
    this.emit("ready");
    if (this.encrypted) this.emit("secureConnect");
  }

  override _read(): void {
    return;
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.bytesWritten += chunk.byteLength;
    this.#received = Buffer.concat([this.#received, chunk]);
    done();
    if (this.#received.length > REQUEST_BYTES_MAX) this.destroy(new Error("a request without end"));
    else if (!this.#isAsked) this.#parse();
  }

  setKeepAlive(): this {
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setTimeout(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  #parse(): void {
    const end = this.#received.indexOf("\r\n\r\n");
    if (end === -1) return;
    const [first = "", ...lines] = this.#received.subarray(0, end).toString("latin1").split("\r\n");
    const headers = Object.fromEntries(
      lines.map((line) => {
        const colon = line.indexOf(":");
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
      }),
    );
    const body = bodyOf(this.#received.subarray(end + 4), headers);
    if (body === null) return;
    this.#isAsked = true;
    const [method = "", path = ""] = first.split(" ");
    const reply = this.#server.answer({ method, url: new URL(path, this.#origin), headers, body });
    this.#send(reply);
  }

  #send({ afterMs, bytes, ending }: Reply): void {
    const send = () => {
      if (this.destroyed) return;
      this.bytesRead += Buffer.byteLength(bytes);
      if (bytes !== "") this.push(Buffer.from(bytes));
      if (ending === "close") this.push(null);
      else if (ending === "reset") this.destroy(failure("ECONNRESET", "read ECONNRESET"));
    };
    // Never within the write that asks, of which the client has yet to take note.
    if (afterMs <= 0) setImmediate(send);
    else this.#server.after(afterMs, send);
  }
}

/** An error of the system, as sockets give it. */
export function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Null until all of it is there. */
function bodyOf(bytes: Buffer, headers: Record<string, string>): string | null {
  assert(headers["transfer-encoding"] === undefined, "a request in a simulation has no stated length");
  const length = Number(headers["content-length"] ?? 0);
  return bytes.length < length ? null : bytes.subarray(0, length).toString("utf8");
}
