import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { tick } from "../cli/commands/in-process.ts";
import { COMPILE_CACHE, deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";
import { runNode } from "../support/run-node.ts";

const ONE_CALL = fileURLToPath(new URL("one-call.ts", import.meta.url));
const COOLDOWN_MS = 120_000;

it(
  "leaves a model alone after five failures and tries it with one probe, whatever the number of processes",
  PROCESSES,
  async () => {
    const server = await ollama([], { type: "error", status: 500 });
    const target = deployment(digestConfig(server.url, { breaker: { failures: 5, cooldown: "2m" } }));
    fillInbox(target, 1);
    const library = async (calls: number, aheadMs = 0) => {
      const words = [target.dir, String(calls), String(aheadMs)];
      const { stdout, stderr } = await runNode(ONE_CALL, words, COMPILE_CACHE);
      expect(stderr).toBe("");
      return stdout.trim().split("\n");
    };

    // 1. Three failures in one process and two in another open it; the sixth call does not reach the network.
    expect(await library(3)).toEqual(["failed", "failed", "failed"]);
    expect(target.events()).not.toContain("breaker_open");
    expect(await library(3)).toEqual(["failed", "failed", "left-alone"]);
    expect(server.requests).toHaveLength(5);
    expect(target.logs().filter(({ event }) => event === "breaker_open")).toHaveLength(1);
    expect(target.query("select event from alerts")).toEqual([{ event: "breaker_open" }]);

    // 2. Nor does a tick, which says by its exit code that a dependency is down. It was not tried: no attempt counts.
    expect(await tick(target)).toMatchObject({ outcome: "failed", exitCode: 69 });
    expect(server.requests).toHaveLength(5);
    expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);

    // 3. After the cooldown one probe leaves; while it is under way nobody else gets through.
    let answer = () => {};
    const answered = new Promise<void>((resolve) => {
      answer = resolve;
    });
    server.script([{ type: "slow", gate: () => answered }]);
    const probing = library(1, COOLDOWN_MS + 5_000);
    await server.request(6);
    expect(await library(2, COOLDOWN_MS + 5_000)).toEqual(["left-alone", "left-alone"]);
    expect(server.requests).toHaveLength(6);

    // 4. Its answer closes the breaker for all.
    answer();
    expect(await probing).toEqual(["answered"]);
    expect(target.query("select state, failures from breakers")).toEqual([{ state: "closed", failures: 0 }]);
    expect(target.events()).toContain("breaker_closed");
  },
);
