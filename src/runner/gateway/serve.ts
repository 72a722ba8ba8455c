import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { Config } from "../../config/config.ts";
import { type Gateway, openGateway } from "../../gateway/gateway.ts";
import { createFindCaller } from "../../gateway/keys.ts";
import { pause } from "../../lib/clock.ts";
import { AfkError, EXIT, messageOf } from "../../lib/errors.ts";
import { isLasting, Killed } from "../../rails/halt.ts";
import { readReplaced, readStop } from "../../rails/kill.ts";
import { StateLocked } from "../../store/errors.ts";
import type { Uses } from "../dependencies.ts";
import { reportKill } from "../phases/recover.ts";
import { refuseReplaced } from "../refuse-replaced.ts";
import { type SetAtWork, underWedgeGuard } from "../wedge/guard.ts";
import { GATEWAY_LIMITS, type WedgeLimits } from "../wedge/steps.ts";
import { type Chores, createChores, orLog } from "./chores.ts";
import { GatewayRunning, holdGateway } from "./hold-gateway.ts";

/** What a process that serves clients is put together from, in agent.ts. */
export interface Serving
  extends Uses<
    | "config"
    | "version"
    | "store"
    | "outbox"
    | "sender"
    | "rails"
    | "clock"
    | "randomness"
    | "log"
    | "renew"
    | "hasNews"
  > {
  /** The configuration as it stands now. */
  current: () => Config;
  /** Afk's own process, which a wedge guard may kill. */
  isOurs: boolean;
  limits?: WedgeLimits | undefined;
}

/** Where it listens. */
export type Listen = Parameters<typeof openGateway>[0]["listen"];

/** Where `afk gateway` listens unless afk.yaml says otherwise. */
export const DEFAULT_LISTEN: Listen = { host: "127.0.0.1", port: 4236 };

/** How often a process that is stopped looks whether what was under way has ended. */
const ENDING_MS = 250;

/**
 * Serves clients until the process is told to end. A set kill switch refuses them with the reason; once it is clear they are
 * served again. Returns the exit code.
 * @throws GatewayRunning, AfkError (`gateway_unavailable`), StateReplaced, GuardLost.
 */
export async function serveAlone(serving: Serving, listen: Listen): Promise<number> {
  return await holdGateway(serving, (runner) =>
    guarded(serving, async (setAtWork) => {
      const chores = createChores(serving);
      const gateway = await open(serving, listen, runner);
      try {
        await attend(serving, chores, { setAtWork, until: "ended" });
      } finally {
        await close(serving, gateway, chores);
      }
      return EXIT.ok;
    }),
  );
}

/**
 * Serves clients beside the loop. A kill switch ends the loop as ever; the process then stays up and refuses, and goes on
 * with the loop once the switch is clear. Where the gateway cannot be served from here the loop runs without it.
 */
export async function serveBeside(
  serving: Serving,
  listen: Listen,
  loop: () => Promise<number>,
): Promise<number> {
  let code: number | null;
  try {
    code = await holdGateway(serving, async (runner) => {
      const gateway = await open(serving, listen, runner).catch((error: unknown) => {
        serving.log.event("error", "gateway_unavailable", { error: messageOf(error) });
        return null;
      });
      return gateway === null ? null : await loopBeside(serving, gateway, loop);
    });
  } catch (error) {
    if (!(error instanceof GatewayRunning)) throw error;
    serving.log.event("info", "gateway_elsewhere", { message: error.message });
    code = null;
  }
  // Without the gateway's lock, so that afk gateway can serve elsewhere meanwhile.
  return code ?? (await loop());
}

async function loopBeside(serving: Serving, gateway: Gateway, loop: () => Promise<number>): Promise<number> {
  const chores = createChores(serving);
  let isFirst = true;
  try {
    for (;;) {
      const code = await besideChores(serving, chores, isFirst ? loop : () => onceFree(serving, loop));
      isFirst = false;
      // The loop ended by itself, and not by the switch: it was told to, or something is wrong.
      if (code !== EXIT.ok || isOver(serving)) return code;
      // A tick may find the switch set before the watch has looked.
      const kill = await readStop(serving.rails);
      if (kill !== null) serving.rails.watch.trip(kill);
      await guarded(serving, (setAtWork) => attend(serving, chores, { setAtWork, until: "armed" }));
      if (isOver(serving)) return EXIT.ok;
    }
  } finally {
    await close(serving, gateway, chores);
  }
}

