import { expect, it } from "vitest";
import { tick } from "../cli/commands/in-process.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";

it("makes no request under DAILY_CAP_USD=0, says cap_hit, alerts, and exits 0", PROCESSES, async () => {
  const server = await ollama();
  const target = deployment(digestConfig(server.url));
  fillInbox(target, 2);

  const ended = await target.afk(["tick"], { DAILY_CAP_USD: "0" });

  expect(ended).toMatchObject({ code: 0, stderr: "" });
  expect(server.requests).toEqual([]);
  expect(target.logs()).toContainEqual(
    expect.objectContaining({ event: "cap_hit", level: "warn", window: "day", capUsd: 0, alerted: true }),
  );
  expect(target.query("select event, severity from alerts")).toEqual([
    { event: "cap_hit", severity: "warn" },
  ]);
  expect(target.query("select outcome from ticks")).toEqual([{ outcome: "halted" }]);
  expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);
  expect(target.query("select * from ledger")).toEqual([]);
  expect(target.outputs()).toEqual({});

  // The refusal is told of once a day, and what was refused is done as soon as there is a cap again.
  target.configure(digestConfig(server.url, { budget: { daily_cap_usd: 0 } }));
  expect(await tick(target)).toMatchObject({ exitCode: 0 });
  expect(target.query("select event from alerts")).toHaveLength(1);
  expect(server.requests).toEqual([]);
  target.configure(digestConfig(server.url));
  expect(await tick(target)).toMatchObject({ exitCode: 0 });
  expect(Object.keys(target.outputs())).toHaveLength(2);
  expect(server.requests).toHaveLength(3);
});

it("writes the digest under a cap of 0 when the chain needs no model", PROCESSES, async () => {
  const target = deployment(digestConfig("http://127.0.0.1:9", { models: { chain: ["extractive"] } }));
  fillInbox(target, 3);

  const ended = await target.afk(["tick", "--json"], { DAILY_CAP_USD: "0" });

  expect(ended.code).toBe(0);
  expect(JSON.parse(ended.stdout)).toMatchObject({ outcome: "ok", units: 3, costMicros: 0 });
  const [, markdown] = Object.entries(target.outputs()).find(([name]) => name.endsWith(".md")) ?? [];
  for (const n of [1, 2, 3]) expect(markdown).toContain(`Title of item-0${n}`);
  expect(markdown).toMatch(/summaries: sentences of the text/);
  expect(target.events()).not.toContain("cap_hit");
});

it(
  "goes on with a free model that follows when on_cap says so, and never asks the one that costs",
  PROCESSES,
  async () => {
    const server = await ollama();
    const priced = { chain: ["ollama/test-model", "extractive"], on_cap: "fallback" };
    const target = deployment(digestConfig(server.url, { models: priced, budget: { daily_cap_usd: 0 } }));
    fillInbox(target, 1);

    expect(await tick(target)).toMatchObject({ exitCode: 0 });

    expect(server.requests).toEqual([]);
    expect(target.events()).toEqual(expect.arrayContaining(["cap_hit", "fallback_used", "job_done"]));
    expect(Object.values(target.outputs()).join("")).toMatch(
      /summaries: sentences of the text, since no model answered/,
    );
  },
);
