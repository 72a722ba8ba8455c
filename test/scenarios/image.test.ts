import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, inject, onTestFinished, test } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { docker, run } from "../support/engine/command.ts";
import { labelWords, uniqueName } from "../support/engine/names.ts";
import { emptyVolume, volumeLike } from "../support/engine/volumes.ts";
import { tempDir } from "../support/temp.ts";

/** The image as it is built from the Dockerfile: what it does, what it may, and what is not in it. */
const { afkImage, baseImage } = inject("engine");
const QUICKSTART = fileURLToPath(new URL("../../examples/quickstart", import.meta.url));

/** MB are 1,000,000 bytes. */
const ADDED_BYTES_MAX = 40_000_000;

/** As compose.yaml and the units run it, and without any network besides. */
const HARDENED = [
  ...["--init", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges"],
  ...["--pids-limit", "128", "--memory", "512m", "--network", "none"],
];

const shell = (script: string, words: readonly string[] = []) =>
  docker(["run", "--rm", ...words, "--entrypoint", "sh", afkImage, "-c", script]);

/** The quick start on volumes, with nothing but the summariser that is built in. */
async function quickstart(): Promise<string[]> {
  const folder = tempDir();
  cpSync(QUICKSTART, folder, { recursive: true, filter: (path) => path !== join(QUICKSTART, "state") });
  const file = join(folder, "afk.yaml");
  const config = readFileSync(file, "utf8").replace("[ollama/qwen2.5:3b, extractive]", "[extractive]");
  expect(config).toContain("chain: [extractive]");
  writeFileSync(file, config);
  const settings = await volumeLike(folder);
  return [...HARDENED, "-v", `${settings}:/etc/afk:ro`, "-v", `${await emptyVolume()}:/data`];
}

interface ImageConfig {
  User: string;
  Entrypoint: string[];
  Env: string[];
  Labels: Record<string, string>;
  StopSignal: string;
  Healthcheck: { Test: string[]; Interval: number; Timeout: number };
}

async function config(): Promise<ImageConfig> {
  return JSON.parse(await docker(["image", "inspect", afkImage, "--format", "{{json .Config}}"]));
}

describe("what the image says of itself", () => {
  test("runs afk, as the user 1000, with its configuration and its state where the documents say", async () => {
    const { User, Entrypoint, Env, StopSignal } = await config();
    expect({ User, Entrypoint, StopSignal }).toEqual({
      User: "1000:1000",
      Entrypoint: ["afk"],
      StopSignal: "SIGTERM",
    });
    expect(Env).toEqual(expect.arrayContaining(["AFK_CONFIG=/etc/afk/afk.yaml", "AFK_STATE=/data"]));
  });

  test("asks afk whether it is healthy, with a bound", async () => {
    const { Healthcheck } = await config();
    expect(Healthcheck.Test).toEqual(["CMD", "afk", "health"]);
    expect(Healthcheck.Interval).toBeGreaterThan(0);
    expect(Healthcheck.Timeout).toBeGreaterThan(0);
    expect(Healthcheck.Timeout).toBeLessThan(Healthcheck.Interval);
  });

  test("carries labels with its name, version and licence, and nothing of the machine that built it", async () => {
    const { Labels, Env } = await config();
    const label = (name: string) => Labels[`org.opencontainers.image.${name}`];
    expect([label("title"), label("version"), label("licenses")]).toEqual([
      "afk",
      manifest.version,
      manifest.license,
    ]);
    expect(Env.filter((line) => /CERT|PROXY|TOKEN|NPM/i.test(line))).toEqual([]);
    const history = await docker(["history", "--no-trunc", "--format", "{{.CreatedBy}}", afkImage]);
    const afterBase = history.split("\n").slice(0, -(await historyOf(baseImage)).length);
    expect(
      afterBase.filter((line) => /_authToken|_password|:\/\/[^/\s]*@|BEGIN CERTIFICATE/.test(line)),
    ).toEqual([]);
  });
});

describe("what is in it", () => {
  test("is at most 40 MB on top of the base", async () => {
    const [image, base] = await Promise.all([historyOf(afkImage), historyOf(baseImage)]);
    const added = image.slice(0, image.length - base.length).reduce((sum, bytes) => sum + bytes, 0);
    expect(image.slice(image.length - base.length)).toEqual(base);
    expect(added).toBeGreaterThan(1_000_000);
    expect(added).toBeLessThanOrEqual(ADDED_BYTES_MAX);
  });

  test("has nothing that installs, compiles or downloads", async () => {
    const programs = [
      ...["npm", "npx", "yarn", "pnpm", "corepack", "node-gyp"],
      ...["gcc", "g++", "cc", "clang", "make", "ld", "python3", "git", "curl", "wget"],
    ];
    expect(await shell("command -v node")).toBe("/usr/local/bin/node\n");
    expect(await shell(`for program in ${programs.join(" ")}; do command -v "$program"; done; true`)).toBe(
      "",
    );
    expect(await shell("ls /usr/local/lib")).not.toContain("node_modules");
  });

  test("has one compiled form of better-sqlite3, for its own platform, and no packages that the bundle contains", async () => {
    const machine = (await shell("node -p process.arch")).trim();
    const compiled = await shell("find / -xdev -name '*.node' 2> /dev/null || true");
    expect(compiled).toBe(`/app/node_modules/better-sqlite3/prebuilds/linux-${machine}.node\n`);
    expect(await shell("ls /app/node_modules")).toBe("better-sqlite3\n");
  });

  test("is nothing that its user could change, but the state", async () => {
    const writable = await shell(
      "find / -xdev -writable -not -type l -not -path '/proc/*' -not -path '/dev/*' -not -path '/sys/*' 2> /dev/null | sort || true",
    );
    const known = /^\/(?:data|tmp|var\/tmp|run\/lock|var\/lock|home\/node(?:\/.*)?)$/;
    expect(writable.split("\n").filter((path) => path !== "" && !known.test(path))).toEqual([]);
  });

  test("carries the units that the host installs", async () => {
    expect(await shell("ls /app/systemd")).toMatch(/^afk\.service\nafk\.slice\nafk\.timer$/m);
  });
});

describe("what it does", () => {
  test("says its version", async () => {
    expect((await docker(["run", "--rm", ...HARDENED, afkImage, "--version"])).trim()).toBe(manifest.version);
  });

  test("gives the demonstration without a network, a volume or a configuration", async () => {
    const words = ["run", "--rm", ...HARDENED, "--tmpfs", "/tmp:size=256m", afkImage, "demo", "--json"];
    const { code, stdout, stderr } = await run("docker", words);
    expect(code, stdout + stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, problems: [] });
  });

  test("refuses an unknown command, and a missing configuration, with the codes of the CLI", async () => {
    expect((await run("docker", ["run", "--rm", ...HARDENED, afkImage, "frobnicate"])).code).toBe(2);
    const { code, stdout, stderr } = await run("docker", ["run", "--rm", ...HARDENED, afkImage, "tick"]);
    expect(code).not.toBe(0);
    expect(stdout + stderr).toContain("/etc/afk/afk.yaml");
  });

  test("checks itself, makes a digest and is healthy: read-only, without capabilities, without a network", async () => {
    const words = await quickstart();
    const afk = (...command: string[]) => run("docker", ["run", "--rm", ...words, afkImage, ...command]);
    // The quick start alerts nobody, which is the one thing that the doctor has to say against it.
    const hook = ["-e", "ALERT_WEBHOOK=https://alerts.example.org/hook"];
    const doctor = await run("docker", ["run", "--rm", ...hook, ...words, afkImage, "doctor", "--offline"]);
    expect(doctor.stdout, doctor.stderr).not.toMatch(/\bBAD\b/);
    expect(doctor.code, doctor.stdout).toBe(0);
    const tick = await afk("tick");
    expect(tick.code, tick.stderr).toBe(0);
    expect(await docker(["run", "--rm", ...words, "--entrypoint", "ls", afkImage, "/data/out"])).toMatch(
      /^digest-.*\.html\ndigest-.*\.md$/m,
    );
    const health = await afk("health");
    expect(health.code, health.stdout).toBe(0);
  });

  test("has the engine find it healthy, by its own check", async () => {
    const words = await quickstart();
    const name = uniqueName("worker");
    onTestFinished(() => docker(["rm", "-fv", name]).then(() => undefined));
    const check = ["--health-interval", "1s", "--health-start-period", "0s"];
    await docker(["run", "-d", ...labelWords(), "--name", name, ...check, ...words, afkImage, "run"]);
    const status = () => docker(["inspect", "-f", "{{.State.Health.Status}}", name]);
    await expect.poll(status, { timeout: 60_000, interval: 500 }).toBe("healthy\n");
  });

  test("has every file of the bundle compiled beforehand, for the user and the state it runs with", async () => {
    const words = await quickstart();
    const traced = await run("docker", [
      ...["run", "--rm", ...words, "-e", "NODE_DEBUG_NATIVE=COMPILE_CACHE", afkImage, "tick"],
    ]);
    // Two threads write into this output; only what stands within one line is sure to be together.
    const trace = `${traced.stdout}\n${traced.stderr}`;
    expect(trace.match(/code cache for .*\/app\/.* was accepted/g)?.length).toBeGreaterThan(10);
    expect(trace).not.toMatch(/no such file|was rejected|mismatch/);
    expect(trace).not.toMatch(/writing cache for/);
    const cache = await docker(["run", "--rm", "--entrypoint", "ls", afkImage, "-lR", "/app/cache"]);
    expect(cache).toMatch(/ root root /);
    expect(cache).not.toMatch(/^.{8}w/m);
  });
});

/** The size of each layer in bytes, the newest first; also of those that are only settings. */
async function historyOf(image: string): Promise<number[]> {
  const sizes = await docker(["history", "--human=false", "--format", "{{.Size}}", image]);
  return sizes.trim().split("\n").map(Number);
}
