import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import Database from "better-sqlite3";
import { describe, expect, it, onTestFinished } from "vitest";
import { type Deployment, deployment, digestConfig } from "../../support/afk.ts";
import { afk, afkJson, tick } from "./in-process.ts";

describe("stop and resume", () => {
  it("set and clear the switch, and say what they did", async () => {
    const target = offline();

    expect(await afkJson(target, "stop", "--reason", "the bill looks odd")).toEqual({
      code: 0,
      json: {
        by: "row",
        detail: "the bill looks odd",
        agent: "test-agent",
        state: target.state,
        worker: {
          wasAtWork: false,
          pid: null,
          isSuspended: false,
          isGone: true,
          waitedMs: expect.any(Number),
        },
        gateway: null,
      },
    });
    expect((await afkJson(target, "status")).json).toHaveProperty("killed.reason", "the bill looks odd");
    expect(await tick(target)).toMatchObject({ outcome: "halted" });

    expect(await afkJson(target, "resume")).toMatchObject({
      code: 0,
      json: { cleared: { by: "row", reason: "the bill looks odd" } },
    });
    expect(await tick(target)).toMatchObject({ outcome: "idle" });
    expect((await afkJson(target, "resume")).json).toEqual({ cleared: null });
    expect(target.events()).toContain("kill_cleared");
  });

  it("speak to people", async () => {
    const target = offline();
    expect((await afk(target, "stop")).stdout).toBe(
      `stopped (row): afk stop\nagent test-agent, state ${target.state}\nno worker was at work\nNo model is called until: afk resume\n`,
    );
    const { stdout } = await afk(target, "resume");
    expect(stdout).toMatch(
      /^cleared \(row\): afk stop\nno loop is running, .*: afk run, or afk tick\n\(what cron/,
    );
    expect((await afk(target, "resume")).stdout).toMatch(/^nothing was set\nno loop is running/);
    target.write("state/STOP", "by hand\n");
    const stopFile = join(target.state, "STOP");
    expect((await afk(target, "resume")).stdout).toContain(`cleared (file): removed ${stopFile}\n`);
  });

  it("keep the first reason when stopped twice, and tell of it once", async () => {
    const target = offline();
    await afk(target, "stop", "--reason", "first");
    await afk(target, "stop", "--reason", "second");

    expect((await afkJson(target, "status")).json).toHaveProperty("killed.reason", "first");
    expect(target.query("select event from alerts")).toEqual([{ event: "kill_set" }]);
  });

  it("clear file and row together", async () => {
    const target = offline();
    await afk(target, "stop");
    target.write("state/STOP", "by hand\n");
    expect((await afkJson(target, "status")).json).toHaveProperty("killed.by", "file");

    expect((await afk(target, "resume")).code).toBe(0);

    expect(existsSync(join(target.state, "STOP"))).toBe(false);
    expect((await afkJson(target, "status")).json).toHaveProperty("killed", null);
  });

  it("wait for no process that makes the database: the STOP file will do", { timeout: 30_000 }, async () => {
    const target = offline();
    mkdirSync(target.state);
    const other = new Database(join(target.state, "afk.db"));
    onTestFinished(() => void other.close());
    other.pragma("auto_vacuum = INCREMENTAL");
    other.exec("begin immediate");

    expect((await afkJson(target, "stop", "--reason", "the bill looks odd")).json).toMatchObject({
      by: "file",
      detail: join(target.state, "STOP"),
    });
    expect(readFileSync(join(target.state, "STOP"), "utf8")).toContain("the bill looks odd");
  });

  it.each(["", "x".repeat(10_000)])("work whatever the reason is", async (reason) => {
    const target = offline();
    expect((await afk(target, "stop", `--reason=${reason}`)).code).toBe(0);
    expect((await afkJson(target, "status")).json).toHaveProperty("killed.by", expect.any(String));
    expect(await tick(target)).toMatchObject({ outcome: "halted" });
  });
});

describe("a stop where a database of several machines is named in a way that is refused", () => {
  const NAMED = { url: "postgres://afk:a/b@db.example:5432/afk" };

  it("says that it is of this machine alone, on one that has never reached it", async () => {
    const target = offline({ database: NAMED });
    const { code, stdout } = await afk(target, "stop");
    expect(stdout).toMatch(/^stopped \(file\)/);
    expect(stdout).toContain("ONLY THIS MACHINE was stopped");
    expect(code).toBe(69);
  });

  it("and where something else is refused too", async () => {
    const target = offline({ database: NAMED, budget: { daily_cap_usd: "none" } });
    expect((await afk(target, "stop")).code).toBe(69);
  });

  it("is of the whole agent where no database is named, or the state is a file here", async () => {
    expect((await afk(offline({ budget: { daily_cap_usd: "none" } }), "stop")).code).toBe(0);
    const target = offline();
    await tick(target);
    target.write("afk.yaml", JSON.stringify({ agent: "test-agent", database: NAMED }));
    expect((await afk(target, "stop")).code).toBe(0);
  });
});

function offline(rest: Record<string, unknown> = {}): Deployment {
  const settings = { models: { chain: ["extractive"] }, rest: { jobs: [], ...rest } };
  return deployment(digestConfig("http://127.0.0.1:9", settings));
}
