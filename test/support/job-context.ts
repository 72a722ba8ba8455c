import { rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import type { Egress, FetchOptions } from "../../src/egress/types.ts";
import { isDraftName, readDraft } from "../../src/jobs/actions/read-draft.ts";
import { NOTHING_HIDDEN, type View } from "../../src/jobs/containment/enclosure.ts";
import type { JobContext, RunGateway, RunProxy } from "../../src/jobs/job.ts";
import type { PrintedItem } from "../../src/jobs/printed-items.ts";
import type { Fields, Log } from "../../src/lib/log.ts";
import type { Completion, ModelRequest } from "../../src/providers/types.ts";
import { tempDir } from "./temp.ts";

/** What outlives one run: recorded steps (of one job) and seen keys (of all jobs of the name). */
export interface JobMemory {
  steps: Map<string, string>;
  seen: Set<string>;
  kept?: Map<string, string>;
}

export interface FakeJob<Settings> {
  context: JobContext<Settings>;
  memory: JobMemory;
  files: Map<string, string>;
  asked: { name: string; request: ModelRequest }[];
  events: { event: string; fields: Fields }[];
  progress: [done: number, total: number, label: string][];
  drafts: { name: string; action: string; content: unknown }[];
  /** Micro-dollars that programs said they had spent. */
  charged: number[];
  /** What marking the job done does: its keys are remembered, and the next job starts with no steps. */
  finish(): JobMemory;
}

interface Options {
  base?: string;
  repos?: string;
  name?: string;
  label?: string;
  slotMs?: number;
  timezone?: string;
  memory?: JobMemory;
  egress?: Partial<Egress>;
  gateway?: RunGateway;
  proxy?: RunProxy;
  view?: View;
  printed?: PrintedItem[];
  variables?: Record<string, string>;
  signal?: AbortSignal;
  answer?: (request: ModelRequest, name: string) => Partial<Completion>;
}

/** A job context in memory that keeps the promises of src/jobs/job.ts, with a model that says what a test tells it to. */
export function fakeJob<Settings>(settings: Settings, options: Options = {}): FakeJob<Settings> {
  const memory: JobMemory = options.memory ?? { steps: new Map(), seen: new Set() };
  const job: Omit<FakeJob<Settings>, "context"> = {
    memory,
    files: new Map(),
    asked: [],
    events: [],
    progress: [],
    drafts: [],
    charged: [],
    finish: () => ({
      steps: new Map(),
      seen: new Set([...memory.seen, ...remembered]),
      kept: new Map([...(memory.kept ?? []), ...kept]),
    }),
  };
  const remembered: string[] = [];
  const kept = new Map<string, string>();
  const log: Log = {
    event: (_level, event, fields = {}) => void job.events.push({ event, fields }),
    child: () => log,
  };
  async function step<T>(name: string, fn: () => Promise<T>): Promise<T> {
    // Through JSON, as the database keeps it: what does not survive that must not survive here.
    if (!memory.steps.has(name)) memory.steps.set(name, JSON.stringify(await fn()));
    return JSON.parse(memory.steps.get(name)!);
  }
  const context: JobContext<Settings> = {
    name: options.name ?? "digest",
    settings,
    payload: null,
    period: { slotMs: options.slotMs ?? Date.UTC(2026, 10, 21, 6), label: options.label ?? "2026-11-21" },
    variables: options.variables ?? {},
    timezone: options.timezone ?? "UTC",
    base: options.base ?? "/nowhere",
    repos: options.repos ?? "/nowhere",
    isSeen: async (keys) => new Set(keys.filter((key) => memory.seen.has(key))),
    printed: async () => options.printed ?? [],
    remember: (keys) => void remembered.push(...keys),
    recall: async (key) => memory.kept?.get(key) ?? null,
    keep: (key, value) => void kept.set(key, value),
    step,
    complete: (name, request) =>
      step(name, async () => {
        job.asked.push({ name, request });
        return { ...ANSWER, ...options.answer?.(request, name) };
      }),
    egress: { ...REFUSING, ...options.egress },
    processes: { write: async () => async () => undefined },
    view: options.view ?? NOTHING_HIDDEN,
    openProxy: async () => {
      if (options.proxy === undefined) throw new Error("this job has no proxy");
      return options.proxy;
    },
    openFolder() {
      const path = tempDir();
      return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
    },
    charge: async (costMicros) => void job.charged.push(costMicros),
    openGateway: async () => {
      if (options.gateway === undefined) throw new Error("this job has no gateway");
      return options.gateway;
    },
    publish: (name, content) => void job.files.set(name, content),
    draft(name, action, content) {
      if (!isDraftName(name) || job.drafts.some((draft) => draft.name === name))
        throw new Error(`cannot name a draft: ${name}`);
      readDraft(action, JSON.stringify(content));
      job.drafts.push({ name, action, content });
    },
    redact: (text) => text,
    signal: options.signal ?? new AbortController().signal,
    log,
    progress: (...args) => void job.progress.push(args),
  };
  return { ...job, context };
}

const ANSWER: Completion = {
  text: "One sentence. Two sentences.",
  usage: { inputTokens: 1, cacheReadTokens: 0, cacheWriteTokens: 0, outputTokens: 1 },
  model: "ollama/test",
  costMicros: 0,
  degraded: false,
};

const REFUSING: Egress = {
  fetch: (url) => Promise.reject(new Error(`nothing may be fetched in this test: ${url}`)),
  openMailbox: ({ host }) => Promise.reject(new Error(`no mailbox may be opened in this test: ${host}`)),
};

export interface LocalSite {
  egress: Pick<Egress, "fetch">;
  /** Every request that came, with its headers. */
  requests: { url: string; headers: NodeJS.Dict<string | string[]> }[];
}

/** A server on 127.0.0.1 with these pages by path and query, and an egress that asks it whatever the host is. */
export async function localSite(
  pages: Record<string, { body: string | Uint8Array; status?: number; charset?: string }>,
): Promise<LocalSite> {
  const requests: LocalSite["requests"] = [];
  const server = createServer((request, response) => {
    requests.push({ url: request.url ?? "", headers: request.headers });
    const page = pages[request.url ?? ""];
    response.writeHead(page === undefined ? 404 : (page.status ?? 200)).end(page?.body ?? "not here");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  return {
    requests,
    egress: {
      async fetch(url: string, { signal, accept, headers }: FetchOptions = {}) {
        const { pathname, search } = new URL(url);
        const response = await fetch(`http://127.0.0.1:${port}${pathname}${search}`, {
          ...(signal && { signal }),
          headers: { ...headers, ...(accept && { accept }), connection: "close" },
        });
        const body = new Uint8Array(await response.arrayBuffer());
        const charset = pages[`${pathname}${search}`]?.charset ?? null;
        return { url, status: response.status, contentType: "", charset, body, fromCache: false };
      },
    },
  };
}
