import { dirname } from "node:path";
import type { Rule } from "./rule.ts";
import type { Import, Source } from "./source.ts";

/** From the bottom up. A file imports its own folder and what stands on a lower line. */
const LAYERS: readonly (readonly string[])[] = [
  ["lib"],
  ["http"],
  // What a channel's or a provider's entry in afk.yaml may say is part of the channel or the provider.
  ["config/fields", "rails/call"],
  ["alerts/channels", "alerts/events", "providers"],
  ["config", "store", "logs"],
  ["alerts"],
  ["queue", "rails", "egress"],
  [
    "providers/chain",
    "providers/complete-options",
    "providers/performed",
    "providers/refusals",
    "alerts/deliver",
    "jobs/containment",
    "delivery",
  ],
  ["gateway", "jobs", "ops"],
  ["evidence"],
  ["runner", "dashboard"],
  ["library-api.ts"],
  ["agent.ts"],
  ["library.ts"],
  ["faults"],
  ["drill", "simulate"],
  ["cli"],
];

const PROVIDERS = /^providers\/[\w-]+\//;
const PROVIDER_USERS = ["providers/registry.ts"];
/** The gateway reads the same figures as the providers do. */
const FIGURES = /^providers\/[\w-]+\/usage\.ts$/;
const FIGURE_READERS = /^gateway\/protocols\//;
const REGISTRY = "providers/registry.ts";
const REGISTRY_USERS = /^(providers|config|gateway)\//;
const NETWORK = /^(node:)?(https?|http2|net|tls|dgram)$|^(undici|ofetch|imapflow)(\/|$)/;
/** The library is given a connection of egress, and opens none. */
const GIVEN_CONNECTIONS = /^egress\/imap\/open-mailbox\.ts$/;
const NETWORK_USERS = /^http\//;
/** Tell an address from a name, and nothing else. */
const ADDRESS_READERS = /^egress\//;
/** The page's server, the endpoint of models and the network of a simulation answer; they have no reason to import what sends. */
const LISTENERS = /^(dashboard\/|gateway\/|(faults\/model-endpoint|simulate\/environment\/network)\.ts$)/;
const LISTENING = /^(node:)?https?$/;
/** A simulation replaces the network and the database of its thread; the oracles read the database by a connection of their own. */
const REPLACERS = /^(simulate\/environment\/|faults\/(oracles\/reader|durable-steps)\.ts$)/;
const REPLACED = /^(node:)?(net|tls)$|^undici$|^ofetch$/;
const NETWORK_GLOBALS = ["fetch", "WebSocket", "EventSource"];

