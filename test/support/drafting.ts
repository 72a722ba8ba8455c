import { createServer, type IncomingHttpHeaders, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import * as v from "valibot";
import { onTestFinished } from "vitest";
import { type Agent, openAgent } from "../../src/agent.ts";
import type { JobContext, JobKind } from "../../src/jobs/job.ts";
import { type Deployment, deployment } from "./afk.ts";
import { openTestStore } from "./store.ts";

export interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface ActionServer {
  origin: string;
  port: number;
  /** Requests that came whole. */
  received: Received[];
  connections(): number;
  /** Resolves once so many requests have come. */
  arrived(count: number): Promise<void>;
  /** What is done with each request; 201 unless changed. */
  answer: (response: ServerResponse, request: Received) => void;
}

export const hang = () => undefined;

export function answering(status: number, headers: Record<string, string> = {}): ActionServer["answer"] {
  return (response) => void response.writeHead(status, headers).end("what the server has to say");
}

/** A server on 127.0.0.1 that remembers what was asked of it; closed with the test. */
export async function actionServer(answer = answering(201)): Promise<ActionServer> {
  let connections = 0;
  let wake = Promise.withResolvers<void>();
  const http = createServer((incoming, response) => {
    let body = "";
    incoming.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    incoming.on("end", () => {
      const { method = "", url: path = "", headers } = incoming;
      const request = { method, path, headers, body };
      server.received.push(request);
      server.answer(response, request);
      wake.resolve();
      wake = Promise.withResolvers();
    });
    incoming.on("error", () => undefined);
  });
  http.on("connection", () => {
    connections += 1;
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const { port } = http.address() as AddressInfo;
  const server: ActionServer = {
    origin: `http://127.0.0.1:${port}`,
    port,
    received: [],
    connections: () => connections,
    async arrived(count) {
      while (server.received.length < count) await wake.promise;
    },
    answer,
  };
  return server;
}

/** A port of 127.0.0.1 on which nothing listens. */
export async function closedPort(): Promise<number> {
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  await new Promise((resolve) => http.close(resolve));
  return port;
}

/** A kind of job that does what a test says. */
export function jobThat(run: (context: JobContext) => unknown): JobKind {
  return {
    kind: "drafter",
    settings: v.object({}),
    async run(context) {
      await run(context);
      return { units: 1, summary: "drafted" };
    },
  };
}

const BASE = {
  agent: "test-agent",
  budget: { daily_cap_usd: 1 },
  models: { chain: ["extractive"] },
  egress: { allow: ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 600 },
};

export interface Drafted {
  agent: Agent;
  target: Deployment;
  /** In the order in which they were drafted. */
  ids: string[];
}

/** An agent whose job has run once and drafted these. `afk` can be run on its deployment too. */
export async function drafted(
  drafts: { action?: string; name?: string; content: unknown }[],
  options: { egress?: object } = {},
): Promise<Drafted> {
  const names = drafts.map(({ name }, n) => name ?? `draft ${n + 1}`);
  const kind = jobThat((context) => {
    for (const [n, { action = "post", content }] of drafts.entries())
      context.draft(names[n]!, action, content);
  });
  const { agent, target } = await agentWith(kind, options);
  await agent.tick();
  // What `afk` itself is run on: it knows no kind of ours.
  target.configure({ ...configOf(options), jobs: [] });
  const rows = await agent.rails.store.db.selectFrom("drafts").select(["id", "name"]).execute();
  return { agent, target, ids: names.map((name) => rows.find((row) => row.name === name)!.id) };
}

export async function agentWith(
  kind: JobKind,
  options: { egress?: object } = {},
): Promise<{ agent: Agent; target: Deployment }> {
  const target = deployment({
    ...configOf(options),
    jobs: [{ name: "writer", kind: "drafter", every: "1d" }],
  });
  const agent = await openAgent({
    environment: {},
    config: target.configFile,
    state: target.state,
    kinds: [kind],
    openStore: openTestStore,
  });
  onTestFinished(() => agent.close());
  return { agent, target };
}

function configOf(options: { egress?: object }) {
  return { ...BASE, egress: { ...BASE.egress, ...options.egress } };
}