/** A tick by hand may be at work when the loop wants to go on; clients are served meanwhile. */
async function onceFree({ rails, clock }: Serving, loop: () => Promise<number>): Promise<number> {
  const { signal } = rails.watch;
  while (!signal.aborted) {
    try {
      return await loop();
    } catch (error) {
      if (!(error instanceof StateLocked)) throw error;
      await clock.idle(signal).catch(() => undefined);
    }
  }
  return EXIT.ok;
}

/** What goes wrong with the state itself is found by the loop too, which ends by it. */
async function besideChores<T>(serving: Serving, chores: Chores, work: () => Promise<T>): Promise<T> {
  const over = new AbortController();
  const beside = (async () => {
    while (!over.signal.aborted) {
      await orLog(serving.log, () => chores.step(serving.current()));
      await serving.clock.idle(over.signal).catch(() => undefined);
    }
  })();
  try {
    return await work();
  } finally {
    over.abort();
    await beside;
  }
}

/** Looks after a gateway: until the process has to end, or until a switch that is set is clear again. */
async function attend(
  serving: Serving,
  chores: Chores,
  { setAtWork, until }: { setAtWork: SetAtWork; until: "ended" | "armed" },
): Promise<void> {
  const { rails, clock } = serving;
  const { watch } = rails;
  const release = watch.hold("idle");
  let told: AbortSignal | null = null;
  try {
    while (!isOver(serving)) {
      if (serving.hasNews()) await orLog(serving.log, serving.renew);
      await chores.step(serving.current());
      const { signal } = watch;
      if (!signal.aborted) {
        if (until === "armed") return;
        await clock.idle(signal).catch(() => undefined);
        continue;
      }
      if (told !== signal) await orLog(serving.log, () => tellKilled(serving, signal));
      told = signal;
      const calls = watch.inFlight();
      setAtWork(calls > 0);
      if (calls > 0) await pause(ENDING_MS).over;
      else if (await watch.arm()) serving.log.event("info", "gateway_resumed");
      else await clock.idle(watch.terminated).catch(() => undefined);
    }
  } finally {
    setAtWork(false);
    release();
  }
}

async function tellKilled(serving: Serving, { reason }: AbortSignal): Promise<void> {
  if (!(reason instanceof Killed) || !isLasting(reason.kill)) return;
  await reportKill(serving, reason.kill);
}

function isOver({ rails, store }: Serving): boolean {
  return rails.watch.terminated.aborted || readReplaced(store) !== null;
}

async function open(serving: Serving, listen: Listen, runner: string | null): Promise<Gateway> {
  const { rails, store, current, clock, log } = serving;
  const { gateway: config, paths } = current();
  const tls = config.tls === null ? null : readTls(config.tls, paths.base);
  const findCaller = createFindCaller({ store, config: current, clock, log, runner });
  const gateway = await openGateway({ rails, config: current, listen, tls, findCaller });
  log.event("info", "gateway_started", { url: gateway.url });
  return gateway;
}

function readTls(tls: { cert: string; key: string }, base: string): { cert: string; key: string } {
  const read = (path: string) => {
    try {
      return readFileSync(resolve(base, path), "utf8");
    } catch (cause) {
      const message = `the gateway cannot be served: ${path} of gateway.tls cannot be read (${messageOf(cause)}); give afk's user a file in PEM form that it may read`;
      throw new AfkError("gateway_unavailable", message, { retry: "never", cause });
    }
  };
  return { cert: read(tls.cert), key: read(tls.key) };
}

async function close(serving: Serving, gateway: Gateway, chores: Chores): Promise<void> {
  await gateway.close();
  await chores.ended(serving.current());
  serving.log.event("info", "gateway_ended");
  await refuseReplaced(
    serving,
    async () => "What its clients spent may be on the books of the former files alone",
  );
}

/** A host that only uses the library is nobody's to kill. */
async function guarded<T>(serving: Serving, work: (setAtWork: SetAtWork) => Promise<T>): Promise<T> {
  const { isOurs, config, rails, store, log, limits = GATEWAY_LIMITS } = serving;
  if (!isOurs) return await work(() => undefined);
  const { files } = store.health;
  return await underWedgeGuard(
    { config, files, log, watch: rails.watch, limits, outlivesSwitch: true },
    work,
  );
}