export const LAYER_RULES: readonly Rule[] = [
  {
    name: "imports go downward",
    check: (source) =>
      levelOf(source.path) === -1
        ? [{ line: 1, message: "stands in no layer" }]
        : source.imports.flatMap((edge) => upward(source, edge)),
    breaks: [
      ["lib/a.ts", 'import { b } from "../config/b.ts";'],
      ["lib/a.ts", 'import type { B } from "../store/b.ts";'],
      ["lib/a.ts", 'export { b } from "../queue/b.ts";'],
      ["lib/a.ts", 'type B = import("../queue/b.ts").B;'],
      ["config/a.ts", 'const b = await import("../store/b.ts");'],
      ["rails/a.ts", 'import { b } from "../queue/b.ts";'],
      ["providers/chain.ts", 'import { b } from "../alerts/deliver.ts";'],
      ["providers/a.ts", 'import { b } from "../config/b.ts";'],
      ["alerts/outbox.ts", 'import { b } from "./deliver.ts";'],
      ["jobs/digest/a.ts", 'import { b } from "../../ops/b.ts";'],
      ["runner/a.ts", 'const b = new Worker(new URL("../cli/b.ts", import.meta.url));'],
      ["queue/a.ts", 'import { b } from "../elsewhere/b.ts";'],
      ["queue/a.ts", 'import { b } from "../../test/b.ts";'],
      ["elsewhere/a.ts", "export const a = 1;"],
      ["lib/a.ts", "await import(name);"],
    ],
    keeps: [
      ["alerts/deliver.ts", 'import { b } from "./outbox.ts";'],
      ["providers/chain.ts", 'import { b } from "../rails/b.ts"; import { c } from "./registry.ts";'],
      ["jobs/digest/a.ts", 'import { b } from "../job.ts"; import { c } from "./c.ts";'],
      [
        "cli/main.ts",
        'import { b } from "../agent.ts"; import p from "../../package.json" with { type: "json" };',
      ],
    ],
  },
  {
    name: "a raw provider is imported by the registry alone, and that by the model layer and the configuration",
    check: (source) => [
      ...(PROVIDER_USERS.includes(source.path)
        ? []
        : breaches(
            source,
            ({ target }) =>
              target !== undefined &&
              PROVIDERS.test(target) &&
              dirname(target) !== dirname(source.path) &&
              !(FIGURE_READERS.test(source.path) && FIGURES.test(target)),
          )),
      ...(REGISTRY_USERS.test(source.path) ? [] : breaches(source, ({ target }) => target === REGISTRY)),
    ],
    breaks: [
      ["providers/chain.ts", 'import { o } from "./ollama/ollama.ts";'],
      ["providers/openai/a.ts", 'import { a } from "../anthropic/anthropic.ts";'],
      ["jobs/digest/a.ts", 'import type { O } from "../../providers/openai/body.ts";'],
      ["agent.ts", 'import { a } from "./providers/anthropic/anthropic.ts";'],
      ["jobs/digest/a.ts", 'import { PROVIDER_TYPES } from "../../providers/registry.ts";'],
    ],
    keeps: [
      ["providers/registry.ts", 'import { o } from "./ollama/ollama.ts";'],
      ["providers/chain.ts", 'import { p } from "./registry.ts";'],
      ["config/models-schema.ts", 'import { p } from "../providers/registry.ts";'],
      ["jobs/digest/a.ts", 'import { p } from "../../providers/prices.ts";'],
    ],
  },
  {
    name: "only store/ opens a database",
    check: (source) =>
      source.path.startsWith("store/") || REPLACERS.test(source.path)
        ? []
        : breaches(source, ({ specifier }) => /^(better-sqlite3|node:sqlite)(\/|$)/.test(specifier)),
    breaks: [
      ["queue/a.ts", 'import Database from "better-sqlite3";'],
      ["cli/a.ts", 'import type { Database } from "better-sqlite3";'],
      ["lib/a.ts", 'import { DatabaseSync } from "node:sqlite";'],
      ["simulate/person.ts", 'import Database from "better-sqlite3";'],
    ],
    keeps: [
      ["store/open.ts", 'import Database from "better-sqlite3";'],
      ["queue/a.ts", 'import { sql } from "kysely";'],
    ],
  },
  {
    name: "only http/ reaches the network",
    check: (source) =>
      NETWORK_USERS.test(source.path)
        ? []
        : [
            ...breaches(
              source,
              ({ specifier }) =>
                NETWORK.test(specifier) &&
                !(LISTENERS.test(source.path) && LISTENING.test(specifier)) &&
                !(ADDRESS_READERS.test(source.path) && /^node:net$/.test(specifier)) &&
                !(REPLACERS.test(source.path) && REPLACED.test(specifier)) &&
                !(GIVEN_CONNECTIONS.test(source.path) && specifier === "imapflow"),
            ),
            ...source.uses
              .filter(({ name }) => NETWORK_GLOBALS.includes(name))
              .map(({ name, line }) => ({ line, message: `uses ${name}` })),
          ],
    breaks: [
      ["jobs/digest/a.ts", 'import { request } from "undici";'],
      ["jobs/sources/imap/imap.ts", 'import { ImapFlow } from "imapflow";'],
      ["egress/imap/open-mailbox.ts", 'import { connect } from "node:tls";'],
      ["jobs/digest/a.ts", 'import { request } from "node:https";'],
      ["egress/a.ts", 'import { request } from "node:http";'],
      ["providers/a.ts", 'import { connect } from "node:tls";'],
      ["alerts/a.ts", 'import { ofetch } from "ofetch";'],
      ["ops/a.ts", 'const { ofetch } = await import("ofetch");'],
      ["cli/a.ts", 'import { connect } from "net";'],
      ["lib/a.ts", 'await fetch("http://127.0.0.1");'],
      ["lib/a.ts", "const get = globalThis.fetch;"],
      ["lib/a.ts", "export const options = { client: fetch };"],
      ["lib/a.ts", 'new WebSocket("ws://127.0.0.1");'],
      ["dashboard/a.ts", 'import { request } from "node:http2";'],
      ["dashboard/a.ts", 'await fetch("http://127.0.0.1");'],
      ["dashboard/server.ts", 'import { connect } from "node:net";'],
      ["simulate/world/a.ts", 'import net from "node:net";'],
      ["simulate/environment/a.ts", 'import { request } from "node:https";'],
    ],
    keeps: [
      ["http/client.ts", 'import { request } from "node:http"; import { ofetch } from "ofetch";'],
      ["egress/address.ts", 'import { isIP } from "node:net";'],
      ["egress/imap/open-mailbox.ts", 'import { ImapFlow } from "imapflow";'],
      ["dashboard/server.ts", 'import { createServer } from "node:http";'],
      ["simulate/environment/network.ts", 'import net from "node:net"; import tls from "node:tls";'],
      ["jobs/digest/a.ts", "export const page = (egress: Egress) => egress.fetch(address);"],
      ["jobs/digest/a.ts", "export const page = (fetch: Fetch) => fetch(address);"],
    ],
  },
  {
    name: "relative imports end in .ts",
    check: (source) =>
      breaches(
        source,
        ({ specifier }) => /^\.{1,2}(\/|$)/.test(specifier) && !/\.(ts|json)$/.test(specifier),
      ),
    breaks: [
      ["lib/a.ts", 'import { b } from "./b";'],
      ["lib/a.ts", 'export { b } from "./b.js";'],
      ["lib/a.ts", 'import { b } from ".";'],
    ],
    keeps: [["lib/a.ts", 'import { b } from "./b.ts"; import { join } from "node:path";']],
  },
];

