import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, describe, expect, it, onTestFinished } from "vitest";
import { type Deployment, deployment, digestConfig, type Exit } from "../support/afk.ts";
import { isChaos, patience, report } from "../support/chaos.ts";
import { tempDir } from "../support/temp.ts";
import { afkAsNobody, whyNotNobody } from "./support/as-nobody.ts";

/** Each starts many processes. */
const LONG = { timeout: patience({ test: 180_000, chaos: 600_000 }) };

let tried = 0;
afterAll(() => report("stop reaches", tried));

describe("where there is no agent", () => {
  const LINES = [
    "stop",
    "status --json",
    "resume",
    ...(isChaos() ? ["jobs", "dead", "ledger", "logs", "report", "incidents", "doctor --offline"] : []),
    ...(isChaos()
      ? ["health", "watchdog", "clock", "drafts", "tick", "run", "adopt --yes", "drill cap"]
      : []),
    ...(isChaos() ? ["enqueue digest", "backup FILE", "restore FILE", "alert unit afk.service"] : []),
  ];
  const LOCATIONS: [string, Record<string, string>][] = [
    ["an empty folder", {}],
    ["a state that nobody has used", { AFK_STATE: "used/never" }],
    ["a flag that leads elsewhere", { KILL_FLAG: "elsewhere/STOP" }],
  ];

  it.each(isChaos() ? LOCATIONS : LOCATIONS.slice(1, 2))(
    "each command says where it looked, exits 66, and makes nothing: %s",
    LONG,
    async (_name, environment) => {
      const target = deployment();
      mkdirSync(join(target.dir, "used", "never"), { recursive: true });
      mkdirSync(join(target.dir, "elsewhere"));
      const before = readdirSync(target.dir, { recursive: true }).sort();
      for (const line of LINES) {
        tried += 1;
        const { code, stdout, stderr } = await target.afk(line.split(" "), environment);
        expect({ line, code }).toEqual({ line, code: 66 });
        expect(stdout + stderr).toContain(target.configFile);
        expect(stdout).not.toContain("stopped");
        expect(readdirSync(target.dir, { recursive: true }).sort()).toEqual(before);
      }
    },
  );
});

describe("afk stop", () => {
  it("below the agent's folder reaches no other agent, and says where it looked", LONG, async () => {
    tried += 1;
    const target = agent();
    mkdirSync(join(target.dir, "below"));
    const missed = await target.afk(["stop", "--config", "below/afk.yaml"]);
    expect(missed).toMatchObject({ code: 66, stdout: "" });
    expect(missed.stderr).toContain(join(target.dir, "below", "afk.yaml"));
    expect(existsSync(join(target.dir, "below", "state"))).toBe(false);
  });

  it("from any folder names the agent and its state, and is back when the worker is gone", LONG, async () => {
    tried += 1;
    const target = agent();
    const worker = target.start(["run"]);
    await worker.logged("tick_finished");
    const elsewhere = deployment();
    const { code, stdout } = await elsewhere.afk(["stop", "--config", target.configFile]);
    expect(code).toBe(0);
    expect(stdout).toContain(`agent test-agent, state ${target.state}`);
    expect(stdout).toContain(`its worker (process ${worker.pid}) is gone`);
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect((await target.afk(["stop"])).stdout).toContain("no worker was at work");
  });

  it("does not call a worker gone that is suspended", LONG, async () => {
    tried += 1;
    const target = agent();
    const worker = target.start(["run"]);
    await worker.logged("tick_finished");
    worker.kill("SIGSTOP");
    const { code, stdout } = await target.afk(["stop", "--json"]);
    expect(code).toBe(75);
    // By the file where it was suspended in the middle of a transaction.
    expect(JSON.parse(stdout)).toMatchObject({
      by: expect.any(String),
      worker: { wasAtWork: true, pid: worker.pid, isSuspended: true, isGone: false },
    });
    worker.kill("SIGCONT");
    expect(await worker.ended).toMatchObject({ code: 0 });
  });

  it.each([
    [
      "a configuration that is refused",
      (target: Deployment) => target.configure("agent: test-agent\nbugdet: {}\n"),
    ],
    ["no configuration any more", (target: Deployment) => rmSync(target.configFile)],
    [
      "a database that is damaged",
      (target: Deployment) => target.write("state/afk.db", "no database ".repeat(500)),
    ],
    ["a pipe for a configuration", (target: Deployment) => pipeAt(target.configFile)],
  ])("works with %s, by the file", LONG, async (_name, spoil) => {
    tried += 1;
    const target = agent();
    expect((await target.afk(["tick"])).code).toBe(0);
    spoil(target);
    const { code, stdout } = await target.afk(["stop", "--reason", "the bill looks odd"]);
    expect(code).toBe(0);
    expect(stdout).toContain(`stopped (file): ${join(target.state, "STOP")}`);
    expect(stdout).toContain(target.state);
    expect(readFileSync(join(target.state, "STOP"), "utf8")).toContain("the bill looks odd");
  });

  it("as another user claims nothing, and says who can", LONG, async ({ skip }) => {
    const target = agent();
    expect((await target.afk(["tick"])).code).toBe(0);
    chmodSync(target.dir, 0o755);
    const why = await whyNotNobody(target.dir);
    skip(why !== null, why ?? "");
    for (const mode of isChaos() ? [0o755, 0o700] : [0o700]) {
      tried += 1;
      chmodSync(target.state, mode);
      const { code, stdout, stderr } = await afkAsNobody(target.dir, ["stop"]);
      expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
      expect(stderr).toContain("NOT stopped");
      expect(stderr).toContain("sudo -u 'root' afk stop");
      expect(stderr).not.toMatch(/\n\s+at /);
    }
    expect(existsSync(join(target.state, "STOP"))).toBe(false);
  });
});

