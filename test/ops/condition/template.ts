import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "better-sqlite3";
import { type Received, receiver } from "../../alerts/receiver.ts";
import { tick } from "../../cli/commands/in-process.ts";
import { type Deployment, deploymentAt, fillInbox } from "../../support/afk.ts";
import { tempDir } from "../../support/temp.ts";

const SECTIONS = {
  agent: "judged",
  timezone: "UTC",
  budget: { daily_cap_usd: 1 },
  models: { chain: ["extractive"] },
  dashboard: { port: 0 },
  jobs: [{ name: "digest", kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] }],
};

/** A deployment after a tick that went well, to be copied. */
export async function makeTemplate(): Promise<{ dir: string; remove(): void }> {
  const dir = mkdtempSync(join(tmpdir(), "afk-judged-"));
  const target = deploymentAt(dir, { ...SECTIONS, heartbeat: { grace: "30m" } });
  fillInbox(target, 1);
  await tick(target);
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) };
}

/** One state that conditions are made in. */
export interface Judged {
  target: Deployment;
  /** What came to the address of the ping. */
  pings: readonly Received[];
  nowMs: number;
  /** Of the job that the tick did. */
  jobId: string;
  /** Puts sections over those of afk.yaml. */
  configure(sections: Record<string, unknown>): void;
  run(statement: string, ...values: unknown[]): void;
  insert(table: string, row: Record<string, unknown>): void;
}

/** A copy of the template, with a channel that takes nothing and a ping that is taken. */
export async function judgedFrom(template: string): Promise<Judged> {
  const dir = tempDir();
  cpSync(template, dir, { recursive: true });
  const pings = await receiver(() => ({ body: "OK" }));
  const channel = await receiver(() => ({ status: 500, body: "out of order" }));
  const target = deploymentAt(dir);
  let sections: Record<string, unknown> = {
    ...SECTIONS,
    heartbeat: { grace: "30m", ping_url: `${pings.url}/ping` },
    alerts: [{ type: "webhook", name: "hook", url: `${channel.url}/hook` }],
    jobs: SECTIONS.jobs.map((job) => ({ ...job, deliver: [{ to: "hook" }] })),
  };
  const run = (statement: string, ...values: unknown[]) => {
    const database = new Database(join(target.state, "afk.db"));
    database.prepare(statement).run(...values);
    database.close();
  };
  target.configure(sections);
  const [job] = target.query<{ id: string }>("select id from jobs");
  if (job === undefined) throw new Error("the template did no job");
  return {
    target,
    pings: pings.received,
    nowMs: Date.now(),
    jobId: job.id,
    run,
    configure(more) {
      sections = { ...sections, ...more };
      target.configure(sections);
    },
    insert(table, row) {
      const names = Object.keys(row);
      const columns = names.map((name) => `"${name}"`).join(", ");
      run(
        `insert into ${table} (${columns}) values (${names.map(() => "?").join(", ")})`,
        ...Object.values(row),
      );
    },
  };
}
