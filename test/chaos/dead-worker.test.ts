import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { openDashboard } from "../../src/dashboard/server.ts";
import { jobKinds } from "../../src/jobs/registry.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { readConfig } from "../../src/ops/read-config.ts";
import { receiver } from "../alerts/receiver.ts";
import { afk } from "../cli/commands/in-process.ts";
import { textOf } from "../dashboard/site.ts";
import { type Deployment, deployment, digestConfig, fillInbox, ollama } from "../support/afk.ts";
import { cases, patience, report } from "../support/chaos.ts";

/*
 * A worker that is gone or does nothing is seen by whoever looks, at once and in the same words: a heartbeat that is only late
 * in half an hour leaves half an hour in which everything says that all is well.
 */

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));

const GONE = /the worker that began at \S+Z ended without a word after \S+Z: start it again/i;
const SUSPENDED = /the worker \(process \d+\) is suspended and does nothing: kill -CONT \d+/i;
const ENDED = /no worker is running since \S+Z, when it was told to end: start it again/i;

/** What takes a worker away, at which moment, and what all say of it then. SIGABRT is what Node ends by without memory. */
const ENDS: readonly { signal: NodeJS.Signals; moment: "idle" | "mid-reply"; says: RegExp }[] = [
  { signal: "SIGKILL", moment: "idle", says: GONE },
  { signal: "SIGSTOP", moment: "idle", says: SUSPENDED },
  { signal: "SIGKILL", moment: "mid-reply", says: GONE },
  { signal: "SIGABRT", moment: "idle", says: GONE },
];

it("a worker that is gone is seen at once by status, health, watchdog, doctor, page and metrics, in the same words", {
  timeout: patience({ test: 180_000, chaos: 300_000 }),
}, async () => {
  const chosen = ENDS.slice(0, cases({ test: 2, chaos: ENDS.length }));
  for (const { signal, moment, says } of chosen) {
    const { target, running, told } = await working(moment);
    await expectWell(target);
    running.kill(signal);
    if (signal === "SIGSTOP") await suspended(running.pid);
    else await running.ended;
    expect(await whatTheySay(target), signal).toEqual(
      Object.fromEntries(ALL.map((name) => [name, expect.stringMatching(says)])),
    );
    expect(told(), signal).toEqual([expect.stringMatching(/^The worker /)]);
    running.kill("SIGKILL");
  }
  report("a worker that is gone", chosen.length);
});

/** Each of its threads stops by itself, and the system says so of the process when the last has. */
async function suspended(pid: number): Promise<void> {
  while (!/^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, "utf8"))) await delay(5);
}

it("a worker whose terminal was closed ends as on SIGTERM, and all say since when none is running", {
  timeout: patience({ test: 180_000, chaos: 60_000 }),
}, async () => {
  const { server, target, running, told } = await working("mid-reply");
  running.kill("SIGHUP");
  expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
  await server.requests[0]?.closed;
  expect(target.query("select outcome from ticks")).toEqual([{ outcome: "halted" }]);
  expect(target.query("select state, attempts from jobs")).toEqual([{ state: "ready", attempts: 0 }]);
  expect(target.events()).toContain("run_ended");
  expect(await whatTheySay(target)).toEqual(
    Object.fromEntries(ALL.map((name) => [name, expect.stringMatching(ENDED)])),
  );
  // It may be on its way back: nobody is woken before the grace is over.
  expect(told()).toEqual([]);
  // The timer's way: between its ticks nobody is missing.
  server.otherwise({ type: "reply" });
  expect(await target.afk(["tick"])).toMatchObject({ code: 0 });
  expect(await afk(target, "health")).toMatchObject({ code: 0, stdout: "fit to work\n" });
});

it("a worker ends in order though the terminal that it writes to is gone", {
  timeout: patience({ test: 180_000, chaos: 60_000 }),
}, async ({ skip }) => {
  if (process.platform !== "linux") skip("no script(1) of util-linux");
  const target = deployment(digestConfig("http://127.0.0.1:9"));
  const words = [process.execPath, MAIN, "run", "--config", target.configFile, "--state", target.state];
  const terminal = spawn("script", ["-qfc", words.map((word) => `'${word}'`).join(" "), "/dev/null"], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  onTestFinished(() => void terminal.kill("SIGKILL"));
  await new Promise<void>((resolve) =>
    terminal.stdout.on("data", (chunk) => String(chunk).includes("tick finished") && resolve()),
  );
  // With the one that holds its other side the terminal is closed, as a window is.
  terminal.kill("SIGKILL");
  await expect.poll(() => target.events(), { timeout: 20_000 }).toContain("run_ended");
});

const ALL = ["status", "health", "watchdog", "doctor", "page", "healthz"];

/** What each says of the worker. */
async function whatTheySay(target: Deployment): Promise<Record<string, string>> {
  const said = async (...words: string[]) => JSON.parse((await afk(target, ...words, "--json")).stdout);
  const [{ heartbeat }, health, watchdog, doctor] = [
    await said("status"),
    await said("health"),
    await said("watchdog"),
    await said("doctor", "--offline"),
  ];
  const page = await ask(target);
  return {
    status: heartbeat.problem,
    health: health.problems.join(),
    watchdog: watchdog.findings[0]?.message ?? watchdog.condition.findings[0].detail,
    doctor: doctor.checks.find((check: { name: string }) => check.name === "lock").found,
    page: textOf(page.page),
    healthz: page.healthz,
  };
}

async function expectWell(target: Deployment): Promise<void> {
  expect((await afk(target, "status")).stdout).toContain("= all is well");
  expect(await afk(target, "health")).toMatchObject({ code: 0, stdout: "fit to work\n" });
  expect((await afk(target, "watchdog")).stdout).toContain("all is well");
  const { page, metrics } = await ask(target);
  expect(textOf(page)).toContain("Worker working process");
  expect(metrics).toContain("afk_worker 1\n");
  expect(metrics).toContain("afk_healthy 1\n");
}

async function ask(target: Deployment): Promise<{ page: string; healthz: string; metrics: string }> {
  const config = readConfig(
    { config: target.configFile, state: target.state, environment: {} },
    () => jobKinds,
  );
  const site = await openDashboard({ config, version: "1", clock: systemClock, onError: () => undefined });
  const text = async (path: string) => await (await fetch(`${site.url}${path}`)).text();
  try {
    return { page: await text(""), healthz: await text("healthz"), metrics: await text("metrics") };
  } finally {
    await site.close();
  }
}

/** A loop that has done its first work, or is in the middle of it. */
async function working(moment: "idle" | "mid-reply") {
  const server = await ollama(moment === "idle" ? [] : [{ type: "stall", pieces: 2 }]);
  const phone = await receiver();
  const rest = { dashboard: { port: 0 }, alerts: [{ type: "webhook", url: `${phone.url}/hook` }] };
  const target = deployment(digestConfig(server.url, { rest }));
  fillInbox(target, 1);
  const running = target.start(["run"]);
  await (moment === "idle" ? running.logged("tick_finished") : server.request(1));
  const told = () =>
    phone.received
      .map(({ body }) => JSON.parse(body) as { event: string; title: string })
      .filter(({ event }) => event === "heartbeat_late")
      .map(({ title }) => title);
  return { server, target, running, told };
}