describe("whatever lies at STOP", () => {
  const precious = (target: Deployment) => join(target.dir, "precious");
  const KINDS: Record<string, (target: Deployment, path: string) => void> = {
    file: (_target, path) => writeFileSync(path, "by hand\n"),
    pipe: (_target, path) => pipeAt(path),
    socket: (_target, path) => socketAt(path),
    link: (target, path) => symlinkSync(precious(target), path),
    "link to nowhere": (target, path) => symlinkSync(join(target.dir, "made"), path),
    "link to the configuration": (target, path) => symlinkSync(target.configFile, path),
    "second name of a file": (target, path) => linkSync(precious(target), path),
    "empty folder": (_target, path) => void mkdirSync(path),
    "full folder": (_target, path) => void mkdirSync(join(path, "in"), { recursive: true }),
  };
  const SHORT = ["pipe", "link"];

  it.each(Object.keys(KINDS).filter((kind) => isChaos() || SHORT.includes(kind)))(
    "is a set switch that is never written through, and resume says what it is: %s",
    LONG,
    async (kind) => {
      const target = agent();
      expect((await target.afk(["tick"])).code).toBe(0);
      writeFileSync(precious(target), "precious\n");
      const config = readFileSync(target.configFile, "utf8");
      const path = join(target.state, "STOP");
      KINDS[kind]?.(target, path);
      expect((await target.afk(["tick"])).stdout).toContain('"event":"kill_seen"');
      expect(JSON.parse((await target.afk(["status", "--json"])).stdout)).toMatchObject({
        killed: { by: "file" },
      });
      // Past the database, so that the file is what is set.
      target.configure("agent: [\n");
      tried += 1;
      expect(await target.afk(["stop"])).toMatchObject({ code: 0, stderr: "" });
      expect(lstatSync(path)).toBeDefined();
      target.configure(config);

      const resumed = await target.afk(["resume"]);
      expect(readFileSync(precious(target), "utf8")).toBe("precious\n");
      expect(existsSync(join(target.dir, "made"))).toBe(false);
      expect(readFileSync(target.configFile, "utf8")).toBe(config);
      if (kind.endsWith("folder")) {
        expect(resumed.code).toBe(1);
        expect(resumed.stderr).toContain(`${path} is a folder`);
        expect(resumed.stderr).toContain(`rm -r ${path}`);
        expect(resumed.stderr).not.toMatch(/\n\s+at /);
        rmSync(path, { recursive: true });
        expect((await target.afk(["resume"])).code).toBe(0);
      } else {
        expect(resumed).toMatchObject({ code: 0, stderr: "" });
        expect(existsSync(path)).toBe(false);
      }
      expect((await target.afk(["tick"])).stdout).not.toContain("kill_seen");
    },
  );

  it("a pipe, a socket or a device as the configuration is refused at once", LONG, async () => {
    for (const put of [pipeAt, socketAt, (path: string) => symlinkSync("/dev/zero", path)]) {
      tried += 1;
      const target = deployment();
      await put(target.configFile);
      const { code, stderr } = await target.afk(["tick"]);
      expect(code).toBe(78);
      expect(stderr).toContain("put a plain file there");
    }
  });
});

