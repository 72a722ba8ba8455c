import { expect, it } from "vitest";
import { docker, run, say } from "../support/engine/command.ts";
import { labelWords, uniqueName } from "../support/engine/names.ts";
import { havePulled } from "../support/engine/pull.ts";
import { digestsOf, itemsNotOnce, type LedgerLine } from "./support/books.ts";
import { deploy } from "./support/deployment.ts";
import { digestConfig } from "./support/digest.ts";
import { eventually } from "./systemd/eventually.ts";

/** The digest is made by a small real model, where its image and its weights can be had. */
const IMAGE = "ollama/ollama:0.34.2";
const MODEL = "qwen2.5:0.5b";
const PULL_MS_MAX = 300_000;
const ITEMS = 2;

it("makes the digest with a real model", { timeout: 900_000 }, async (context) => {
  context.skip(!(await havePulled(IMAGE)), `${IMAGE} is not there and cannot be pulled`);
  const agent = await deploy(context);
  const name = uniqueName("real-model");
  context.onTestFinished(() => run("docker", ["rm", "-fv", name]).then(() => undefined));
  const at = ["--network", agent.network, "--network-alias", "real-model"];
  await docker(["run", "-d", "--name", name, ...labelWords(), ...at, IMAGE]);
  const ollama = (...words: string[]) =>
    run("docker", ["exec", name, "ollama", ...words], { timeoutMs: PULL_MS_MAX });
  await eventually("the model's server answers", async () => (await ollama("list")).code === 0);
  const pulled = await ollama("pull", MODEL);
  context.skip(pulled.code !== 0, `${MODEL} cannot be pulled: ${pulled.stderr.trim().slice(-200)}`);

  const reference = `ollama/${MODEL}`;
  const providers = { ollama: { base_url: "http://real-model:11434" } };
  await agent.configure(
    digestConfig({ models: { chain: [reference], max_output_tokens: 60, providers, prices: {} } }),
  );
  await agent.fillInbox(ITEMS);
  const from = performance.now();
  const { code, stderr } = await agent.run(["tick"]);
  const tookMs = Math.round(performance.now() - from);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { text } = await digestsOf(agent);
  expect(itemsNotOnce(text, ITEMS)).toEqual({});
  expect(text).toContain(reference);
  expect(text).not.toContain("no model answered");
  const lines = await agent.ask<LedgerLine[]>(["ledger", "list"]);
  expect(lines.length).toBeGreaterThanOrEqual(ITEMS);
  expect(lines.every(({ state, model }) => state === "settled" && model === reference)).toBe(true);
  say(`  ${reference}: ${lines.length} calls in ${tookMs} ms`);
});
