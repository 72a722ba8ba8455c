import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempDir } from "../support/temp.ts";
import { type FakeHost, fakeHost } from "./fake-systemd.ts";
import { fakeDocker, staged, start } from "./staged.ts";

const IS_ROOT = process.getuid?.() === 0;
/** What runs where the timer is enabled and started. */
const DEPLOYED = ["afk-backup.timer", "afk-stop.path", "afk-watchdog.timer", "afk.timer"];

/** The script's own waits, each as long as a test can bear. */
function hasten(host: FakeHost): void {
  const script = join(host.root, "usr/local/lib/afk/drill-systemctl");
  const text = readFileSync(script, "utf8");
  const hastened = text
    .replace(/^(IDLE|START|GONE)_SECONDS=\d+$/gm, "$1_SECONDS=2")
    .replace(/^WATCH_SECONDS=\d+$/m, "WATCH_SECONDS=1");
  expect(hastened).not.toBe(text);
  writeFileSync(script, hastened);
}

const drill = (host: FakeHost, ...words: string[]) =>
  start(join(host.root, "usr/local/lib/afk/drill"), ["drill", "systemctl", ...words], host.environment);

/** What was handed to afk, to be written down. */
function record(host: FakeHost): {
  verdict?: string | undefined;
  figures: Record<string, unknown>;
  words: string[];
} {
  const words = host.runs().find(([command]) => command === "drill") ?? [];
  return { verdict: words[3], figures: JSON.parse(words[5] ?? "{}"), words };
}

const restored = (host: FakeHost) => {
  expect(host.isAtWork()).toBe(false);
  expect(existsSync(join(host.root, "run/systemd/system/afk.service.d"))).toBe(false);
  expect(existsSync(join(host.root, "run/afk-drill/worker"))).toBe(false);
};

