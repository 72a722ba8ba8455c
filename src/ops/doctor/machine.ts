import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import type { JobConfig } from "../../config/config.ts";
import { PROGRAM_KINDS } from "../../config/job-kind.ts";
import { askedReferences } from "../../config/job-models.ts";
import { isOwnHost } from "../../http/address.ts";
import { exchange } from "../../http/exchange.ts";
import { type Containment, chooseContainment } from "../../jobs/containment/containment.ts";
import { formatDuration } from "../../lib/duration-text.ts";
import { MINUTE_MS } from "../../lib/durations.ts";
import { ownNetworkJobs } from "../condition/network.ts";
import { bad, type Finding, type Found, type OnHost, ok, skipped, type WithConfig, warn } from "./check.ts";
import type { Host } from "./host.ts";

/** As package.json and cli/main.ts have it. */
const OLDEST = [22, 22] as const;

/** Whether Node is new enough. */
export function nodeVersion({ host }: OnHost): Found {
  const [major = 0, minor = 0] = host.nodeVersion.split(".").map(Number);
  const isNewEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  if (isNewEnough) return ok(`version ${host.nodeVersion}`);
  return bad(`version ${host.nodeVersion} is too old`, `install Node ${OLDEST.join(".")} or newer`);
}

const UNIT = "afk.timer";
const SYSTEMCTL_MS_MAX = 1_000;

/** Whether systemd will run the agent, now and after a reboot; only where its timer is what runs it. */
export async function timer({ host }: OnHost): Promise<Found> {
  if (host.isContainer)
    return skipped(`cannot be seen from inside a container; on the host: systemctl status ${UNIT}`);
  if (!host.hasSystemd) return skipped("no systemd here: what runs afk is up to you");
  if (!host.timerFiles.some((path) => existsSync(path)))
    return skipped(`${UNIT} is not installed here: what runs afk is up to you`);
  const [enabled, active] = await Promise.all([ask(host, "is-enabled"), ask(host, "is-active")]);
  if (enabled === "enabled" && active === "active") return ok(`${UNIT} is enabled and active`);
  return bad(`${UNIT} is ${enabled} and ${active}`, `sudo systemctl enable --now ${UNIT}`);
}

/** Its one word. systemctl says no by its exit code, and says what instead on standard output all the same. */
function ask({ systemctl }: Host, question: string): Promise<string> {
  return new Promise((resolve) => {
    execFile(systemctl, [question, UNIT], { timeout: SYSTEMCTL_MS_MAX }, (error, stdout) => {
      resolve(stdout.trim().split("\n")[0] || `unknown (${error?.message.split("\n")[0] ?? "no answer"})`);
    });
  });
}

const TOLERANCE_MS = MINUTE_MS;
const TRIES_MAX = 3;
const ASK_MS_MAX = 2_000;

/** The wall clock against the Date that hosts state which afk talks to anyway (RFC 9110, section 6.6.1). */
export async function wallClock({ config, clock }: WithConfig): Promise<Found> {
  const origins = originsOf(config);
  if (origins.length === 0) return skipped("afk.yaml names no host that could be asked for the time");
  const nameOf = (origin: string) =>
    isSecretHost(config, origin) ? "a host of alerts or pings" : new URL(origin).host;
  for (const origin of origins.slice(0, TRIES_MAX)) {
    const beganMs = clock.nowMs();
    const date = await readHostDate(origin, AbortSignal.timeout(ASK_MS_MAX));
    if (date !== null) return compareClocks(nameOf(origin), date - (beganMs + clock.nowMs()) / 2);
  }
  const hosts = [...new Set(origins.slice(0, TRIES_MAX).map(nameOf))];
  return skipped(`${hosts.join(", ")} did not say what time it is`);
}

/** Hosts elsewhere before those on this machine, whose clock is ours. */
export function originsOf(config: WithConfig["config"]): string[] {
  const { heartbeat, alerts, models, egress } = config;
  const isUsed = (name: string) =>
    askedReferences(config).some((reference) => reference.startsWith(`${name}/`));
  const used = Object.entries(models.providers).filter(
    ([name, { baseUrl }]) => isUsed(name) && !isOwnHost(new URL(baseUrl)),
  );
  const addresses = [
    heartbeat.pingUrl,
    ...alerts.map((channel) => channel.url),
    ...used.map(([, { baseUrl }]) => baseUrl),
    ...egress.allow.filter((host) => !host.startsWith("*")).map((host) => `https://${host}`),
  ];
  const origins = addresses.flatMap((address) => {
    const url = address !== null && URL.canParse(address) ? new URL(address) : null;
    return url !== null && /^https?:$/.test(url.protocol) ? [`${url.origin}/`] : [];
  });
  const isHere = (origin: string) => /^(?:localhost|127\..*|\[::1\])$/.test(new URL(origin).hostname);
  return [...new Set(origins)].sort((a, b) => Number(isHere(a)) - Number(isHere(b)));
}

