// @module-tag processes
// @module-tag slow
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { chooseContainment } from "../../src/jobs/containment/containment.ts";
import { until } from "../jobs/containment/harness.ts";
import { type Deployment, PROCESSES } from "../support/afk.ts";
import { type GatewayJob, gatewayJob } from "../support/gateway-job.ts";

const { networkRefusal } = await chooseContainment(process.env.PATH);
/** The promise is one second; a machine that is busy with other tests gets some more. */
const OVER_WITHIN_MS = 3_000;

/** Leaves a daemon that ignores SIGTERM, keeps connections to all that is there open, and says in `ports` where that is. */
const STAYS = `import { spawn } from "node:child_process";
import { connect, createServer } from "node:net";
import { renameSync, writeFileSync } from "node:fs";
const ports = [process.env.AFK_GATEWAY, process.env.HTTPS_PROXY].flatMap((url) => url ? [Number(new URL(url).port)] : []);
await new Promise((done) => createServer().listen(0, "127.0.0.1", done));
for (const port of ports) await new Promise((done) => connect(port, "127.0.0.1", done).on("error", () => {}));
if (process.argv[2] !== "daemon") spawn(process.execPath, ["stays.mjs", "daemon"], { detached: true, stdio: "ignore" }).unref();
else {
  process.on("SIGTERM", () => {});
  writeFileSync("ports.unfinished", JSON.stringify(ports));
  renameSync("ports.unfinished", "ports");
}
if (process.argv[2] === "leaves") {
  const { existsSync } = await import("node:fs");
  const look = setInterval(() => existsSync("ports") && process.exit(0), 20);
} else setInterval(() => {}, 1000);
`;

async function staying(network: "gateway" | "allowlist", how: "stays" | "leaves"): Promise<GatewayJob> {
  const at = await gatewayJob([], {
    command: [process.execPath, "stays.mjs", how],
    job: { network, ...(network === "allowlist" && { allow: ["example.org"] }) },
  });
  at.target.write("stays.mjs", STAYS);
  return at;
}

/** Processes that run in the folder, in whatever namespace, but for afk's own. */
function within({ dir }: Deployment, spared: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 0 && pid !== spared && folderOf(pid) === dir);
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return "";
  }
}

function isServed(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

const portsOf = ({ dir }: Deployment): number[] => JSON.parse(readFileSync(join(dir, "ports"), "utf8"));

async function nothingIsLeft(target: Deployment, worker: number): Promise<void> {
  const beganMs = performance.now();
  await until(() => within(target, worker).length === 0);
  for (const port of portsOf(target)) while (await isServed(port)) await delay(10);
  expect(performance.now() - beganMs).toBeLessThan(OVER_WITHIN_MS);
}

describe.skipIf(networkRefusal !== null).each(["gateway", "allowlist"] as const)(
  "of a program with network: %s nothing is left and nobody listens",
  (network) => {
    it("when afk is killed", PROCESSES, async () => {
      const { target } = await staying(network, "stays");
      const worker = target.start(["tick"]);
      await until(() => existsSync(join(target.dir, "ports")));
      expect(portsOf(target)).toHaveLength(network === "gateway" ? 1 : 2);
      expect(within(target, worker.pid).length).toBeGreaterThanOrEqual(2);
      for (const port of portsOf(target)) expect(await isServed(port)).toBe(true);
      worker.kill("SIGKILL");
      await worker.ended;
      await nothingIsLeft(target, worker.pid);
    });

    it("when the kill switch is set", PROCESSES, async () => {
      const { target } = await staying(network, "stays");
      const worker = target.start(["tick"]);
      await until(() => existsSync(join(target.dir, "ports")));
      target.write("state/STOP", "");
      await nothingIsLeft(target, worker.pid);
      await worker.ended;
    });

    it("when its run has ended, while afk goes on", PROCESSES, async () => {
      const { target } = await staying(network, "leaves");
      const worker = target.start(["run"]);
      await worker.logged("job_done");
      expect(target.logs().find(({ event }) => event === "exec_ended")).toMatchObject({ leftBehind: 1 });
      await nothingIsLeft(target, worker.pid);
    });
  },
);

/** Asks for a stream, and writes down each piece when it has come. */
const STREAMS = `import { appendFileSync } from "node:fs";
const body = JSON.stringify({ model: "test-model", stream: true, max_tokens: 50, messages: [{ role: "user", content: "one" }] });
const headers = { authorization: "Bearer " + process.env.OPENAI_API_KEY, "content-type": "application/json" };
const reply = await fetch(process.env.OPENAI_BASE_URL + "/chat/completions", { method: "POST", headers, body });
try {
  for await (const piece of reply.body) appendFileSync("pieces", "piece\\n");
  appendFileSync("pieces", "end\\n");
} catch { appendFileSync("pieces", "cut\\n"); }
`;

describe.skipIf(networkRefusal !== null)("an answer that is streamed into a network of its own", () => {
  async function streaming(piecesMax: number): Promise<GatewayJob & { pieces(): string[] }> {
    const at = await gatewayJob([], {
      command: [process.execPath, "streams.mjs"],
      job: { network: "gateway" },
    });
    at.target.write("streams.mjs", STREAMS);
    const file = join(at.target.dir, "pieces");
    const pieces = () => (existsSync(file) ? readFileSync(file, "utf8").trimEnd().split("\n") : []);
    // No piece is sent before the one before it has arrived inside.
    const gate = (piece: number) =>
      piece >= piecesMax
        ? new Promise(() => undefined)
        : until(() => pieces().length >= Math.min(piece, 4) - 1);
    at.server.otherwise({ type: "reply", text: "one two three four five six", gate });
    return { ...at, pieces };
  }

  it("arrives piece by piece", PROCESSES, async () => {
    const { target, pieces } = await streaming(Number.POSITIVE_INFINITY);
    const ended = await target.afk(["tick"]);
    expect(ended.code, ended.stderr).toBe(0);
    expect(pieces().length).toBeGreaterThan(4);
    expect(pieces().at(-1)).toBe("end");
    expect(target.query("select state from ledger")).toEqual([{ state: "settled" }]);
  });

  it("is cut at a kill, and no longer asked for", PROCESSES, async () => {
    const { target, server, pieces } = await streaming(4);
    const worker = target.start(["tick"]);
    await until(() => pieces().length >= 2);
    target.write("state/STOP", "");
    const beganMs = performance.now();
    await server.requests[0]?.closed;
    await until(() => within(target, worker.pid).length === 0);
    expect(performance.now() - beganMs).toBeLessThan(OVER_WITHIN_MS);
    await worker.ended;
    expect(pieces()).not.toContain("end");
  });
});
