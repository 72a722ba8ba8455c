// @module-tag processes
// @module-tag slow
import { appendFileSync, copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { systemClock } from "../../src/lib/clock.ts";
import { deployment, PROCESSES } from "../support/afk.ts";
import { contentServer } from "../support/content-server.ts";

const EXAMPLE = fileURLToPath(new URL("../../examples/watch/", import.meta.url));
const priced = (price: string) => `<title>Lamp</title><h1>Lamp</h1><p class="price">${price}</p>`;

test("looks at a price, a log and the disks, and is silent until there is something", PROCESSES, async () => {
  const shop = await contentServer({ "/lamp": priced("349,00 €") });
  const target = deployment();
  target.write("app.log", `${new Date().toISOString()} INFO started\n`);
  copyFileSync(join(EXAMPLE, "disks.sh"), join(target.dir, "disks.sh"));
  // The example itself, with this server and log; no disk is as full as 101 %.
  const example = readFileSync(join(EXAMPLE, "afk.yaml"), "utf8");
  target.configure(
    example
      .replace("https://shop.example.org/lamp", `${shop.origin}/lamp`)
      .replace(
        "allow: [shop.example.org]",
        "allow: [127.0.0.1]\n  allow_private: [127.0.0.1]\n  requests_per_minute: 6000",
      )
      .replace("/var/log/app.log", "./app.log")
      .replace("every: 15m", "every: 1s")
      .replace("command: [sh, disks.sh]", 'command: [sh, disks.sh]\n        env: { FULL: "101" }'),
  );
  const look = async () => {
    // The job is due every second; a tick that begins earlier would have nothing to look at.
    await systemClock.sleep(1_100);
    const tick = await target.afk(["tick", "--json"]);
    expect(tick.code).toBe(0);
    const { outcome, outputs } = JSON.parse(tick.stdout) as { outcome: string; outputs: string[] };
    const written = outputs.filter((path) => path.endsWith(".md")).map((path) => readFileSync(path, "utf8"));
    return { outcome, said: written.join() };
  };
  expect((await target.afk(["doctor"])).stdout).toContain("every folder and file that jobs name is there");

  const first = await look();
  expect(first.said).toContain("first look at the page");
  expect(first.said).not.toContain("349");
  expect(await look()).toEqual({ outcome: "idle", said: "" });

  shop.routes["/lamp"] = priced("289,00 €");
  for (const attempt of [1, 2, 3])
    appendFileSync(
      join(target.dir, "app.log"),
      `${new Date().toISOString()} ERROR upload ${attempt} failed\n`,
    );
  const second = await look();
  expect(second.said).toContain("Lamp: 289, below 300");
  expect(second.said).toMatch(/3 × .*ERROR upload # failed/);
  expect(await look()).toEqual({ outcome: "idle", said: "" });

  target.configure(readFileSync(target.configFile, "utf8").replace('"101"', '"0"'));
  expect((await look()).said).toContain("is at least 0 % full");
  expect(await look()).toEqual({ outcome: "idle", said: "" });
  expect(target.query("select count(*) as runs from jobs where state = 'done'")).toEqual([{ runs: 6 }]);
  expect(target.query("select count(*) as calls from ledger")).toEqual([{ calls: 0 }]);
});
