import { spawnSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import Database from "better-sqlite3";
import { expect, it, onTestFinished } from "vitest";
import { type Deployment, deployment, fillInbox, PROCESSES } from "../support/afk.ts";
import { cases, isChaos, report } from "../support/chaos.ts";
import { cannotMount, mountOn, remount } from "./support/full-disk.ts";

const SAID = /was set aside|No output can be written/;

/** An agent with two digests, which need no model, and an address that its alerts go to. */
async function agentWithHook(): Promise<{ target: Deployment; told: string[] }> {
  const told: string[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (chunk: string) => {
      body += chunk;
    });
    request.on("end", () => {
      told.push(body);
      response.end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const job = (name: string) => ({ name, kind: "digest", every: "1d", sources: [{ folder: "./inbox" }] });
  const target = deployment({
    agent: "outputs",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    alerts: [{ type: "webhook", url: `http://127.0.0.1:${port}/`, on: ["output_set_aside", "tick_failed"] }],
    jobs: [job("alpha"), job("beta")],
  });
  fillInbox(target, 1);
  return { target, told };
}

function edit(target: Deployment, sql: string, ...parameters: unknown[]): void {
  const database = new Database(join(target.state, "afk.db"));
  try {
    database.prepare(sql).run(...parameters);
  } finally {
    database.close();
  }
}

const outOf = (target: Deployment) => join(target.state, "out");

it("writes no output outside of out/, whatever name the database says, and goes on", PROCESSES, async () => {
  const { target, told } = await agentWithHook();
  expect((await target.afk(["tick"])).code).toBe(0);
  const before = readFileSync(target.configFile, "utf8");
  const all = ["../../afk.yaml", "../STOP", "/tmp/afk-escape", "../../bin/../afk.yaml", ".hidden", "a/b"];
  all.push("..", ".", "", "a\0b", "line\nbreak", "\u202efdp", "c\\d", "/", "../out/e", "f/", "x".repeat(300));
  const names = all.slice(0, cases({ test: 6, chaos: all.length }));
  for (const name of names)
    edit(
      target,
      "insert into outputs (name, job_id, content, state, created_at) select ?, job_id, 'planted', 'pending', created_at from outputs limit 1",
      name,
    );
  expect((await target.afk(["stop"])).code).toBe(0);
  expect((await target.afk(["tick"])).code).toBe(0);
  expect((await target.afk(["resume"])).code).toBe(0);
  expect((await target.afk(["tick"])).code).toBe(0);
  expect(readFileSync(target.configFile, "utf8")).toBe(before);
  expect(existsSync("/tmp/afk-escape")).toBe(false);
  expect(existsSync(join(outOf(target), ".hidden"))).toBe(false);
  const alerts = target.query("select key from alerts where event = 'output_set_aside'");
  expect(alerts).toHaveLength(names.length);
  expect(told.filter((body) => SAID.test(body)).length).toBeGreaterThan(0);
  expect((await target.afk(["status"])).stdout).toContain(`${names.length} outputs not written`);
  expect((await target.afk(["doctor", "--offline"])).stdout).toContain("no name for a file");
  report("names from the database", names.length);
});

it(
  "sets aside the one output that cannot be written, does the other jobs, and writes it later",
  PROCESSES,
  async () => {
    const { target, told } = await agentWithHook();
    const out = outOf(target);
    const day = new Date().toISOString().slice(0, 10);
    const name = `alpha-${day}.md`;
    mkdirSync(join(out, name), { recursive: true });
    // What a temporary name could be guessed to be.
    for (const guess of [`.${name}.part`, `${name}.part`])
      symlinkSync(join(target.dir, "guessed"), join(out, guess));
    const first = await target.afk(["tick"]);
    expect(first.code).toBe(0);
    expect(target.query("select name, state from jobs order by name")).toEqual([
      { name: "alpha", state: "done" },
      { name: "beta", state: "done" },
    ]);
    expect(Object.keys(readFileSync(join(out, `beta-${day}.md`), "utf8")).length).toBeGreaterThan(0);
    await target.afk(["tick"]);
    expect(told.filter((body) => SAID.test(body))).toHaveLength(1);
    expect(existsSync(join(target.dir, "guessed"))).toBe(false);

    rmSync(join(out, name), { recursive: true });
    writeFileSync(join(out, name), "somebody else's");
    expect((await target.afk(["tick"])).code).toBe(0);
    expect(readFileSync(join(out, name), "utf8")).toBe("somebody else's");
    rmSync(join(out, name));
    expect((await target.afk(["tick"])).code).toBe(0);
    expect(readFileSync(join(out, name), "utf8")).toContain("Title of item-01");
    expect((await target.afk(["status"])).stdout).not.toContain("not written");
  },
);

it(
  "does the work while nothing can be written into out/, tells of it once, and writes it all later",
  PROCESSES,
  async ({ skip }) => {
    const reason = cannotMount();
    if (reason !== null) skip(reason);
    const { target, told } = await agentWithHook();
    mkdirSync(target.state, { mode: 0o700 });
    mountOn(outOf(target));
    remount(outOf(target), "ro");
    for (let n = 0; n < 2; n++) expect((await target.afk(["tick"])).code).toBe(1);
    expect(target.query("select state from jobs")).toEqual([{ state: "done" }, { state: "done" }]);
    expect(told).toHaveLength(1);
    expect(told[0]).toContain("No output can be written");
    remount(outOf(target), "rw");
    expect((await target.afk(["tick"])).code).toBe(0);
    expect(readdirSync(outOf(target)).filter((name) => name.endsWith(".md"))).toHaveLength(2);
  },
);

it("works, tells of it and ends while the disk behind out/ does not answer", PROCESSES, async ({ skip }) => {
  const { target, told } = await agentWithHook();
  mkdirSync(outOf(target), { recursive: true, mode: 0o700 });
  const problem = mountHanging(outOf(target));
  if (problem !== null) skip(problem);
  expect((await target.afk(["tick"])).code).toBe(1);
  expect(target.query("select state from jobs")).toEqual([{ state: "done" }, { state: "done" }]);
  expect(told.filter((body) => body.includes("does not answer"))).toHaveLength(1);
  if (!isChaos()) return;
  const watched = await target.afk(["watchdog"]);
  expect(watched.signal).toBeNull();
  expect((await target.afk(["doctor", "--offline"])).stdout).toContain("does not answer");
});

/** A file system in user space whose server never answers. Gives why there can be none here. */
function mountHanging(dir: string): string | null {
  if (process.platform !== "linux" || process.getuid?.() !== 0) return "needs root on Linux";
  if (!existsSync("/dev/fuse")) return "there is no /dev/fuse here";
  const server = openSync("/dev/fuse", "r+");
  const options = "fd=3,rootmode=40000,user_id=0,group_id=0";
  const mounted = spawnSync("mount", ["-i", "-t", "fuse", "-o", options, "afk-hanging", dir], {
    stdio: ["ignore", "ignore", "pipe", server],
    encoding: "utf8",
  });
  onTestFinished(() => {
    // Whoever waits for an answer gets an error now, and the mount can go.
    closeSync(server);
    if (mounted.status === 0) spawnSync("umount", ["-l", dir]);
  });
  return mounted.status === 0
    ? null
    : `a file system in user space cannot be mounted here: ${mounted.stderr.trim()}`;
}
