import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Exit } from "../../support/afk.ts";

const MAIN = fileURLToPath(new URL("../../../src/cli/main.ts", import.meta.url));
const NOBODY = 65_534;

/** Runs `afk` with these words in `cwd`, as a user who owns nothing. */
export async function afkAsNobody(cwd: string, words: string[]): Promise<Exit> {
  const child = spawn(process.execPath, [MAIN, ...words], {
    cwd,
    uid: NOBODY,
    gid: NOBODY,
    stdio: ["ignore", "pipe", "pipe"],
    env: { PATH: process.env.PATH ?? "", HOME: "/nonexistent", TZ: "UTC" },
  });
  const written = { stdout: "", stderr: "" };
  for (const stream of ["stdout", "stderr"] as const)
    child[stream].setEncoding("utf8").on("data", (chunk: string) => {
      written[stream] += chunk;
    });
  return await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, ...written }));
  });
}

/** Why it cannot be tried here; null where it can. */
export async function whyNotNobody(cwd: string): Promise<string | null> {
  if (process.getuid?.() !== 0) return "only root can become somebody else";
  const { code } = await afkAsNobody(cwd, ["--version"]);
  return code === 0 ? null : "the checkout cannot be read by another user";
}
