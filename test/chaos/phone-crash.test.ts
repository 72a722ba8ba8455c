// @module-tag processes
// @module-tag slow
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Database from "better-sqlite3";
import { expect, it } from "vitest";
import { openAgent } from "../../src/agent.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama } from "../support/afk.ts";
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

it(
  "a question is asked once and a yes grants once, whatever durable step afk is killed at",
  async () => {
    const asking = await prepareAsking();
    const steps = await stepsOf(asking.target);
    const answering = await prepareAsking();
    await tick(answering.target, "");
    answering.server.type(answering.code());
    const after = await stepsOf(answering.target);

    const points = [
      ...around(steps).map((point) => ({ point, isAsking: true })),
      ...around(after).map((point) => ({ point, isAsking: false })),
    ];
    for (const { point, isAsking } of points) {
      const { target, server, model, code } = await prepareAsking();
      const where = `killed at ${point} of the tick that ${isAsking ? "asks" : "is answered"}`;
      if (!isAsking) {
        await tick(target, "");
        server.type(code());
      }
      const exit = await tick(target, point, ANSWERING);
      expect(exit.signal, `${where}: ${exit.stderr}`).toBe("SIGKILL");
      // The owner answers whatever came, as soon as it came.
      if (isAsking && server.sent.length > 0) server.type(code());
      for (let n = 0; n < 6 && !isDone(target); n++) {
        const sent = server.sent.length;
        await tick(target, "");
        if (server.sent.length > sent && isOpen(target)) server.type(code());
        if (isOpen(target)) await letCodesAge(target);
      }
      expect(isDone(target), where).toBe(true);
      expect(target.query("select kind, state from questions"), where).toEqual([
        { kind: "cap", state: "yes" },
      ]);
      expect(target.query("select extra from cap_grants"), where).toEqual([{ extra: 1 }]);
      expect(target.query("select * from alerts where event = 'approval_asked'"), where).toHaveLength(1);
      expect(target.query("select id from ledger where state <> 'settled'"), where).toEqual([]);
      expect(model.requests, where).toHaveLength(2);
      await server.close();
    }
    report("crash points of a question and its answer", points.length);
    expect(points.some(({ isAsking }) => isAsking) && points.some(({ isAsking }) => !isAsking)).toBe(true);
  },
  patience({ test: 300_000, chaos: 900_000 }),
);

/** The steps that ask and answer. */
const ANSWERING = "questions|cap_grants|remote_messages|remote_cursors";

/** Before and after each; in a plain run every third, `npm run chaos` takes every point. */
function around(steps: readonly string[]): string[] {
  const all = steps.flatMap((_step, index) => [`${index + 1}:before`, `${index + 1}:after`]);
  return all.filter((_point, index) => isChaos() || index % 3 === 0);
}

async function stepsOf(target: Deployment): Promise<string[]> {
  await tick(target, "", ANSWERING);
  return readFileSync(join(target.dir, "steps.log"), "utf8").trim().split("\n");
}

/** A digest of one item, which meets the cap of its job at its second call. */
async function prepareAsking() {
  const [server, model] = [await telegramServer(), await ollama()];
  const job = { caps: { daily_calls: 1 }, on_cap: "ask", retry: { first: "1s", max: "1s" } };
  const rest = {
    alerts: [{ name: "phone", type: "telegram", url: server.url, chat_id: CHAT, on: ["alert_test"] }],
    remote: { telegram: { channel: "phone" } },
  };
  const target = deployment(digestConfig(model.url, { job, rest }));
  fillInbox(target, 1);
  // The tables are there before anything is counted.
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  await agent.close();
  const code = () =>
    server.sent.flatMap(({ reply_markup }) => reply_markup?.keyboard[0]?.[0]?.text ?? []).at(-1) ?? "";
  return { server, model, target, code };
}

const isDone = (target: Deployment) =>
  target.query("select id from jobs where name = 'digest' and state = 'done'").length === 1;
const isOpen = (target: Deployment) =>
  target.query("select id from questions where state = 'open'").length === 1;

/** A code that is not known to have got out is made again after a minute. */
async function letCodesAge(target: Deployment): Promise<void> {
  const database = new Database(join(target.state, "afk.db"));
  database.exec("update questions set code_made_at = code_made_at - 120000 where sent_at is null");
  database.close();
}

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

function tick(target: Deployment, point: string, only = "") {
  target.write("steps.log", "");
  return target.afk(["tick"], {
    NODE_OPTIONS: `--import=${PRELOAD}`,
    CRASH_LOG: join(target.dir, "steps.log"),
    CRASH_AT: point,
    CRASH_ONLY: only,
  });
}
