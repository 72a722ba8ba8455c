import type { Server } from "node:http";
import type { GatewayConfig, ModelsConfig } from "../config/config.ts";
import type { Socket } from "../http/local-port.ts";
import { createPool } from "../http/pool.ts";
import { messageOf } from "../lib/errors.ts";
import type { Rails } from "../rails/rails.ts";
import type { FindCaller } from "./caller.ts";
import { createModelBook, type ModelBook } from "./models.ts";
import { createMemory } from "./receive.ts";
import { createRefusedLog } from "./refused-log.ts";
import { createRepeats } from "./repeats.ts";
import { answerRequest } from "./requests.ts";
import { closeServer, createGatewayServer, listen } from "./server.ts";
import { createTally } from "./tally.ts";
import { createWaiting } from "./waiting.ts";

/** What a gateway is opened with. */
export interface GatewayOptions {
  rails: Rails;
  /** As it stands now; read for each request. */
  config: () => { gateway: GatewayConfig; models: ModelsConfig };
  /** Port 0 takes any that is free. */
  listen: { host: string; port: number };
  /** PEM texts; null speaks plain HTTP. */
  tls: { cert: string; key: string } | null;
  findCaller: FindCaller;
}

/** A gateway while it listens. */
export interface Gateway {
  /** `http://127.0.0.1:4236` */
  url: string;
  /** Serves a connection that was made elsewhere than where it listens. */
  accept(connection: Socket): void;
  /** Requests that are being answered, for whoever waits for them. */
  inFlight(): number;
  /** Takes no more requests, ends what is under way, and resolves when nothing of it is left. */
  close(): Promise<void>;
}

/** So long may a call that was told to end take, before its connection is closed over it. */
const CLOSE_MS = 2_000;

/**
 * Listens for clients and relays what passes the gates.
 * @throws AfkError (`gateway_unavailable`) when it cannot listen there.
 */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { rails, config } = options;
  const pool = createPool();
  const underWay = new Set<Promise<void>>();
  const closing = new AbortController();
  let book: { of: ModelsConfig; and: GatewayConfig; made: ModelBook } | null = null;
  const tools = {
    rails,
    config,
    pool,
    waiting: createWaiting(),
    resets: new Map<string, number | null>(),
    repeats: createRepeats(() => rails.clock.nowMs()),
    memory: createMemory(),
    findCaller: options.findCaller,
    noteRefused: createRefusedLog(rails.clock),
    tally: createTally(rails),
    closing: closing.signal,
    book(): ModelBook {
      const { models, gateway } = config();
      if (book?.of !== models || book.and !== gateway)
        book = { of: models, and: gateway, made: createModelBook({ models, gateway }) };
      return book.made;
    },
  };
  const server: Server = createGatewayServer(options.tls, (request, response) => {
    const answered = answerRequest(tools, request, response).catch((error: unknown) => {
      rails.log.event("error", "gateway_error", { error: messageOf(error) });
      response.destroy();
    });
    underWay.add(answered);
    void answered.then(() => underWay.delete(answered));
  });
  const url = await listen(server, options);
  return {
    url,
    accept: (connection) => void server.emit("connection", connection),
    inFlight: () => underWay.size,
    async close() {
      closing.abort(new Error("the gateway is closing"));
      await closeServer(server, () => Promise.all(underWay), CLOSE_MS);
      pool.close();
      await Promise.all(underWay);
      await tools.tally.close();
    },
  };
}
