import { clientsWithoutKey } from "../client-keys.ts";
import { gatewayUrl, unansweredAt } from "../gateway-answers.ts";
import { readWorker } from "../worker.ts";
import { bad, type Found, ok, skipped, type WithConfig, type WithStore, warn } from "./check.ts";

/** Whether the gateway is served, and answers where afk.yaml says. Nothing, where there is none and none is asked for. */
export async function gateway({ config }: WithConfig): Promise<Found> {
  const { listen, tls } = config.gateway;
  const holder = readWorker(config.paths.gatewayLock);
  if (holder.state === "none" && listen === null) return [];
  const who = holder.state === "none" || holder.pid === null ? "a process" : `process ${holder.pid}`;
  if (holder.state === "suspended")
    return {
      ...bad(`${who} serves it and is suspended`, `kill -CONT ${holder.pid}, or end it: kill ${holder.pid}`),
      code: "gateway_suspended",
    };
  if (listen === null) return ok(`${who} serves it, where it was told to`);
  const url = gatewayUrl(listen);
  if (tls !== null && holder.state === "working")
    return skipped(`${who} serves it; whether ${url} answers by TLS is not asked from here`);
  const problem = await unansweredAt(url);
  if (holder.state === "none")
    return problem === null
      ? bad(
          `another program answers at ${url}, where this agent's gateway is to listen`,
          "end that program, or write another gateway.listen",
        )
      : {
          ...warn(`nobody serves ${url}`, "afk gateway, or afk run, or start the unit that runs it"),
          code: "gateway_down",
        };
  if (problem === null) return ok(`${who} serves ${url}`);
  if (holder.pid === null) return skipped(`a process of another container serves it; from here: ${problem}`);
  return {
    ...warn(
      `${who} serves it, and ${url} does not answer (${problem})`,
      "see where it listens: afk logs --event gateway_started",
    ),
    code: "gateway_silent",
  };
}

/** Clients that can ask for nothing yet, since they have no key. */
export async function clientKeys({ config, store }: WithStore): Promise<Found> {
  if (config.gateway.clients.length === 0) return [];
  const without = await clientsWithoutKey(store.db, config);
  if (without.length === 0) return ok("every client has one");
  return without.map((name) =>
    warn(`client ${name} has none, so it can ask for nothing`, `afk key make ${name}`),
  );
}
