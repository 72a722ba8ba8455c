import { join } from "node:path";
import type { GatewayConfig, ModelsConfig } from "../../../src/config/config.ts";
import type { Caller } from "../../../src/gateway/caller.ts";
import { openGateway } from "../../../src/gateway/gateway.ts";
import { createRecordedAnswers } from "../../../src/gateway/recorded-answers.ts";
import { systemClock } from "../../../src/lib/clock.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import { railsOn, type TestBudget } from "../../support/rails-on.ts";

/** What a gateway in a process of its own is told: `gateway-child.ts JSON`. */
export interface GatewayOrders {
  dir: string;
  port: number;
  budget: TestBudget;
  gateway: GatewayConfig;
  models: ModelsConfig;
}

const { dir, port, budget, gateway, models }: GatewayOrders = JSON.parse(process.argv[2] ?? "{}");
const store = await openStore(join(dir, "afk.db"));
const rails = { ...railsOn(store, dir, { budget }), clock: systemClock };

/** Keys are `client-NAME` and `run-NAME`. */
function callerOf(key: string): Caller | null {
  const [, kind, name] = /^(client|run)-(\w+)$/.exec(key) ?? [];
  if (kind === undefined || name === undefined) return null;
  const isClient = kind === "client";
  const job = `${name}:1`;
  return {
    title: `${isClient ? "client" : "job"} ${name}`,
    scope: isClient ? { tick: null, job: null, client: name } : { tick: "t1", job, jobName: name },
    models: null,
    allow: new Set(),
    runner: null,
    recorded: isClient ? null : createRecordedAnswers(store.db, job, systemClock),
    log: rails.log,
    signal: null,
  };
}

const opened = await openGateway({
  rails,
  config: () => ({ gateway, models }),
  listen: { host: "127.0.0.1", port },
  tls: null,
  findCaller: async (key) => callerOf(key),
});
// Asked how many requests it still answers.
process.on("message", () => process.send?.(opened.inFlight()));
process.send?.("ready");
