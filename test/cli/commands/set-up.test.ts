import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { deployment, digestConfig, fillInbox, ollama } from "../../support/afk.ts";
import { afk, afkJson, tick } from "./in-process.ts";

interface Doctor {
  ok: boolean;
  checks: { name: string; result: string; found: string; mend: string | null }[];
}

describe("init", () => {
  it("writes a configuration that doctor --offline accepts, and warns of nobody to alert", async () => {
    const target = deployment();

    const init = await afk(target, "init", "--yes");
    expect(init).toMatchObject({ code: 0, stderr: "" });
    expect(init.stdout).toContain(`wrote ${target.configFile}`);
    expect(readFileSync(target.configFile, "utf8")).toContain("# ");

    const alone = await afkJson(target, "doctor", "--offline");
    expect(alone.code).toBe(0);
    expect((alone.json as Doctor).checks).toContainEqual(
      expect.objectContaining({ name: "alerts", result: "warn" }),
    );
    const channel = 'alerts: [{ type: webhook, url: "http://127.0.0.1:9/hook" }]';
    target.configure(readFileSync(target.configFile, "utf8").replace("alerts: []", channel));
    const doctor = await afkJson(target, "doctor", "--offline");
    expect(badOf(doctor.json)).toEqual([]);
    expect(doctor.code).toBe(0);
  });

  it("does not overwrite what is there", async () => {
    const target = deployment("agent: mine\n");

    const init = await afk(target, "init", "--yes");

    expect(init.code).toBe(1);
    expect(init.stderr).toContain("is there already and was left as it is");
    expect(readFileSync(target.configFile, "utf8")).toBe("agent: mine\n");
  });
});

describe("doctor", () => {
  it("names what is wrong and how to mend it, and ends with 1", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9"));
    fillInbox(target, 1);
    await afk(target, "stop", "--reason", "on purpose");

    const { code, json } = await afkJson(target, "doctor");

    expect(code).toBe(1);
    expect(badOf(json)).toEqual(["kill switch", "model ollama/test-model"]);
    const text = (await afk(target, "doctor")).stdout;
    expect(text).toMatch(/^ {2}BAD {2}kill switch: set by row: on purpose$/m);
    expect(text).toContain("mend: afk resume");
    expect(text).toMatch(/^ {2}ok {3}configuration: /m);
  });

  it("asks no model with --offline", async () => {
    const server = await ollama();
    const target = deployment(digestConfig(server.url));

    const { json } = await afkJson(target, "doctor", "--offline");

    expect((json as Doctor).checks).toContainEqual(
      expect.objectContaining({ name: "model ollama/test-model", result: "skipped" }),
    );
    expect(server.requests).toEqual([]);
  });

  it("takes a refused configuration and a damaged database for findings", async () => {
    const target = deployment("agent: 1\n");
    expect(badOf((await afkJson(target, "doctor")).json)).toEqual([
      "configuration",
      "configuration",
      "configuration",
    ]);

    target.configure(digestConfig("http://127.0.0.1:9"));
    fillInbox(target, 1);
    target.write("state/afk.db", "no database ".repeat(500));
    expect(badOf((await afkJson(target, "doctor", "--offline")).json)).toEqual(["state"]);
    expect((await afk(target, "doctor")).code).toBe(1);
  });

  it("finds counters that do not agree with the ledger", async () => {
    const target = deployment(digestConfig("http://127.0.0.1:9", { models: { chain: ["extractive"] } }));
    fillInbox(target, 1);
    await tick(target);
    const { default: Database } = await import("better-sqlite3");
    const database = new Database(`${target.state}/afk.db`);
    database.exec(
      `insert into budget_windows ("window", period, cap_micros, settled_micros, reserved_micros, overrun_micros)
       values ('day', '2026-11-21', 1000000, 5, 0, 0)`,
    );
    database.close();

    expect(badOf((await afkJson(target, "doctor", "--offline")).json)).toEqual(["counters"]);
  });
});

describe("health", () => {
  it("is well before the first tick and after a good one, and ill after one that failed", async () => {
    const target = deployment(
      digestConfig("http://127.0.0.1:9", {
        job: { retry: { attempts: 1 }, every: "1d" },
        models: { timeout: "1s" },
      }),
    );
    expect(await afkJson(target, "health")).toEqual({
      code: 0,
      json: { isHealthy: true, verdict: "new", problems: [], findings: [] },
    });
    expect((await afk(target, "health")).stdout).toBe("fit to work\n");

    const job = { kind: "exec", command: ["false"], sources: undefined, retry: { attempts: 1 } };
    target.configure(digestConfig("http://127.0.0.1:9", { job }));
    expect(await tick(target)).toMatchObject({ outcome: "failed" });

    const { code, json } = await afkJson(target, "health");
    expect(code).toBe(1);
    expect(json).toMatchObject({
      isHealthy: false,
      problems: [expect.stringContaining("the last tick failed"), "1 dead job"],
    });
  });
});

function badOf(json: unknown): string[] {
  return (json as Doctor).checks.filter(({ result }) => result === "bad").map(({ name }) => name);
}
