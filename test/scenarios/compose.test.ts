import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, inject, test } from "vitest";
import { docker, must, run } from "../support/engine/command.ts";
import { type InModel, modelRequests } from "../support/engine/model.ts";
import { uniqueName } from "../support/engine/names.ts";
import "../support/engine/provided.ts";

const { afkImage, modelImage, composeCommand, missing } = inject("engine");
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const SOON = { timeout: 60_000, interval: 500 };

/** The tests are one story, in order: each goes on with what the one before has left. */
describe("docker compose up", () => {
  const project = uniqueName("compose");
  const folder = mkdtempSync(join(tmpdir(), "afk-compose-"));
  const environment = join(folder, ".env");
  writeSettings();

  const [program = "docker", ...first] = composeCommand;
  const words = [...first, "-p", project, "--project-directory", ROOT, "--env-file", environment];
  const compose = (...more: string[]) => must(program, [...words, ...more]);
  const inWorker = (...more: string[]) => compose("exec", "-T", "worker", ...more);
  const inModel: InModel = (more) => compose("exec", "-T", "ollama", ...more);

  beforeEach(({ skip }) => skip(missing.compose !== undefined, missing.compose));
  afterAll(async () => {
    if (missing.compose === undefined) await run(program, [...words, "down", "-v", "--timeout", "2"]);
    rmSync(folder, { recursive: true, force: true });
  });

  test("makes a digest of what comes with it, with the model or before there is one", async () => {
    await compose("up", "-d", "--no-build");
    await expect.poll(digests, SOON).toContain("Harbour Works");
    expect(await inWorker("afk", "health")).toMatch(
      /^(?:fit to work$|needs you: ollama\/\S+ refuses every call$)/m,
    );
    expect(JSON.parse(await inWorker("afk", "status", "--json"))).toMatchObject({
      agent: "compose",
      killed: null,
    });
  });

  test("fetches the model, and uses it from then on", async () => {
    await expect.poll(() => state("ollama-pull"), SOON).toBe("exited 0");
    await bring("lighthouse");
    const asked = async () => (await modelRequests(inModel)).filter(({ path }) => path === "/api/chat");
    await expect
      .poll(async () => (await asked()).map(({ body }) => body).join(), SOON)
      .toContain("lighthouse");
    await expect.poll(digests, SOON).toContain("lighthouse");
  });

  test("gives the model no way out, the worker one, and nobody a way in", async () => {
    const networks = `${project}_egress false\n${project}_internal true\n`;
    const isInternal = "{{.Name}} {{.Internal}}";
    expect(
      await docker(["network", "inspect", "-f", isInternal, `${project}_egress`, `${project}_internal`]),
    ).toBe(networks);
    expect(await networksOf("ollama")).toEqual([`${project}_internal`]);
    expect(await networksOf("worker")).toEqual([`${project}_egress`, `${project}_internal`]);
    for (const service of ["worker", "ollama", "ollama-pull"]) {
      expect(await inspect(service, "{{json .HostConfig.PortBindings}}")).toBe("{}");
    }
  });

  test("works on without the model when that is stopped", async () => {
    await compose("stop", "ollama");
    await bring("breakwater");
    await expect.poll(digests, SOON).toContain("breakwater");
    expect(await inWorker("sh", "-c", "cat logs/*.jsonl")).toContain('"event":"fallback_used"');
    expect(await state("worker")).toBe("running 0");
    expect(await inWorker("afk", "health")).toMatch(
      /^(?:fit to work$|works with limits: model:ollama\/\S+ is not called)/m,
    );
  });

  test("loses nothing and repeats nothing over a down and an up", async () => {
    const before = await evidence();
    await compose("down");
    await compose("up", "-d", "--no-build");
    await expect.poll(lastTick, SOON).not.toMatch(new RegExp(`^(?:${before.tick})?$`));
    // The same sources once more: all of it was seen before.
    await inWorker("afk", "enqueue", "digest");
    await expect.poll(async () => (await evidence()).done, SOON).toBe(before.done + 1);
    const after = await evidence();
    expect(after.files).toEqual(before.files);
    expect(after.calls).toEqual(before.calls);
  });

  test("stays down after the kill switch, also over an up, until that is cleared", async () => {
    await inWorker("afk", "stop", "--reason", "the test");
    await expect.poll(() => state("worker"), SOON).toBe("exited 0");
    await compose("up", "-d", "--no-build");
    await expect.poll(() => state("worker"), SOON).toBe("exited 0");
    expect(await compose("run", "--rm", "-T", "worker", "resume")).toContain("cleared");
    await compose("up", "-d", "--no-build");
    await expect
      .poll(() => run(program, [...words, "exec", "-T", "worker", "afk", "health"]), SOON)
      .toMatchObject({ code: 0 });
    expect(await state("worker")).toBe("running 0");
  });

  test("starts a worker again that was killed, and ends it at once when it is told to", async () => {
    // Its init is the container's first process; from inside, only the worker itself can be killed.
    const killWorker = `for (const pid of require("node:fs").readdirSync("/proc").filter(Number)) {
      const words = require("node:fs").readFileSync("/proc/" + pid + "/cmdline", "utf8").split("\\0");
      if (words.includes("run") && words.includes("/app/main.js") && pid !== "1") process.kill(pid, "SIGKILL");
    }`;
    const before = await lastTick();
    await run(program, [...words, "exec", "-T", "worker", "node", "-e", killWorker]);
    await expect.poll(() => inspect("worker", "{{.RestartCount}}"), SOON).toBe("1");
    await expect.poll(lastTick, SOON).not.toMatch(new RegExp(`^(?:${before})?$`));
    await compose("stop");
    // 137 would be a kill after the grace of 10 s.
    expect(await state("worker")).toBe("exited 0");
  });

  /** What a newcomer has, but for the images, and for a folder of its own with an inbox to write to. */
  function writeSettings(): void {
    copyFileSync(join(ROOT, ".env.example"), environment);
    const settings = {
      AFK_IMAGE: afkImage,
      OLLAMA_IMAGE: modelImage,
      OLLAMA_MEMORY: "256m",
      AFK_FOLDER: folder,
    };
    for (const [name, value] of Object.entries(settings)) appendFileSync(environment, `${name}=${value}\n`);
    const shipped = readFileSync(join(ROOT, "examples/compose/afk.yaml"), "utf8");
    const changed = shipped.replace("/quickstart/inbox", "inbox").replace("cooldown: 1m", "cooldown: 1s");
    writeFileSync(join(folder, "afk.yaml"), changed);
    mkdirSync(join(folder, "inbox"));
    // The user of the image reads it.
    for (const path of [folder, join(folder, "inbox")]) chmodSync(path, 0o755);
  }

  /** Puts a note into the inbox, and has a digest made without waiting for its time. */
  async function bring(name: string): Promise<void> {
    writeFileSync(join(folder, "inbox", `${name}.md`), `# About the ${name}\n\nThe ${name} was repaired.\n`);
    await inWorker("afk", "enqueue", "digest");
  }

  /** The text of all digests so far. */
  async function digests(): Promise<string> {
    const { stdout } = await run(program, [...words, "exec", "-T", "worker", "sh", "-c", "cat out/*.md"]);
    return stdout;
  }

  /** Such as `running 0` or `exited 137`. */
  function state(service: string): Promise<string> {
    return inspect(service, "{{.State.Status}} {{.State.ExitCode}}");
  }

  async function networksOf(service: string): Promise<string[]> {
    return Object.keys(JSON.parse(await inspect(service, "{{json .NetworkSettings.Networks}}"))).sort();
  }

  async function inspect(service: string, format: string): Promise<string> {
    const id = (await compose("ps", "-aq", service)).trim();
    return (await docker(["inspect", "-f", format, id])).trim();
  }

  /** Empty as long as the worker is still starting. */
  async function lastTick(): Promise<string> {
    const { code, stdout } = await run(program, [
      ...words,
      "exec",
      "-T",
      "worker",
      "afk",
      "status",
      "--json",
    ]);
    return code === 0 ? JSON.parse(stdout).lastTick.id : "";
  }

  async function evidence() {
    const files = await inWorker("sh", "-c", "sha256sum out/*");
    const calls: { id: string }[] = JSON.parse(await inWorker("afk", "ledger", "--json"));
    const { queue } = JSON.parse(await inWorker("afk", "status", "--json"));
    return { files, calls: calls.map(({ id }) => id), done: queue.done as number, tick: await lastTick() };
  }
});