describe("KILL_FLAG", () => {
  it("is in the home folder where it begins with ~/, for stop, resume and tick alike", LONG, async () => {
    tried += 1;
    const target = agent();
    const environment = { KILL_FLAG: "~/afk.kill", HOME: join(target.dir, "home") };
    mkdirSync(environment.HOME);
    writeFileSync(join(environment.HOME, "afk.kill"), "");
    expect(killed(await target.afk(["status", "--json"], environment))).toMatchObject({ by: "file" });
    expect((await target.afk(["tick"], environment)).stdout).toContain('"event":"kill_seen"');
    expect((await target.afk(["resume"], environment)).code).toBe(0);
    expect(readdirSync(environment.HOME)).toEqual([]);
    expect((await target.afk(["tick"], environment)).stdout).not.toContain("kill_seen");
    target.configure("agent: [\n");
    expect((await target.afk(["stop"], environment)).stdout).toContain(join(environment.HOME, "afk.kill"));
    expect(readdirSync(environment.HOME)).toEqual(["afk.kill"]);
    expect(existsSync(join(target.dir, "~"))).toBe(false);
  });

  it("in another user's home folder is refused", LONG, async () => {
    tried += 1;
    const { code, stderr } = await agent().afk(["tick"], { KILL_FLAG: "~somebody/afk.kill" });
    expect(code).toBe(78);
    expect(stderr).toContain("KILL_FLAG");
  });

  it("on a mount that goes away is set while a worker runs, and cannot be resumed", LONG, async () => {
    tried += 1;
    const target = agent();
    const mount = join(tempDir(), "mount");
    mkdirSync(mount);
    const environment = { KILL_FLAG: join(mount, "afk.kill") };
    const worker = target.start(["run"], environment);
    await worker.logged("tick_finished");
    rmSync(mount, { recursive: true });
    expect(await worker.ended).toMatchObject({ code: 0 });
    expect((await target.afk(["tick"], environment)).stdout).toContain(`the folder ${mount} is not there`);
    expect(killed(await target.afk(["status", "--json"], environment))).toMatchObject({ by: "file" });
    // Since when, nobody knows; and resuming alone would not help.
    const { stdout } = await target.afk(["status"], environment);
    expect(stdout).toMatch(/STOPPED by the STOP file: the folder .* To go on: mount or make that folder/);
    const { code, stderr } = await target.afk(["resume"], environment);
    expect(code).toBe(1);
    expect(stderr).toContain(`the folder ${mount} is not there`);
    mkdirSync(mount);
    expect((await target.afk(["tick"], environment)).stdout).not.toContain("kill_seen");
  });
});

function agent(): Deployment {
  return deployment(
    digestConfig("http://127.0.0.1:9", { models: { chain: ["extractive"] }, rest: { jobs: [] } }),
  );
}

function killed({ stdout }: Exit): unknown {
  return JSON.parse(stdout).killed;
}

function pipeAt(path: string): void {
  rmSync(path, { force: true });
  execFileSync("mkfifo", [path]);
}

async function socketAt(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(path, resolve));
  onTestFinished(() => void server.close());
}
