import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, inject, it } from "vitest";
import { ROOT, readRunbook } from "../../runbook/document.ts";
import { must, run } from "../../support/engine/command.ts";
import { uniqueName } from "../../support/engine/names.ts";
import "../../support/engine/provided.ts";
import { eventually } from "../systemd/eventually.ts";

/** The column of RUNBOOK.md for compose, and its other commands, in their order and in a folder of their own. */
describe("the runbook with compose", () => {
  const { afkImage, modelImage, missing } = inject("engine");
  const folder = mkdtempSync(join(tmpdir(), "afk-runbook-"));
  const env = {
    COMPOSE_PROJECT_NAME: uniqueName("runbook"),
    AFK_IMAGE: afkImage,
    OLLAMA_IMAGE: modelImage,
    OLLAMA_MEMORY: "256m",
  };
  const down = "docker compose down -v --timeout 2";
  afterAll(async () => {
    if (missing.compose === undefined) await run("sh", ["-c", down], { cwd: folder, env });
    rmSync(folder, { recursive: true, force: true });
  });

  it("every command of its column does what it says", async ({ skip }) => {
    skip(missing.compose !== undefined, missing.compose);
    for (const path of ["compose.yaml", ".env.example", "examples"])
      cpSync(join(ROOT, path), join(folder, path), { recursive: true });
    cpSync(join(folder, ".env.example"), join(folder, ".env"));
    const compose = (line: string) => must("sh", ["-c", line], { cwd: folder, env });
    const column = readRunbook().inline.filter(({ text }) => /^docker compose (?!.*COMMAND)/.test(text));
    const done = new Set<string>();
    for (const { text } of column) {
      if (done.has(text) && !text.includes(" up ")) continue;
      done.add(text);
      // A worker that was stopped has nothing to kill.
      if (text.endsWith(" kill worker")) await compose("docker compose up -d");
      await compose(text.replace(/\b(exec|run)\b/, "$1 -T"));
      if (text.endsWith("up -d")) await eventually("the worker is fit", async () => (await health()) === 0);
      if (text.endsWith("afk stop")) await eventually("the worker ends", async () => !(await isUp()));
      if (/ (?:stop|kill worker|down)$/.test(text)) expect(await isUp(), text).toBe(false);
    }
    expect(done.size).toBeGreaterThan(8);

    async function health(): Promise<number | null> {
      return (await run("sh", ["-c", "docker compose exec -T worker afk health"], { cwd: folder, env })).code;
    }
    async function isUp(): Promise<boolean> {
      return (await compose("docker compose ps -q --status running worker")).trim() !== "";
    }
  });
});
