import { join } from "node:path";
import { createEgress } from "../../../src/egress/fetch.ts";
import type { Egress } from "../../../src/egress/types.ts";
import { collectFeed } from "../../../src/jobs/sources/feed/feed.ts";
import { collectFolder } from "../../../src/jobs/sources/folder/folder.ts";
import { collectGithub } from "../../../src/jobs/sources/github/github.ts";
import { collectPage } from "../../../src/jobs/sources/page/page.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { silentLog } from "../../../src/lib/log.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import { onGo } from "../../support/child-work.ts";
import { collectGarbage } from "../../support/collect-garbage.ts";
import { peakBytes } from "./peak-memory.ts";

/** One thing to collect: a feed or an API answer at an address, or a folder with hostile files. */
export interface Fuse {
  kind: "feed" | "github" | "folder" | "page";
  /** Address or path. */
  at: string;
}

/** What it took, in this process alone. */
export interface Blast {
  /** `N items`, `N items; note`, or the error's code and message. */
  outcome: string;
  /** CPU time, user and system, all threads: what a busy machine does not change. */
  cpuMs: number;
  wallMs: number;
  /** The most memory that the process ever had (VmHWM). */
  peakBytes: number;
}

/** Arguments: a folder for the database, and the fuses as JSON. */
const [state = "", fuses = "[]"] = process.argv.slice(2);
const signal = new AbortController().signal;

const store = await openStore(join(state, "afk.db"));
const egress = createEgress({
  db: store.db,
  config: { allow: ["127.0.0.1"], allowPrivate: ["127.0.0.1"], requestsPerMinute: 60_000, contact: null },
  agentVersion: "1.2.3",
  clock: systemClock,
  log: silentLog,
  limits: { timeoutMs: 2_500, headersTimeoutMs: 1_500 },
});

onGo(async () => {
  const blasts: Blast[] = [];
  for (const fuse of JSON.parse(fuses) as Fuse[]) blasts.push(await light(fuse));
  return blasts;
});

async function light(fuse: Fuse): Promise<Blast> {
  collectGarbage();
  const startedMs = performance.now();
  const before = process.cpuUsage();
  const outcome = await collect(fuse).then(
    ({ items, notes }) => [`${items.length} items`, ...notes].join("; "),
    (error) => `${error.code ?? "bug"}: ${error.code === undefined ? error.stack : error.message}`,
  );
  const { user, system } = process.cpuUsage(before);
  const wallMs = performance.now() - startedMs;
  return { outcome, cpuMs: (user + system) / 1000, wallMs, peakBytes: peakBytes() };
}

function collect({ kind, at }: Fuse) {
  if (kind === "feed")
    return collectFeed(
      { feed: at },
      { egress, base: state, signal, period: { slotMs: 0, label: "" }, isSeen: async () => new Set() },
    );
  if (kind === "page")
    return collectPage(
      { page: at, select: "div > b, body .p, div div div b" },
      {
        egress: { ...egress, openMailbox: () => Promise.reject(new Error("no mailbox")) },
        base: state,
        signal,
        period: { slotMs: 0, label: "" },
        isSeen: async () => new Set(),
        recall: async () => null,
        keep: () => undefined,
      },
    );
  if (kind === "folder") return collectFolder({ folder: at }, { base: state, signal });
  // The address of the API is fixed, so its answers come from here by changing it on the way.
  const elsewhere: Pick<Egress, "fetch"> = {
    fetch: (_url, options) => egress.fetch(at, { ...options, accept: "*/*" }),
  };
  return collectGithub(
    { github: "owner/repo", events: ["releases"] },
    {
      egress: elsewhere,
      signal,
      isSeen: async (keys) => new Set(keys),
    },
  );
}
