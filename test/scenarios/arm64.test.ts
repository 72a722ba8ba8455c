import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import manifest from "../../package.json" with { type: "json" };
import { say } from "../support/engine/command.ts";
import { buildArm64 } from "./support/arm64-image.ts";
import { needArm64 } from "./support/binfmt.ts";
import { digestsOf, itemsNotOnce } from "./support/books.ts";
import { deploy } from "./support/deployment.ts";
import { digestConfig } from "./support/digest.ts";

/** The image for arm64 works: on such a machine, or under qemu-user on another. */
const folder = mkdtempSync(join(tmpdir(), "afk-arm64-"));
let undo: () => void = () => undefined;
afterAll(() => {
  undo();
  rmSync(folder, { recursive: true, force: true });
});

it("says its version, finds itself in order, and makes a digest without a model", {
  timeout: 600_000,
}, async (context) => {
  const reason = await prepare();
  if (reason !== null) context.skip(reason);
  const builtFrom = performance.now();
  const image = await buildArm64(folder);
  const builtMs = Math.round(performance.now() - builtFrom);
  const agent = await deploy(context);
  await agent.configure(digestConfig({ models: { chain: ["extractive"] } }));
  await agent.fillInbox(2);
  // Doctor wants somebody to be told of what goes wrong; here nothing does.
  const env = { ALERT_WEBHOOK: "https://alerts.example.org/hook" };
  const arm64 = { image, env, docker: ["--platform", "linux/arm64"] };

  const asked = await agent.run(["-p", "process.arch"], { ...arm64, entrypoint: "node" });
  expect(asked.stdout.trim()).toBe("arm64");
  expect((await agent.run(["--version"], arm64)).stdout.trim()).toBe(manifest.version);
  const tickedFrom = performance.now();
  const { code, stdout, stderr } = await agent.run(["tick"], arm64);
  const tickedMs = Math.round(performance.now() - tickedFrom);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toContain('"job_done"');
  expect(itemsNotOnce((await digestsOf(agent)).text, 2)).toEqual({});
  const doctor = await agent.run(["doctor", "--offline"], arm64);
  expect(doctor.stdout).not.toContain("BAD");
  expect(doctor.code).toBe(0);
  say(`  arm64: built in ${builtMs} ms, a tick in ${tickedMs} ms`);
});

async function prepare(): Promise<string | null> {
  try {
    undo = await needArm64();
    return null;
  } catch (error) {
    return `programs for arm64 cannot be run here: ${error instanceof Error ? error.message : error}`;
  }
}
