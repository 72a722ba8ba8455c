import { accessSync, constants, existsSync, mkdirSync, statfsSync } from "node:fs";
import type { Config } from "../config/config.ts";
import { messageOf } from "../lib/errors.ts";
import { PRICES_DATE } from "../models/prices.ts";
import { probeModel } from "../models/probe.ts";
import { readKill } from "../rails/kill.ts";
import { isLocked } from "../store/lock.ts";
import type { Store } from "../store/open.ts";
import { countersAgree } from "./counters.ts";

/** One thing that was looked at. `mend` says what to do, where something is to be done. */
export interface Check {
  name: string;
  result: "ok" | "bad" | "skipped";
  found: string;
  mend: string | null;
}

const DISK_FREE_MIN_BYTES = 200 * 1024 * 1024;

/** Looks at everything afk stands on. Changes nothing but the state directory, which it makes if it is missing. */
export async function examine(
  config: Config,
  store: Store,
  options: { isOffline: boolean },
): Promise<Check[]> {
  return [
    ok("configuration", `${config.paths.configFile}: agent ${config.agent}, ${config.jobs.length} jobs`),
    stateCheck(config),
    diskCheck(config),
    await killCheck(config, store),
    lockCheck(config),
    await countersCheck(store),
    pricesCheck(),
    ...(await modelChecks(config, options.isOffline)),
    alertsCheck(config),
  ];
}

export function ok(name: string, found: string): Check {
  return { name, result: "ok", found, mend: null };
}

export function bad(name: string, found: string, mend: string): Check {
  return { name, result: "bad", found, mend };
}

function stateCheck({ paths }: Config): Check {
  try {
    for (const dir of [paths.state, paths.out, paths.logs]) {
      mkdirSync(dir, { recursive: true });
      accessSync(dir, constants.W_OK);
    }
    return ok("state", `${paths.state} can be written`);
  } catch (error) {
    return bad("state", messageOf(error), `make ${paths.state} writable for this user`);
  }
}

function diskCheck({ paths }: Config): Check {
  const { bavail, bsize } = statfsSync(paths.state);
  const freeMib = Math.floor((bavail * bsize) / 1024 / 1024);
  if (bavail * bsize >= DISK_FREE_MIN_BYTES) return ok("disk", `${freeMib} MiB free`);
  return bad("disk", `${freeMib} MiB free`, "make room: a full disk halts the agent");
}

async function killCheck({ paths }: Config, store: Store): Promise<Check> {
  const kill = await readKill(store.db, paths.stopFile);
  return kill === null
    ? ok("kill switch", "off")
    : bad("kill switch", `set by ${kill.by}: ${kill.reason}`, "afk resume");
}

function lockCheck({ paths }: Config): Check {
  return ok(
    "lock",
    existsSync(paths.lock) && isLocked(paths.lock) ? "an afk process is at work now" : "nobody is at work",
  );
}

async function countersCheck(store: Store): Promise<Check> {
  const differences = await countersAgree(store.db);
  if (differences.length === 0) return ok("counters", "agree with the ledger");
  return bad(
    "counters",
    differences.slice(0, 3).join("; "),
    "restore a backup, or report it: spend may be miscounted",
  );
}

/** An unpriced model has been refused with the configuration; what can still be wrong is the age of the snapshot. */
function pricesCheck(): Check {
  return ok("prices", `known for every model of the chain (snapshot of ${PRICES_DATE})`);
}

async function modelChecks(config: Config, isOffline: boolean): Promise<Check[]> {
  const checks: Check[] = [];
  for (const reference of config.models.chain) {
    const name = `model ${reference}`;
    if (reference === "extractive") checks.push(ok(name, "needs nothing"));
    else if (isOffline) checks.push({ name, result: "skipped", found: "not asked (--offline)", mend: null });
    else {
      const probe = await probeModel(reference, config.models);
      checks.push(probe.problem === null ? ok(name, probe.found) : bad(name, probe.problem, probe.mend));
    }
  }
  return checks;
}

function alertsCheck(config: Config): Check {
  if (config.alerts.length > 0) return ok("alerts", config.alerts.map((channel) => channel.type).join(", "));
  return bad(
    "alerts",
    "no channel: nobody hears of what goes wrong",
    "add one under alerts:, or set ALERT_WEBHOOK",
  );
}
