import { onTestFinished } from "vitest";
import type { GatewayConfig, ModelsConfig } from "../../src/config/config.ts";
import { type ModelEndpoint, startModelEndpoint } from "../../src/faults/model-endpoint.ts";
import type { ProtocolName } from "../../src/faults/model-protocols.ts";
import type { Caller } from "../../src/gateway/caller.ts";
import { type Gateway, openGateway } from "../../src/gateway/gateway.ts";
import type { Rails } from "../../src/rails/rails.ts";
import { chainConfig, PRICES } from "../providers/chain-config.ts";
import { testRails } from "../support/rails.ts";
import type { RailsOptions } from "../support/rails-on.ts";

/** The key of the client that every test gateway knows. */
export const KEY = "test-key-of-the-laptop";

export interface GatewayTestOptions extends RailsOptions {
  /** Which servers there are; all three unless given. */
  servers?: readonly ProtocolName[];
  gateway?: Partial<GatewayConfig>;
  models?: Partial<ModelsConfig>;
  caller?: Partial<Caller>;
}

const DEFAULTS: GatewayConfig = {
  listen: null,
  tls: null,
  isBehindProxy: false,
  maxOutputTokens: 1_000,
  timeoutMs: 60_000,
  onDisconnect: "finish",
  replays: true,
  models: null,
  clients: [],
};

/** A gateway on real rails before scripted providers; all of it goes away with the test. */
export async function testGateway(options: GatewayTestOptions = {}) {
  const rails = await testRails(options);
  const servers = await startServers(options.servers ?? ["openai", "anthropic", "ollama"]);
  const urls = Object.fromEntries(Object.entries(servers).map(([name, { url }]) => [name, url]));
  const models = chainConfig(["openai/test"], urls, options.models);
  const gateway: GatewayConfig = { ...DEFAULTS, ...options.gateway };
  const opened = await openTestGateway(rails, { gateway, models }, options.caller);
  return { rails, servers, models, gateway, url: opened.url, opened };
}

/** A client of that name, who may use all there is. */
export function clientOn(rails: Rails, name: string): Caller {
  return {
    title: `client ${name}`,
    scope: { tick: null, job: null, client: name },
    models: null,
    allow: new Set(),
    runner: null,
    recorded: null,
    log: rails.log,
    signal: null,
  };
}

/** The same on rails that are there. */
export async function openTestGateway(
  rails: Rails,
  config: { gateway: GatewayConfig; models: ModelsConfig },
  caller: Partial<Caller> = {},
): Promise<Gateway> {
  const known = { ...clientOn(rails, "laptop"), ...caller };
  const opened = await openGateway({
    rails,
    config: () => config,
    listen: { host: "127.0.0.1", port: 0 },
    tls: null,
    findCaller: async (key) => (key === KEY ? known : null),
  });
  onTestFinished(() => opened.close());
  return opened;
}

async function startServers(names: readonly ProtocolName[]): Promise<Record<ProtocolName, ModelEndpoint>> {
  const started = await Promise.all(
    names.map(async (name) => {
      const server = await startModelEndpoint(name);
      onTestFinished(() => server.close());
      return [name, server] as const;
    }),
  );
  return Object.fromEntries(started) as Record<ProtocolName, ModelEndpoint>;
}

/** A request in each protocol that has one plain turn. */
export const TURNS = {
  chat: {
    path: "/v1/chat/completions",
    server: "openai",
    body: { messages: [{ role: "user", content: "hi" }] },
  },
  responses: { path: "/v1/responses", server: "openai", body: { input: "hi" } },
  completions: { path: "/v1/completions", server: "openai", body: { prompt: "hi" } },
  messages: {
    path: "/v1/messages",
    server: "anthropic",
    body: { max_tokens: 100, messages: [{ role: "user", content: "hi" }] },
  },
  ollamaChat: { path: "/api/chat", server: "ollama", body: { messages: [{ role: "user", content: "hi" }] } },
  ollamaGenerate: { path: "/api/generate", server: "ollama", body: { prompt: "hi" } },
} as const satisfies Record<string, { path: string; server: ProtocolName; body: object }>;

export type TurnName = keyof typeof TURNS;

/** Sends one turn to a gateway as a client would. */
export function turn(
  url: string,
  name: TurnName,
  more: object = {},
  headers: Record<string, string> = {},
  signal?: AbortSignal,
) {
  const { path, body } = TURNS[name];
  return fetch(url + path, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${KEY}`, ...headers },
    body: JSON.stringify({ model: "test", ...body, ...more }),
    ...(signal && { signal }),
  });
}

/** The entries of the ledger, in their order; those of calls that were answered are settled some milliseconds later. */
export async function entriesOf(rails: Rails) {
  for (let looks = 0; looks < 50 && rails.watch.inFlight() > 0; looks++)
    await new Promise((resolve) => setTimeout(resolve, 1));
  return await rails.store.db.selectFrom("ledger").selectAll().orderBy("id").execute();
}

export { PRICES };
