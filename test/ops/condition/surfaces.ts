import { openAgent } from "../../../src/agent.ts";
import { openDashboard } from "../../../src/dashboard/server.ts";
import { allKinds } from "../../../src/jobs/kinds.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { FINDINGS, type Finding, type FindingCode } from "../../../src/ops/condition/finding.ts";
import type { Check } from "../../../src/ops/doctor/check.ts";
import { readConfig } from "../../../src/ops/read-config.ts";
import type { Status } from "../../../src/ops/status.ts";
import type { WatchdogReport } from "../../../src/ops/watchdog/watchdog.ts";
import { createPing } from "../../../src/runner/ping/ping.ts";
import { pingTick } from "../../../src/runner/ping/tick-report.ts";
import type { Received } from "../../alerts/receiver.ts";
import { afk } from "../../cli/commands/in-process.ts";
import { textOf } from "../../dashboard/site.ts";
import type { Deployment } from "../../support/afk.ts";

/** What one surface says of a state. */
export interface Said {
  /** That there is nothing to do and nothing is wrong. */
  isWell: boolean;
  /** That the agent is fit to work: exit code 0, status 200, a ping of success. */
  isFit: boolean;
  /** What it shows first. */
  first: string;
  /** The kinds of findings that it names; null where it names them in words alone. */
  codes: FindingCode[] | null;
  /** All of its text. */
  text: string;
}

export const SURFACES = [
  "status",
  "health",
  "watchdog",
  "doctor",
  "page",
  "metrics",
  "healthz",
  "ping",
] as const;
export type Surfaces = Record<(typeof SURFACES)[number], Said> & { findings: Finding[] };

/** Asks every surface of one state; the two that write come last. */
export async function askAll(target: Deployment, pings: readonly Received[]): Promise<Surfaces> {
  const { findings, said: status } = await askStatus(target);
  const health = await askHealth(target);
  const doctor = await askDoctor(target);
  const site = await askSite(target);
  // Each writes down what it did: a ping that was taken, and an alert that was tried.
  const isPingFirst = !status.codes?.includes("ping_failing");
  const early = isPingFirst ? await askPing(target, pings) : null;
  const watchdog = await askWatchdog(target);
  const ping = early ?? (await askPing(target, pings));
  return { findings, status, health, watchdog, doctor, ...site, ping };
}

async function askStatus(target: Deployment): Promise<{ findings: Finding[]; said: Said }> {
  const { code, stdout: text } = await afk(target, "status");
  const { findings } = JSON.parse((await afk(target, "status", "--json")).stdout) as Status;
  const first = text.split("\n")[1] ?? "";
  const said = {
    isWell: first === "= all is well",
    isFit: code === 0,
    first,
    codes: codesOf(findings),
    text,
  };
  return { findings, said };
}

async function askHealth(target: Deployment): Promise<Said> {
  const { code, stdout: text } = await afk(target, "health");
  const { findings, isHealthy } = JSON.parse((await afk(target, "health", "--json")).stdout) as {
    findings: Finding[];
    isHealthy: boolean;
  };
  const first = text.split("\n")[0] ?? "";
  const isWell = first === "fit to work";
  return { isWell, isFit: code === 0 && isHealthy, first, codes: codesOf(findings), text };
}

async function askDoctor(target: Deployment): Promise<Said> {
  const { code, stdout: text } = await afk(target, "doctor", "--offline");
  const { checks } = JSON.parse((await afk(target, "doctor", "--offline", "--json")).stdout) as {
    checks: Check[];
  };
  const first = text.trimEnd().split("\n").at(-1) ?? "";
  const codes = checks.flatMap(({ code: each }) => each ?? []);
  return { isWell: first.startsWith("fit to work"), isFit: code === 0, first, codes: unique(codes), text };
}

async function askWatchdog(target: Deployment): Promise<Said> {
  const { code, stdout } = await afk(target, "watchdog", "--json");
  const report = JSON.parse(stdout) as WatchdogReport & { ok: boolean };
  const first = report.condition?.line ?? "";
  const text = [first, ...report.findings.map(({ title }) => title)].join("\n");
  const isWell = first === "all is well";
  const codes = codesOf(report.condition?.findings ?? []);
  return { isWell, isFit: code === 0 && report.ok, first, codes, text };
}

async function askSite(target: Deployment): Promise<Pick<Surfaces, "page" | "metrics" | "healthz">> {
  const sources = { config: target.configFile, state: target.state, environment: {} };
  const config = readConfig(sources, () => allKinds(sources));
  const errors: string[] = [];
  const onError = (error: string) => void errors.push(error);
  const site = await openDashboard({ config, version: "1", clock: systemClock, onError });
  try {
    const [html, metrics, answer] = [
      await (await fetch(site.url)).text(),
      await (await fetch(`${site.url}metrics`)).text(),
      await fetch(`${site.url}healthz`),
    ];
    if (errors.length > 0) throw new Error(errors.join("\n"));
    return { page: pageSaid(html), metrics: metricsSaid(metrics), healthz: await healthzSaid(answer) };
  } finally {
    await site.close();
  }
}

