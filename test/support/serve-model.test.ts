// @module-tag processes
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, it, onTestFinished } from "vitest";
import { createOllama } from "../../src/providers/ollama/ollama.ts";
import { ask, failure } from "../providers/providers.ts";
import { tempDir } from "./temp.ts";

it("serves from a process of its own, counts requests in a file, and ends on SIGTERM", async () => {
  const log = join(tempDir(), "requests.jsonl");
  const script = JSON.stringify([{ type: "error", status: 500 }]);
  const child = spawn(process.execPath, ["test/support/serve-model.ts", log, script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const [url] = await once(createInterface(child.stdout), "line");
  const provider = createOllama({ name: "ollama", settings: {}, baseUrl: url, apiKey: null });
  await failure(ask(provider, "qwen2.5:3b"));
  expect((await ask(provider, "qwen2.5:3b")).text).not.toBe("");
  const lines = readFileSync(log, "utf8").trim().split("\n");
  expect(lines.map((line) => JSON.parse(line).model)).toEqual(["qwen2.5:3b", "qwen2.5:3b"]);
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
});
