// @module-tag processes
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { deployment, PROCESSES } from "../support/afk.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const CONFIG = { agent: "test-agent", budget: { daily_cap_usd: 0 }, models: { chain: ["extractive"] } };
const INSIDE = { AFK_EXEC: "01k" };
/** It fails on purpose, and a tick would wait for its retries. */
const ONCE = { name: "work", kind: "exec", every: "1d", retry: { attempts: 1 } };

describe("a program that a job runs", () => {
  test(
    "stops the agent, and cannot clear that nor decide anything else that is a person's",
    PROCESSES,
    async () => {
      const target = deployment(CONFIG);
      expect((await target.afk(["stop"], INSIDE)).code).toBe(0);
      for (const words of [
        ["resume"],
        ["unpause", "work"],
        ["adopt"],
        ["move", "--to", "sqlite"],
        ["restore", "/tmp/none"],
        ["drafts", "approve", "1"],
        ["questions", "yes", "1"],
        ["key", "make", "laptop"],
        ["clock", "start"],
        ["ledger", "reconcile", "1", "--usd", "0"],
        ["dead", "retry", "work"],
        ["enqueue", "work", "--force"],
      ]) {
        const ended = await target.afk(words, INSIDE);
        expect(ended.stderr, words.join(" ")).toMatch(/is for a person alone/);
        expect(ended.code).toBe(1);
      }
      const status = await target.afk(["status", "--json"], INSIDE);
      expect(JSON.parse(status.stdout).killed).toMatchObject({ by: "row" });
      expect((await target.afk(["resume"])).code).toBe(0);
    },
  );

  test("is known by those above it when it clears its environment", PROCESSES, async () => {
    const afk = `${process.execPath} ${MAIN}`;
    const script = `env -i PATH="$PATH" ${afk} resume; setsid env -i PATH="$PATH" ${afk} key make x; exit 1`;
    const job = { ...ONCE, command: ["sh", "-c", script] };
    const target = deployment({ ...CONFIG, jobs: [{ ...job, state: "visible" }] });
    await target.afk(["tick"]);
    const [row] = target.query<{ error: string }>("select error from jobs");
    expect(row?.error.match(/is for a person alone/g)).toHaveLength(2);
  });

  test("is told that the state is hidden from it, where it asks for it", PROCESSES, async () => {
    const script = `${process.execPath} ${MAIN} status; exit 1`;
    const job = { ...ONCE, command: ["sh", "-c", script] };
    const target = deployment({ ...CONFIG, jobs: [job] });
    await target.afk(["tick"]);
    const [row] = target.query<{ error: string }>("select error from jobs");
    expect(row?.error).toMatch(/does not see the agent's state and settings; its job can say state: visible/);
  });
});