function pageSaid(html: string): Said {
  const first =
    /<h2 class="headline"[^>]*>(.*?)<\/h2>/s
      .exec(html)?.[1]
      ?.replace(/<[^>]*>/g, "")
      .trim() ?? "";
  const isWell = first === "All is well" || first === "At work, all is well";
  // What keeps it from being fit is shown as what a person has to act on.
  return { isWell, isFit: !["Not well", "Stopped"].includes(first), first, codes: null, text: textOf(html) };
}

/** Reads the text format of Prometheus, with labels as they are escaped in it. */
export function parseMetrics(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    const found = /^(\w+(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (\S+)$/.exec(line);
    if (found === null) throw new Error(`no sample: ${line}`);
    samples.set(found[1]!, Number(found[2]));
  }
  return samples;
}

function metricsSaid(text: string): Said {
  const samples = parseMetrics(text);
  const codes = (Object.keys(FINDINGS) as FindingCode[]).filter((code) => {
    const value = samples.get(`afk_condition{code="${code}"}`);
    if (value !== 0 && value !== 1) throw new Error(`afk_condition of ${code} is ${value}`);
    return value === 1;
  });
  const isFit = samples.get("afk_healthy") === 1;
  return { isWell: codes.length === 0, isFit, first: `afk_healthy ${isFit}`, codes: unique(codes), text };
}

async function healthzSaid(answer: Response): Promise<Said> {
  const text = await answer.text();
  const { findings, isHealthy, verdict } = JSON.parse(text) as {
    findings: Finding[];
    isHealthy: boolean;
    verdict: string;
  };
  const isFit = answer.status === 200 && isHealthy;
  return {
    isWell: verdict === "well" || verdict === "new",
    isFit,
    first: verdict,
    codes: codesOf(findings),
    text,
  };
}

/** What a tick that went well would send at its end, of this state. */
async function askPing(target: Deployment, pings: readonly Received[]): Promise<Said> {
  const before = pings.length;
  const agent = await openAgent({ config: target.configFile, state: target.state, environment: {} });
  try {
    const { config, log, rails, store, outbox } = agent;
    const ping = createPing(config.heartbeat, log, rails.watch.terminated);
    const ended = {
      ...({ tick: "t", outcome: "ok", reason: null, units: 0, costMicros: 0, nextDueAt: null } as const),
      ...{
        startedAt: systemClock.nowMs(),
        finishedAt: systemClock.nowMs(),
        outputs: [],
        exitCode: 0,
        isFit: true,
      },
    };
    await pingTick({ config, rails, store, outbox, log, clock: systemClock }, ping, ended, false);
  } finally {
    await agent.close();
  }
  const { path, body } = pings[before] ?? { path: "nothing", body: "" };
  const first = body.split("\n")[0] ?? "";
  return {
    isWell: first.includes("all is well"),
    isFit: path === "/ping",
    first: `${path} ${first}`,
    codes: null,
    text: body,
  };
}

function codesOf(findings: readonly Finding[]): FindingCode[] {
  return unique(findings.map(({ code }) => code));
}

function unique(codes: readonly FindingCode[]): FindingCode[] {
  return [...new Set(codes)].sort();
}

/** How a set of surfaces contradicts itself, in words; empty where all say the same. */
export function contradictions(asked: Surfaces): string[] {
  const { findings } = asked;
  const codes = codesOf(findings);
  const isStopped = codes.includes("killed");
  const isIll = findings.some(({ severity, code }) => severity === "bad" && code !== "killed");
  const found: string[] = [];
  const expected = (surface: (typeof SURFACES)[number]): boolean => {
    if (surface === "status") return true;
    if (surface === "doctor" || surface === "page" || surface === "ping") return !isIll && !isStopped;
    return !isIll;
  };
  for (const surface of SURFACES) {
    const { isWell, isFit, codes: named, first, text } = asked[surface];
    if (isWell !== (findings.length === 0)) found.push(`${surface} says "${first}" of ${codes.join(" ")}`);
    if (isFit !== expected(surface))
      found.push(`${surface} is ${isFit ? "fit" : "unfit"} of ${codes.join(" ")}`);
    if (named !== null && named.join() !== codes.join())
      found.push(`${surface} finds ${named.join(" ")} of ${codes.join(" ")}`);
    if (surface !== "page") continue;
    for (const { text: each } of findings)
      if (!text.includes(each.slice(0, 100))) found.push(`the page does not say "${each}"`);
  }
  return found;
}