/** Paths of files that import each other in a circle, each circle once. */
export function findCycles(sources: readonly Source[]): string[][] {
  const edges = new Map(
    sources.map((source) => [source.path, source.imports.flatMap((edge) => edge.target ?? [])]),
  );
  const cycles: string[][] = [];
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start !== -1) cycles.push([...trail.slice(start), path]);
    if (start !== -1 || done.has(path)) return;
    for (const next of edges.get(path) ?? []) visit(next, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return cycles;
}

function upward(source: Source, { specifier, target, line }: Import) {
  if (specifier === "(computed)")
    return [{ line, message: "imports a name that only running it would tell" }];
  if (target === undefined || target.endsWith(".json")) return [];
  const [own, other] = [levelOf(source.path), levelOf(target)];
  if (other === -1) return [{ line, message: `imports ${target}, which stands in no layer` }];
  const isAllowed = other < own || (other === own && folderOf(source.path) === folderOf(target));
  return isAllowed ? [] : [{ line, message: `imports ${target}, which is not below it` }];
}

function levelOf(path: string): number {
  const module = path.replace(/\.ts$/, "");
  const exact = LAYERS.findIndex((layer) =>
    layer.some((name) => name.includes("/") && (module === name || path.startsWith(`${name}/`))),
  );
  return exact === -1 ? LAYERS.findIndex((layer) => layer.includes(folderOf(path))) : exact;
}

function folderOf(path: string): string {
  return path.split("/")[0] ?? path;
}

function breaches(source: Source, isBreach: (edge: Import) => boolean) {
  return source.imports
    .filter(isBreach)
    .map(({ specifier, line }) => ({ line, message: `imports ${specifier}` }));
}