describe.skipIf(!IS_ROOT)("afk drill systemctl", () => {
  it("starts a scratch worker by its unit, stops the timer, and hands in what it measured", async () => {
    const host = fakeHost();
    host.setActive(...DEPLOYED);
    expect(await drill(host).ended).toMatchObject({ code: 0, stderr: "" });
    const { verdict, figures, words } = record(host);
    expect(verdict).toBe("--passed");
    expect(figures).toMatchObject({
      stopped: "afk.timer",
      worker: "afk.service",
      processesBefore: 4,
      processesAfter: 0,
      containersBefore: 1,
      containersAfter: 0,
      signsOfLifeAfter: 0,
      cameBack: "",
    });
    expect(figures.signsOfLifeBefore).toBeGreaterThan(2);
    expect(figures.watchedMs).toBeGreaterThan(4_000);
    expect(words).not.toContain("--json");
    expect(host.told()).toContain("stop afk.timer");
    expect(host.active()).toEqual(DEPLOYED);
    restored(host);
  });

  it("leaves a deployment stopped that was stopped, with all that its timer would start", async () => {
    const host = fakeHost();
    hasten(host);
    host.setActive("afk-backup.timer");
    const ended = await drill(host, "--json").ended;
    expect(ended, record(host).words.join(" ")).toMatchObject({ code: 0 });
    expect(record(host).words.at(-1)).toBe("--json");
    expect(host.active()).toEqual(["afk-backup.timer"]);
    restored(host);
  });

  it("stops the loop, and starts it again, where that is what runs", async () => {
    const host = fakeHost();
    hasten(host);
    host.setActive("afk-loop.service");
    expect(await drill(host).ended).toMatchObject({ code: 0, stderr: "" });
    expect(record(host).figures).toMatchObject({ stopped: "afk-loop.service", worker: "afk-loop.service" });
    expect(host.active()).toEqual(["afk-loop.service"]);
    expect(host.told().at(-1)).toBe("start afk-loop.service");
    restored(host);
  });

  it.each([
    ["survives", /left alive/],
    ["revives", /came back|left alive|signs of life/],
    ["stillborn", /no worker was at work/],
  ])("fails, and puts things back, where the stop is no kill: %s", async (wrong, error) => {
    const host = fakeHost();
    hasten(host);
    host.setActive(...DEPLOYED);
    host.let(wrong);
    // It would wait for a minute and a half, and for as long again until it gives up.
    const script = join(host.root, "usr/local/lib/afk/drill-systemctl");
    writeFileSync(
      script,
      readFileSync(script, "utf8").replace(/^(START|GONE)_SECONDS=.*$/gm, "$1_SECONDS=2"),
    );
    expect(await drill(host).ended).toMatchObject({ code: 1 });
    const { verdict, words } = record(host);
    expect(verdict).toBe("--failed");
    expect(words[words.indexOf("--error") + 1]).toMatch(error);
    expect(host.active()).toEqual(DEPLOYED);
    restored(host);
  });

  it.each([
    ["the timer is not installed", "load-afk.timer", "not-found", /afk\.timer is not-found/],
    [
      "a tick is at work",
      "state-afk.service",
      "activating",
      /a tick is at work \(afk\.service is activating\)/,
    ],
    ["the engine is dead", "no-engine", "", /the engine does not answer/],
    ["the kill switch is set", "status", '{\n  "killed": {\n    "by": "row"', /the kill switch is set/],
    ["a job is at work", "status", '{ "killed": null, "queue": { "running": 1 } }', /a job is at work/],
    ["it is under way already", "state-afk-drill.service", "activating", /under way already/],
  ])("is refused when %s, and changes and records nothing", async (_, name, content, reason) => {
    const host = fakeHost();
    hasten(host);
    host.setActive(...DEPLOYED);
    host.let(name, content);
    const { code, stdout, stderr } = await drill(host, "--json").ended;
    expect(stderr).toMatch(reason);
    expect(JSON.parse(stdout).error.code).toBe("drill_refused");
    expect(code).toBe(1);
    expect(record(host).words).toEqual([]);
    expect(host.told().filter((line) => line !== "reload")).toEqual([]);
    expect(host.active()).toEqual(DEPLOYED);
  });

  it("is refused while the STOP file is there", async () => {
    const host = fakeHost();
    hasten(host);
    writeFileSync(join(host.root, "var/lib/afk/STOP"), "");
    const { code, stderr } = await drill(host).ended;
    expect(stderr).toContain("the kill switch is set");
    expect(code).toBe(1);
    expect(host.told().filter((line) => line !== "reload")).toEqual([]);
  });

  it.each([[DEPLOYED], [[]]])(
    "interrupted while the worker is at work, it puts back what ran: %j",
    async (before) => {
      const host = fakeHost();
      hasten(host);
      host.setActive(...before);
      const running = drill(host);
      await expect.poll(() => host.isAtWork(), { timeout: 30_000 }).toBe(true);
      process.kill(running.pid, "SIGINT");
      const { code, stderr } = await running.ended;
      expect(stderr).toContain("interrupted");
      expect(code).toBe(1);
      expect(host.active()).toEqual(before);
      expect(record(host).words).toEqual([]);
      restored(host);
    },
  );

  it("says so, and fails, when what ran cannot be started again", async () => {
    const host = fakeHost();
    hasten(host);
    host.setActive(...DEPLOYED);
    host.let("stuck");
    const { code, stderr } = await drill(host).ended;
    expect(stderr).toContain("afk.timer ran before the drill and could not be started again");
    expect(code).toBe(1);
    // The kill itself did what it promises.
    expect(record(host).verdict).toBe("--passed");
  });

  it("keeps the figures in front of the person when they could not be written down", async () => {
    const host = fakeHost();
    hasten(host);
    host.let("no-record");
    const { code, stderr } = await drill(host).ended;
    expect(stderr).toMatch(
      /could not be written down.*afk drill record systemctl --passed --figures '\{"startedMs"/,
    );
    expect(code).toBe(1);
  });

  it("a worker gets the scratch agent for as long as a drill may take, and the real one when the drill was forgotten", async () => {
    const root = staged();
    const docker = fakeDocker("exit 0");
    const scratch = tempDir();
    const worker = () =>
      start(join(root, "usr/local/lib/afk/container"), ["--", "tick"], {
        ...docker.environment,
        AFK_SCRATCH: scratch,
      }).ended;
    await worker();
    const old = new Date(Date.now() - 16 * 60_000);
    utimesSync(scratch, old, old);
    await worker();
    rmSync(scratch, { recursive: true });
    await worker();
    const states = docker.calls().map((call) => call.find((word) => word.endsWith(",dst=/data")));
    const real = `type=bind,src=${root}/var/lib/afk/data,dst=/data`;
    expect(states).toEqual([`type=bind,src=${scratch}/state,dst=/data`, real, real]);
  });

  it.each([
    [["drill", "cap", "systemctl"], 2, /fired by itself: afk drill systemctl/],
    [["drill", "systemctl"], 1, /staged tree/],
  ])("the host command takes %j for what it is", async (words, code, message) => {
    const host = fakeHost();
    hasten(host);
    const ended = await start(join(host.root, "usr/local/bin/afk"), words, host.environment).ended;
    expect(ended.stderr).toMatch(message);
    expect(ended.code).toBe(code);
    expect(host.runs()).toEqual([]);
  });

  it.each([
    [["drill", "cap"]],
    [["drill", "record", "systemctl", "--failed", "--figures", "{}"]],
    [["drill", "--list"]],
  ])("the host command leaves %j to the container", async (words) => {
    const host = fakeHost();
    hasten(host);
    await start(join(host.root, "usr/local/bin/afk"), words, host.environment).ended;
    expect(host.runs()).toEqual([words]);
  });
});

it("says why the drill was not tried", ({ skip }) => {
  skip(!IS_ROOT, "the host command is root's, since the secrets are");
});
