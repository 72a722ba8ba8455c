// @module-tag processes
// @module-tag slow
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { type Deployment, deployment, digestConfig } from "../support/afk.ts";
import { isChaos, patience, report } from "../support/chaos.ts";
import { CHAT, type TelegramServer, telegramServer } from "../support/telegram-server.ts";

const PRELOAD = fileURLToPath(new URL("./support/crash-preload.ts", import.meta.url));
/** Both sides of a step come up, one after the other; `npm run chaos` takes every point. */
const STRIDE = 5;

it(
  "a stop from the phone is obeyed once, whatever durable step afk is killed at",
  async () => {
    const plain = await prepare();
    expect((await tick(plain.target, "")).code).toBe(0);
    expect(isStopped(plain.target)).toBe(true);
    const steps = readFileSync(join(plain.target.dir, "steps.log"), "utf8").trim().split("\n");
    for (const wanted of ["remote_messages", "kill_switch", "remote_cursors"])
      expect(
        steps.some((step) => step.includes(wanted)),
        steps.join("\n"),
      ).toBe(true);

    const all = steps.flatMap((_step, index) => [`${index + 1}:before`, `${index + 1}:after`]);
    const points = all.filter((_point, index) => isChaos() || index % STRIDE === 0);
    const before: string[] = [];
    for (const point of points) {
      const { target, server } = await prepare();
      const where = `killed at ${point} (${steps[Number.parseInt(point, 10) - 1]})`;
      const exit = await tick(target, point);
      if (exit.signal !== "SIGKILL") expect(exit.code, `${where}: ${exit.stderr}`).toBe(0);
      const wasObeyed = isStopped(target);
      if (!wasObeyed) before.push(point);
      if (wasObeyed) expect((await target.afk(["resume"])).code, where).toBe(0);
      expect((await tick(target, "")).code, where).toBe(0);
      // What had committed is not done again, and what had not is done now.
      expect(isStopped(target), where).toBe(!wasObeyed);
      expect(target.query("select cursor from remote_cursors"), where).toEqual([{ cursor: "101" }]);
      expect(target.query("select * from remote_messages"), where).toHaveLength(1);
      expect(target.query("select * from alerts where event = 'kill_set'"), where).toHaveLength(1);
      await server.close();
    }
    report("crash points of a stop", points.length, `${before.length} before it was on disk`);
    expect(before.length).toBeGreaterThan(0);
    expect(before.length).toBeLessThan(points.length);
  },
  patience({ test: 300_000, chaos: 900_000 }),
);

async function prepare(): Promise<{ target: Deployment; server: TelegramServer }> {
  const server = await telegramServer();
  const target = deployment(
    digestConfig("http://127.0.0.1:9", {
      rest: {
        jobs: [],
        alerts: [{ name: "phone", type: "telegram", url: server.url, chat_id: CHAT }],
        remote: { telegram: { channel: "phone" } },
      },
    }),
  );
  server.type("stop");
  return { target, server };
}

function isStopped(target: Deployment): boolean {
  try {
    return target.query("select id from kill_switch where set_at is not null").length > 0;
  } catch {
    // It was killed before there was a table.
    return false;
  }
}

function tick(target: Deployment, point: string) {
  target.write("steps.log", "");
  return target.afk(["tick"], {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CRASH_LOG: join(target.dir, "steps.log"),
    CRASH_AT: point,
  });
}
