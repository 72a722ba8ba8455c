// @module-tag processes
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it } from "vitest";
import { receiver } from "../../alerts/receiver.ts";
import { type Deployment, deployment, digestConfig, PROCESSES } from "../../support/afk.ts";
import { afk, afkJson, tick } from "./in-process.ts";

describe("afk watchdog", () => {
  it("says that all is well, and takes no time-out of a receiver for it", async () => {
    const target = offline();
    await tick(target);
    expect(await afk(target, "watchdog")).toEqual({
      code: 0,
      stdout: "all is well\nalerts: 0 sent, 0 failed, 0 waiting\n",
      stderr: "",
    });
    expect(await afkJson(target, "watchdog")).toEqual({
      code: 0,
      json: {
        ok: true,
        killed: null,
        condition: { verdict: "well", line: "all is well", findings: [] },
        findings: [],
        recovered: [],
        alerts: { sent: 0, failed: 0, pending: 0 },
      },
    });
  });

  it("says what is wrong, with exit code 1, and nothing of a stopped agent", async () => {
    const target = offline();
    for (let n = 0; n < 3; n++) await tick(target);
    backdate(target);
    const { code, stdout } = await afk(target, "watchdog");
    expect(code).toBe(1);
    expect(stdout).toContain("No tick since 2020-");
    expect((await afkJson(target, "watchdog")).json).toMatchObject({ ok: false });
    await afk(target, "stop");
    expect(await afk(target, "watchdog")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("stopped on purpose: afk stop"),
    });
  });

  it("is not silent about a configuration that is refused", async () => {
    const hooks = await receiver();
    const target = offline(`${hooks.url}/hook`);
    target.configure(readFileSync(target.configFile, "utf8").replace('"budget"', '"budgett"'));
    expect(await afk(target, "watchdog")).toMatchObject({ code: 78 });
    expect(hooks.received).toHaveLength(1);
  });
});

describe("afk alert test", () => {
  it("shows what each channel answered, and no address", async () => {
    const good = await receiver();
    const bad = await receiver(() => ({ status: 403, body: "no such hook" }));
    const target = offline(`${good.url}/a-secret-path-that-is-long`, `${bad.url}/another-secret-path`);
    const { code, stdout } = await afk(target, "alert", "test");
    expect(code).toBe(1);
    expect(stdout.split("\n").map((line) => line.split(/\s{2,}/))).toEqual([
      ["CHANNEL", "HOST", "STATUS", "RESULT"],
      ["webhook", new URL(good.url).host, "200", "ok"],
      ["webhook-2", new URL(bad.url).host, "403", "HTTP 403: no such hook"],
      [""],
    ]);
    expect(stdout).not.toContain("secret-path");
    expect(JSON.parse(good.received[0]?.body ?? "")).toMatchObject({
      event: "alert_test",
      agent: "test-agent",
    });
    expect(existsSync(join(target.state, "afk.db"))).toBe(false);
  });

  it("asks a receiver once that several jobs name, and calls it by its name", async () => {
    const phone = await receiver();
    const job = (name: string) => ({
      name,
      kind: "exec",
      every: "1h",
      command: ["true"],
      deliver: [{ to: "phone" }],
    });
    const alerts = [{ name: "phone", type: "webhook", url: `${phone.url}/hook` }];
    const target = deployment({ ...config(alerts), jobs: [job("a"), job("b")] });
    const { stdout } = await afk(target, "alert", "test");
    expect(stdout.match(/^phone \(webhook\) /gm)).toHaveLength(1);
    expect(phone.received).toHaveLength(1);
  });

  it("reaches a channel that wants other events only, and says so in JSON", async () => {
    const hooks = await receiver();
    const target = deployment(config([{ type: "webhook", url: `${hooks.url}/hook`, on: ["cap_hit"] }]));
    expect(await afkJson(target, "alert", "test")).toEqual({
      code: 0,
      json: {
        ok: true,
        channels: [
          {
            name: "webhook",
            type: "webhook",
            host: new URL(hooks.url).host,
            ok: true,
            status: 200,
            error: null,
          },
        ],
      },
    });
  });

  it("fails where no channel is configured, and where one is not there", async () => {
    const none = await afk(offline(), "alert", "test");
    expect(none).toMatchObject({ code: 1, stdout: expect.stringContaining("no channel") });
    const gone = await receiver();
    await gone.stop();
    const answer = await afk(offline(`${gone.url}/hook`), "alert", "test");
    expect(answer).toMatchObject({ code: 1, stdout: expect.stringContaining("ECONNREFUSED") });
  });
});

describe("afk alert unit", () => {
  it("tells at once, also with the empty values of an old systemd", async () => {
    const hooks = await receiver();
    const target = offline(`${hooks.url}/hook`);
    expect(
      await afk(target, "alert", "unit", "afk.service", "--result", "timeout", "--status", "TERM"),
    ).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("1 told, 0 not yet (unit_failed:afk.service:"),
    });
    expect(await afkJson(target, "alert", "unit", "afk.service", "--result=", "--status=")).toMatchObject({
      code: 0,
      json: { ok: true, direct: false, sent: 1 },
    });
    expect(hooks.received).toHaveLength(2);
  });

  it("fails when nobody could be told", async () => {
    const target = offline("http://127.0.0.1:9/hook");
    expect(await afk(target, "alert", "unit", "afk.service")).toMatchObject({
      code: 1,
      stdout: expect.stringContaining("0 told, 1 not yet"),
    });
  });

  it("tells past the outbox where the database is none", async () => {
    const hooks = await receiver();
    const target = offline(`${hooks.url}/hook`);
    target.write("state/afk.db", "this is no database, and long enough to be looked at");
    const { code, stdout } = await afk(target, "alert", "unit", "afk.service");
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining("told directly, past the outbox"),
    });
  });
});