/** Where alerts and pings go is nobody's business, and may be a secret by itself. */
function isSecretHost({ heartbeat, alerts }: WithConfig["config"], origin: string): boolean {
  const addresses = [heartbeat.pingUrl, ...alerts.map((channel) => channel.url)];
  return addresses.some((address) => address !== null && new URL(address).host === new URL(origin).host);
}

function compareClocks(host: string, aheadMs: number): Finding {
  if (Math.abs(aheadMs) <= TOLERANCE_MS) return ok(`agrees with ${host}`);
  const found = `this machine is ${formatDuration(Math.abs(aheadMs))} ${aheadMs > 0 ? "behind" : "ahead of"} ${host}`;
  return bad(found, "sudo timedatectl set-ntp true, then afk resume");
}

/** What keeps the programs that jobs start, and all that those start, from outliving their job, and what they can reach. */
export async function containment({ config, host }: WithConfig): Promise<Found> {
  const jobs = config.jobs.filter(startsPrograms);
  if (jobs.length === 0) return ok("no job starts a program");
  const chosen = await chooseContainment(host.environment.PATH);
  // What `docker exec` starts has no parent in the container, and is not what the container is for.
  if (chosen.kind === "marks" && host.isContainer && process.ppid === 0) {
    return skipped("cannot be told from here; the worker's log tells it: afk logs --event exec_started");
  }
  return [kindFinding(chosen, host), ...networkFindings(jobs, chosen)];
}

/** By its kind, by what reads a source of it, or by a look. */
function startsPrograms({ kind, settings, onlyIf }: JobConfig): boolean {
  if (PROGRAM_KINDS.includes(kind) || onlyIf?.type === "command") return true;
  const { sources = [] } = (settings ?? {}) as { sources?: { command?: unknown; log?: unknown }[] };
  return sources.some(({ command, log }) => command !== undefined || typeof log === "object");
}

function kindFinding({ kind, refusal, viewRefusal }: Containment, host: Host): Finding {
  if (kind === "namespace") {
    const found = "what a job starts has a PID namespace of its own, and the kernel ends it with the job";
    if (viewRefusal === null) return ok(found);
    return warn(`${found}, but the agent's state is visible to it (${viewRefusal})`, MEND_VIEW);
  }
  if (kind === "container")
    return ok(
      "afk is alone in its container: what a job starts is ended with the job, and at the latest with afk; the agent's state is visible to it",
    );
  return warn(
    `what a job starts is searched for by its marks, and a program that tries to can get away (no PID namespace: ${refusal})`,
    host.platform === "linux" ? MEND : "run afk in its image, where nothing outlives the container",
  );
}

function networkFindings(jobs: WithConfig["config"]["jobs"], { networkRefusal }: Containment): Finding[] {
  const closed = ownNetworkJobs(jobs);
  if (closed.length === 0) return [];
  const names = closed.map(({ name }) => name).join(", ");
  if (networkRefusal === null)
    return [ok(`programs of ${names} have a network of their own, with the gateway and afk's proxy in it`)];
  const found = `the network of ${names} is by agreement only: their programs are told of the gateway and the proxy, and nothing keeps them to it (${networkRefusal})`;
  return [warn(found, MEND_NETWORK)];
}

const MEND_NETWORK =
  "run afk on Linux where user namespaces are allowed, with util-linux and iproute2; in a container see docs/containment.md";
const MEND_VIEW = "install mount (on Debian a package of that name), or see docs/containment.md";

const MEND =
  "apt-get install util-linux; where user namespaces are restricted, as in Ubuntu since 24.04: " +
  "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0, or run afk as root or in its image";

/** What time a host says it is, to the second, in epoch milliseconds; null when it does not answer or states none. */
async function readHostDate(origin: string, signal: AbortSignal): Promise<number | null> {
  try {
    const { headers } = await exchange({ url: origin, method: "HEAD", headers: {} }, signal);
    const dateMs = Date.parse(headers.get("date") ?? "");
    return Number.isNaN(dateMs) ? null : dateMs;
  } catch {
    return null;
  }
}
