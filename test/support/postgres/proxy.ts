import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { Conversation } from "./conversation.ts";

/** Something that speaks PostgreSQL's protocol on a port of 127.0.0.1. */
export interface Target {
  port: number;
}

/** A network that fails when told to, between clients and a server. */
export interface Proxy extends AsyncDisposable {
  readonly port: number;
  /** The URL of the server, through the proxy. */
  url(direct: string): string;
  /**
   * The next statement whose text matches goes to the server; when the server has answered, the client's connection is cut
   * without the answer. Once; `happened` has the statement's text. Do not await it before the statement was sent.
   */
  dropAnswerOf(statement: RegExp): { happened: Promise<string> };
  /** Resets every connection, at both of its ends. */
  cutAll(): void;
  /** While true, a new connection is closed at once. */
  refuse(on: boolean): void;
  /** While true, connections stay open and nothing passes, not even an end: a link that is half open. */
  freeze(on: boolean): void;
  /** What passes waits so long first, each way. */
  delay(ms: number): void;
  /** Sends new connections elsewhere, as an address does that moves to another server. */
  pointAt(target: Target): void;
  /** Connections accepted so far, without those refused. */
  connections(): number;
  /** Statements seen so far: simple queries, and executions of prepared ones. */
  statements(matching?: RegExp): number;
  close(): Promise<void>;
}

export async function startProxy(first: Target): Promise<Proxy> {
  let target = first;
  let isRefusing = false;
  let delayMs = 0;
  let accepted = 0;
  let thaw: PromiseWithResolvers<void> | undefined;
  let fault: { statement: RegExp; happened: PromiseWithResolvers<string> } | undefined;
  const seen = new Map<string, number>();
  const sockets = new Set<Socket>();

  /** Whether the answer of this statement is to be dropped, which one statement's is. */
  const take = (sql: string) => {
    seen.set(sql, (seen.get(sql) ?? 0) + 1);
    const taken = fault;
    if (taken?.statement.test(sql) !== true) return undefined;
    fault = undefined;
    return () => taken.happened.resolve(sql);
  };
  const hold = async () => {
    if (delayMs > 0) await pause(delayMs);
    while (thaw !== undefined) await thaw.promise;
  };

  const listener = createServer({ noDelay: true }, (client) => {
    if (isRefusing) {
      client.destroy();
      return;
    }
    accepted += 1;
    const server = connect({ port: target.port, host: "127.0.0.1", noDelay: true });
    const cut = () => {
      for (const socket of [client, server]) {
        sockets.delete(socket);
        socket.resetAndDestroy();
      }
    };
    for (const socket of [client, server]) {
      sockets.add(socket);
      // The end of one end is the end of the other; what it was does not matter here.
      socket.on("error", cut);
    }
    const conversation = new Conversation(take, cut);
    const ends = [
      pass(client, server, hold, (chunk) => conversation.fromClient(chunk)),
      pass(server, client, hold, (chunk) => conversation.fromServer(chunk)),
    ];
    Promise.all(ends).then(() => sockets.delete(client) && sockets.delete(server), cut);
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const { port } = listener.address() as AddressInfo;
  const proxy: Proxy = {
    port,
    url: (direct) => Object.assign(new URL(direct), { port: String(port) }).href,
    dropAnswerOf(statement) {
      const happened = Promise.withResolvers<string>();
      fault = { statement, happened };
      return { happened: happened.promise };
    },
    cutAll() {
      for (const socket of sockets) socket.resetAndDestroy();
      sockets.clear();
    },
    refuse(on) {
      isRefusing = on;
    },
    freeze(on) {
      if (on) thaw ??= Promise.withResolvers<void>();
      else {
        thaw?.resolve();
        thaw = undefined;
      }
    },
    delay(ms) {
      delayMs = ms;
    },
    pointAt(next) {
      target = next;
    },
    connections: () => accepted,
    statements: (matching) =>
      [...seen].reduce((sum, [sql, times]) => sum + (matching?.test(sql) === false ? 0 : times), 0),
    async close() {
      proxy.cutAll();
      proxy.freeze(false);
      if (!listener.listening) return;
      listener.close();
      await once(listener, "close");
    },
    [Symbol.asyncDispose]: () => proxy.close(),
  };
  return proxy;
}

/** Passes on what one end sends, as `look` leaves it, and then its end. */
async function pass(
  from: Socket,
  to: Socket,
  hold: () => Promise<void>,
  look: (chunk: Buffer) => Buffer,
): Promise<void> {
  for await (const chunk of from) {
    await hold();
    const passed = look(chunk);
    if (passed.length > 0 && !to.write(passed)) await once(to, "drain");
  }
  await hold();
  to.end();
}
