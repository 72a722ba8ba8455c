import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { tick } from "../cli/commands/in-process.ts";
import { deployment, digestConfig, fillInbox, ollama, PROCESSES } from "../support/afk.ts";

it("makes one digest in a period, however often it ticks", PROCESSES, async () => {
  const server = await ollama();
  const target = deployment(digestConfig(server.url));
  fillInbox(target, 1);

  expect(await tick(target)).toMatchObject({ outcome: "ok" });
  const outputs = target.outputs();
  fillInbox(target, 1, "later");
  const again = await target.afk(["tick", "--json"]);

  expect(again.code).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ outcome: "idle", outputs: [], units: 0 });
  expect(target.outputs()).toEqual(outputs);
  expect(server.requests).toHaveLength(2);
  expect(target.query("select state from jobs")).toEqual([{ state: "done" }]);
});

it("leaves at once with 75 while another tick is at work, and touches nothing", PROCESSES, async () => {
  const server = await ollama([{ type: "stall", pieces: 1 }]);
  const target = deployment(digestConfig(server.url));
  fillInbox(target, 1);
  const first = target.start(["tick"]);
  await server.request(1);
  const before = contentOf(target.state);

  for (const words of [["run"], ["tick", "--now", "digest"]]) {
    const refused = await target.afk(words);
    expect(refused).toMatchObject({ code: 75, stdout: "" });
    expect(refused.stderr).toContain("another afk process is at work");
  }

  expect(contentOf(target.state)).toEqual(before);
  expect(server.requests).toHaveLength(1);
  first.kill("SIGTERM");
  expect(await first.ended).toMatchObject({ code: 0 });
});

/** A digest of every file but SQLite's index of its write-ahead log, which readers write too. */
function contentOf(dir: string): Record<string, string> {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !entry.name.endsWith("-shm"),
  );
  return Object.fromEntries(
    files.map(({ parentPath, name }) => [
      join(parentPath, name),
      createHash("sha256")
        .update(readFileSync(join(parentPath, name)))
        .digest("hex"),
    ]),
  );
}
