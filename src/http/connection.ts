import { connect as connectPlain, type LookupFunction, type Socket } from "node:net";
import { connect as connectSecure } from "node:tls";
import { after } from "../lib/clock.ts";

/** Where a connection goes, and its bounds. */
export interface ConnectionRequest {
  /** A name, or an address without brackets. A certificate must be for it. */
  host: string;
  port: number;
  /** Whether it begins with TLS. */
  isTls: boolean;
  /** Gives the addresses of a name, those alone that may be connected to. */
  lookup: LookupFunction;
  /** Ends the connection whenever it aborts. */
  signal: AbortSignal;
  /** Until the connection stands, the TLS handshake included. */
  connectTimeoutMs: number;
  /** The connection ends with an error once more than this has come from the server. */
  bytesMax: number;
}

/** A connection that stands. Disposing of it closes it. */
export interface Connection extends Disposable {
  socket: Socket;
  /** Goes on with TLS on a connection that began without; `onSecure` is called once the certificate was accepted. */
  startTls(onSecure: () => void): Socket;
}

/**
 * Connects to a server that speaks another protocol than HTTP; a library for that protocol is given the connection and opens none.
 * @throws what the system, the TLS library or `lookup` says; the signal's reason.
 */
export async function openConnection(request: ConnectionRequest): Promise<Connection> {
  const { host, port, signal, isTls, lookup } = request;
  signal.throwIfAborted();
  const socket = isTls
    ? connectSecure({ host, port, lookup, ...serverName(host) })
    : connectPlain({ host, port, lookup });
  const opened = [socket];
  bound(socket, request.bytesMax);
  const end = () => {
    for (const each of opened) each.destroy(asError(signal.reason));
  };
  signal.addEventListener("abort", end, { once: true });
  const close = () => {
    signal.removeEventListener("abort", end);
    for (const each of opened) each.destroy();
  };
  try {
    await connected(socket, request);
  } catch (error) {
    close();
    signal.throwIfAborted();
    throw error;
  }
  return {
    socket,
    startTls(onSecure) {
      const secure = connectSecure({ socket, host, ...serverName(host) }, onSecure);
      opened.unshift(secure);
      return bound(secure, request.bytesMax);
    },
    [Symbol.dispose]: close,
  };
}

/** An address is no server name (RFC 6066, section 3). */
function serverName(host: string): { servername?: string } {
  return /^[\d.]+$|:/.test(host) ? {} : { servername: host };
}

function connected(socket: Socket, { isTls, connectTimeoutMs }: ConnectionRequest): Promise<void> {
  return new Promise((resolve, reject) => {
    const endLimit = after(connectTimeoutMs, () =>
      socket.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)),
    );
    const fail = (error: Error) => {
      endLimit();
      reject(error);
    };
    socket.once("error", fail);
    socket.once("close", () => fail(new Error("the connection was closed before it stood")));
    socket.once(isTls ? "secureConnect" : "connect", () => {
      endLimit();
      socket.off("error", fail);
      // It stays: an error that comes when nobody waits would else end the process.
      socket.on("error", () => undefined);
      resolve();
    });
  });
}

/** The only place that sees what comes without reading it. */
function bound<T extends Socket>(socket: T, bytesMax: number): T {
  let bytes = 0;
  const push = socket.push;
  socket.push = (chunk: Buffer | null, encoding) => {
    bytes += chunk?.byteLength ?? 0;
    if (bytes > bytesMax)
      socket.destroy(new Error(`the server sent more than ${bytesMax} bytes over one connection`));
    return push.call(socket, chunk, encoding);
  };
  return socket;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
