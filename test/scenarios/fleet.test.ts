import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from "vitest";
import { docker, must, run } from "../support/engine/command.ts";
import { type InModel, modelRequests } from "../support/engine/model.ts";
import { uniqueName } from "../support/engine/names.ts";
import { needPostgresImage } from "../support/engine/postgres.ts";
import { BOUND_USD, digestConfig } from "./support/digest.ts";
import "../support/engine/provided.ts";

const engine = inject("engine");
const { missing } = engine;
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOON = { timeout: 90_000, interval: 500 };
const CAP_USD = 0.06;
const WORKERS = ["worker-1", "worker-2"] as const;
type WorkerName = (typeof WORKERS)[number];

/** What is read of `afk machines --json`. */
interface Machine {
  part: string;
  name: string;
  lease: { state: string };
  jobs: { name: string }[];
}
/** What is read of `afk status --json`. */
interface Status {
  killed: unknown;
  queue: { running: number; done: number; dead: number };
  spend: { window: string; settledUsd: number; reservedUsd: number }[];
}

/** compose.fleet.yaml with a stand-in for a priced model beside it. One story, in order, as that of compose.yaml is. */
describe("docker compose -f compose.fleet.yaml up", () => {
  const project = uniqueName("fleet");
  const folder = mkdtempSync(join(tmpdir(), "afk-fleet-"));
  const etc = join(folder, "etc");
  const [program = "docker", ...first] = engine.composeCommand;
  const files = [join(ROOT, "compose.fleet.yaml"), join(folder, "model.yaml")].flatMap((file) => [
    "-f",
    file,
  ]);
  const environment = ["--env-file", join(folder, ".env")];
  const words = [...first, "-p", project, "--project-directory", ROOT, ...environment, ...files];
  const compose = (...more: string[]) => must(program, [...words, ...more]);
  const tried = (...more: string[]) => run(program, [...words, ...more]);
  const inModel: InModel = (more) => compose("exec", "-T", "ollama", ...more);

  beforeEach(({ skip }) => skip(missing.compose !== undefined, missing.compose));
  beforeAll(async () => {
    if (missing.compose === undefined) writeSettings(await needPostgresImage(engine, folder));
  }, 600_000);
  afterAll(async () => {
    if (missing.compose === undefined) await tried("--profile", "page", "down", "-v", "--timeout", "2");
    rmSync(folder, { recursive: true, force: true });
  });

  test("makes one fleet of both workers, which does what is due once", async () => {
    await compose("up", "-d", "--no-build");
    await inModel(["ollama", "pull", "qwen2.5:3b"]);
    await expect.poll(aliveMachines, SOON).toBe(2);
    await expect.poll(async () => (await outputs()).length, SOON).toBe(1);
    for (const worker of WORKERS) {
      expect((await tried("exec", "-T", worker, "afk", "health")).stdout).toContain("fit to work");
      expect(await ask<Status>(worker, "status")).toMatchObject({
        killed: null,
        queue: { done: 1, dead: 0 },
      });
    }
    await expect
      .poll(() => tried("exec", "-T", "gateway", "afk", "health", "--gateway", "127.0.0.1:4236"), SOON)
      .toMatchObject({ code: 0 });
  });

  test("keeps calls of both workers at the same time under one cap", async () => {
    const line = `for n in 1 2 3 4 5 6; do afk ask "question $n of $HOSTNAME" & done; wait`;
    await Promise.all(WORKERS.map((worker) => tried("exec", "-T", worker, "sh", "-c", line)));
    const made = (await modelRequests(inModel)).filter(({ path }) => path === "/api/chat").length;
    expect(made).toBeGreaterThanOrEqual(Math.floor(CAP_USD / BOUND_USD));
    expect(made).toBeLessThan(12);
    const charged: Status["spend"] = [];
    for (const worker of WORKERS)
      charged.push(...(await ask<Status>(worker, "status")).spend.filter(({ window }) => window === "day"));
    expect(charged[0]).toEqual(charged[1]);
    expect(charged[0]?.reservedUsd).toBe(0);
    expect(charged[0]?.settledUsd).toBeLessThanOrEqual(CAP_USD);
  });

  test("does a job on the other worker when the first is killed in it", async () => {
    await afk("worker-1", "enqueue", "slow");
    await expect.poll(runsSlow, SOON).toBeDefined();
    const killed = (await runsSlow()) ?? "worker-1";
    const other = killed === "worker-1" ? "worker-2" : "worker-1";
    writeFileSync(join(etc, "go"), "");
    await docker(["kill", await idOf(killed)]);
    const started = Date.now();
    await expect.poll(() => stateOfSlow(other), SOON).toBe("done");
    expect(Date.now() - started).toBeLessThan(90_000);
    expect((await machines()).map(({ lease }) => lease.state)).toContain("lost");
    expect(await afk(other, "status")).toMatch(/machine \S+ is lost/);
    await compose("start", killed);
    await expect.poll(aliveMachines, SOON).toBe(2);
  });

  test("starts workers again until the database is back", async () => {
    await compose("stop", "database");
    await expect.poll(() => inspect("worker-1", "{{.RestartCount}}"), SOON).not.toBe("0");
    await compose("start", "database");
    await expect.poll(aliveMachines, SOON).toBe(2);
  });

  test("ends both workers by the switch that one is asked for, also over an up, until it is cleared", async () => {
    await afk("worker-2", "stop", "--reason", "the test");
    for (const worker of WORKERS) await expect.poll(() => state(worker), SOON).toBe("exited 0");
    await compose("up", "-d", "--no-build");
    for (const worker of WORKERS) await expect.poll(() => state(worker), SOON).toBe("exited 0");
    expect(await compose("run", "--rm", "-T", "worker-1", "resume")).toContain("cleared");
    await compose("up", "-d", "--no-build");
    await expect.poll(aliveMachines, SOON).toBe(2);
  });

  test("lets nobody into the database from another network", async () => {
    expect(await inspect("database", "{{json .HostConfig.PortBindings}}")).toBe("{}");
    const networks = Object.keys(JSON.parse(await inspect("database", "{{json .NetworkSettings.Networks}}")));
    expect(networks).toEqual([`${project}_database`]);
    expect((await docker(["network", "inspect", "-f", "{{.Internal}}", `${project}_database`])).trim()).toBe(
      "true",
    );
  });

  function writeSettings(postgresImage: string): void {
    const settings = {
      AFK_IMAGE: engine.afkImage,
      AFK_FOLDER: etc,
      POSTGRES_IMAGE: postgresImage,
      POSTGRES_PASSWORD: "of-the-scenario-alone",
      GATEWAY_PORT: "0",
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(join(folder, ".env"), lines.join(""));
    const ollama = {
      image: engine.modelImage,
      networks: ["egress"],
      init: true,
      volumes: ["models:/root/.ollama"],
    };
    writeFileSync(
      join(folder, "model.yaml"),
      JSON.stringify({ services: { ollama }, volumes: { models: {} } }),
    );
    mkdirSync(etc);
    const feeds = [{ feed: "/quickstart/feeds/harbour-works.rss2.xml" }];
    const slow = 'if [ -e /etc/afk/go ]; then echo "done"; else sleep 600; fi';
    const config = {
      ...digestConfig({ budget: { daily_cap_usd: CAP_USD } }),
      jobs: [
        { name: "news", kind: "digest", every: "1h", sources: feeds, models: ["extractive"] },
        { name: "slow", kind: "exec", schedule: "0 0 1 1 *", command: ["sh", "-c", slow] },
      ],
    };
    writeFileSync(join(etc, "afk.yaml"), JSON.stringify(config));
    // The user of the image reads it.
    for (const path of [folder, etc]) chmodSync(path, 0o755);
  }

  const afk = (worker: WorkerName, ...more: string[]) => compose("exec", "-T", worker, "afk", ...more);

  async function ask<T>(worker: WorkerName, command: string): Promise<T> {
    return JSON.parse(await afk(worker, command, "--json"));
  }

  /** The machines that take part, as one of them sees it; none while nobody can be asked. */
  async function machines(): Promise<Machine[]> {
    for (const worker of WORKERS) {
      const { code, stdout } = await tried("exec", "-T", worker, "afk", "machines", "--json");
      if (code === 0) return JSON.parse(stdout).machines;
    }
    return [];
  }

  /** Of the workers. */
  async function aliveMachines(): Promise<number> {
    return (await machines()).filter(({ part, lease }) => part === "worker" && lease.state === "live").length;
  }

  /** Which worker is in the run of `slow`. */
  async function runsSlow(): Promise<WorkerName | undefined> {
    const at = (await machines()).find(({ jobs }) => jobs.some(({ name }) => name === "slow"));
    for (const worker of WORKERS)
      if (at !== undefined && (await compose("exec", "-T", worker, "hostname")).trim() === at.name)
        return worker;
    return undefined;
  }

  async function stateOfSlow(worker: WorkerName): Promise<string | undefined> {
    const jobs = await ask<{ name: string; state: string }[]>(worker, "jobs");
    return jobs.find(({ name }) => name === "slow")?.state;
  }

  /** The digests that are there, whoever made them. */
  async function outputs(): Promise<string[]> {
    const found: string[] = [];
    for (const worker of WORKERS)
      found.push((await tried("exec", "-T", worker, "sh", "-c", "ls out/*.md")).stdout);
    return found.join("").split("\n").filter(Boolean);
  }

  /** Such as `running 0` or `exited 137`. */
  function state(service: string): Promise<string> {
    return inspect(service, "{{.State.Status}} {{.State.ExitCode}}");
  }

  async function idOf(service: string): Promise<string> {
    return (await compose("ps", "-aq", service)).trim();
  }

  async function inspect(service: string, format: string): Promise<string> {
    return (await docker(["inspect", "-f", format, await idOf(service)])).trim();
  }
});
