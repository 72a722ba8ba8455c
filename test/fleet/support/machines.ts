import { HOUR_MS } from "../../../src/lib/durations.ts";
import { createNews } from "../../../src/lib/news.ts";
import { newRunner } from "../../../src/rails/machine.ts";
import type { Store } from "../../../src/store/store.ts";
import { type Proxy as Network, startProxy } from "../../support/postgres/proxy.ts";
import type { Postgres } from "../../support/postgres/server.ts";
import type { RailsOn, TestBudget } from "../../support/rails-on.ts";
import { openMachine } from "./machine.ts";

/** Longer than a server takes to start again, and short for what waits for one that was killed. */
const PATIENCE_MS = 15_000;

/** One process of a machine, from its start to its end. */
export interface Incarnation {
  runner: string;
  rails: RailsOn;
  proxy: Network;
  isDead: boolean;
}

/** A machine behind a network of its own, whose process may be killed and started again. All live in this process. */
export interface Machine {
  name: string;
  now(): Incarnation;
  /** As SIGKILL does: nothing of the process reaches anybody any more. Another one takes its place. */
  kill(): Promise<void>;
  /** Somebody sets the machine's own clock. */
  moveClock(ms: number): void;
  close(): Promise<void>;
}

export async function startMachine(
  name: string,
  {
    server,
    database,
    schema,
    dir,
    budget,
  }: {
    server: Postgres;
    database: string;
    schema: string;
    dir: string;
    budget: TestBudget;
  },
): Promise<Machine> {
  const ending: Promise<void>[] = [];
  let offMs = HOUR_MS * (name.charCodeAt(0) % 3);
  const start = async (): Promise<Incarnation> => {
    const proxy = await startProxy(server);
    const target = { url: proxy.url(server.url(database)), schema };
    const breaker = { failures: 1_000 };
    const rails = await openMachine(target, {
      dir,
      offMs: () => offMs,
      budget,
      breaker,
      patienceMs: PATIENCE_MS,
    });
    const runner = newRunner(name, "worker", Date.now());
    // Its lease is not looked at here: no call says which job's it is.
    rails.machine = {
      id: name,
      part: "worker",
      runner,
      heldUntilMs: Number.POSITIVE_INFINITY,
      left: createNews(),
    };
    return { runner, rails, proxy, isDead: false };
  };
  let current = await start();
  const endOf = async (store: Store, proxy: Network) => {
    await store.close().catch(() => undefined);
    await proxy.close();
  };
  return {
    name,
    now: () => current,
    async kill() {
      current.isDead = true;
      current.proxy.refuse(true);
      current.proxy.cutAll();
      ending.push(endOf(current.rails.store, current.proxy));
      current = await start();
    },
    moveClock(ms) {
      offMs += ms;
    },
    async close() {
      await current.rails.store.close();
      await current.proxy.close();
      await Promise.all(ending);
    },
  };
}
