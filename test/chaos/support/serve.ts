import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";

const SCRIPT = fileURLToPath(new URL("../../support/serve-model.ts", import.meta.url));

/** A model server in a process of its own, for a test that blocks while afk runs; gives its address. Ends with the test. */
export async function serveModel(log: string): Promise<string> {
  const child = spawn(process.execPath, [SCRIPT, log], { stdio: ["ignore", "pipe", "inherit"] });
  onTestFinished(() => void child.kill("SIGTERM"));
  const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
  return line.trim();
}