describe("afk backup and afk restore", () => {
  it("copy the state and put it back, stopped, and say what to do before it is resumed", async () => {
    const target = offline();
    await tick(target);
    const file = join(target.dir, "afk-{date}.db");
    const day = new Date().toISOString().slice(0, 10);
    const made = await afk(target, "backup", file, "--keep", "7");
    expect(made).toMatchObject({ code: 0, stderr: "" });
    expect(made.stdout).toMatch(/^wrote \S+afk-\d{4}-\d\d-\d\d\.db \(\d+ bytes, checked\)\n$/);
    expect(await afkJson(target, "backup", file)).toMatchObject({
      code: 1,
      json: { error: { code: "exists" } },
    });
    expect(await afkJson(target, "backup", file, "--force")).toMatchObject({
      code: 0,
      json: { deleted: [] },
    });

    const backup = file.replace("{date}", day);
    expect((await afk(target, "restore", backup, "--dry-run")).stdout).toContain("nothing was changed");
    expect((await afkJson(target, "status")).json).toHaveProperty("killed", null);
    const { code, stdout } = await afk(target, "restore", backup);
    expect(code).toBe(0);
    expect(stdout).toContain("afk resume");
    expect(stdout).toContain("missing from the counters");
    expect((await afkJson(target, "status")).json).toHaveProperty("killed.by", "row");
    expect((await afkJson(target, "restore", backup)).json).toMatchObject({
      agent: "test-agent",
      isDryRun: false,
    });
  });

  it("refuse --keep without a day in the name", async () => {
    const target = offline();
    await tick(target);
    const answer = await afk(target, "backup", join(target.dir, "copy.db"), "--keep", "7");
    expect(answer).toMatchObject({ code: 2, stderr: expect.stringContaining("{date}") });
  });

  it(
    "do so beside a worker: the backup is made, the restore is refused",
    async () => {
      const target = offline();
      const worker = target.start(["run"]);
      await worker.logged("tick_finished");
      expect(await target.afk(["backup", "copy.db"])).toMatchObject({ code: 0 });
      expect(await target.afk(["restore", "copy.db"])).toMatchObject({ code: 75 });
      worker.kill("SIGTERM");
      expect(await worker.ended).toMatchObject({ code: 0 });
      expect(await target.afk(["restore", "copy.db"])).toMatchObject({ code: 0 });
    },
    PROCESSES.timeout,
  );
});

describe("afk release", () => {
  it(
    "prints a file and nothing else to standard output, with the program that runs it",
    async () => {
      const target = offline();
      const { code, stdout, stderr } = await target.afk(["release", "--format", "cron"]);
      expect(code).toBe(0);
      expect(stdout.trim().split("\n").at(-1)).toContain(`${process.execPath} `);
      expect(stdout).toContain(
        `src/cli/main.ts tick --config ${target.configFile} --state ${target.state} >`,
      );
      expect(stderr).toContain("to install it:");
    },
    PROCESSES.timeout,
  );

  it("writes into a folder, and says where", async () => {
    const target = offline();
    const dir = join(target.dir, "release");
    expect((await afk(target, "release", "--format", "launchd", "--output", dir)).stdout).toBe(
      ["", ".watchdog", ".backup"]
        .map((kind) => `wrote ${join(dir, `afk.test-agent${kind}.plist`)}\n`)
        .join(""),
    );
    expect((await afkJson(target, "release")).json).toMatchObject({
      format: "systemd",
      path: null,
      everySeconds: 300,
      content: expect.stringContaining("OnCalendar=*:0/5"),
    });
  });

  it("checks the configuration first", async () => {
    const target = offline();
    target.configure("agent: x\n");
    const dir = join(target.dir, "release");
    expect(await afk(target, "release", "--output", dir)).toMatchObject({ code: 78, stdout: "" });
    expect(existsSync(dir)).toBe(false);
  });

  it("refuses a format that there is none of", async () => {
    expect(await afk(offline(), "release", "--format", "upstart")).toMatchObject({ code: 2 });
  });
});

function config(alerts: object[]): Record<string, unknown> {
  return digestConfig("http://127.0.0.1:9", {
    models: { chain: ["extractive"] },
    rest: { jobs: [], alerts },
  });
}

function offline(...hooks: string[]): Deployment {
  return deployment(config(hooks.map((url) => ({ type: "webhook", url }))));
}

/** Puts every tick years back, as if nothing had run since. */
function backdate(target: Deployment): void {
  const database = new Database(join(target.state, "afk.db"));
  const shift = Date.now() - Date.parse("2020-06-01T00:00:00Z");
  database
    .prepare("update ticks set started_at = started_at - ?, finished_at = finished_at - ?")
    .run(shift, shift);
  database.close();
}
