import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { COMPILE_CACHE } from "../../support/afk.ts";
import type { Orders, Outcome } from "./client.ts";

const SCRIPT = fileURLToPath(new URL("client.ts", import.meta.url));

/** Processes that stay for all the cases of a file. Whoever starts them ends them. */
export async function startClients(count: number) {
  const children = Array.from({ length: count }, start);
  await Promise.all(children.map(async (child) => await once(child, "message")));
  return {
    /** All act at the same time, each by its own orders. */
    async act(orders: Orders[]): Promise<Outcome> {
      const outcomes = await Promise.all(
        orders.map(async (order, index) => {
          const child = children[index];
          if (child === undefined) throw new Error("more orders than clients");
          child.send(order);
          const [outcome] = await once(child, "message");
          return outcome as Outcome;
        }),
      );
      return outcomes.reduce(added);
    },
    end(): void {
      for (const child of children) child.kill("SIGKILL");
    },
  };
}

function start(): ChildProcess {
  return fork(SCRIPT, { execArgv: [], env: { PATH: process.env.PATH ?? "", ...COMPILE_CACHE } });
}

function added(a: Outcome, b: Outcome): Outcome {
  const refused = { ...a.refused };
  for (const [name, count] of Object.entries(b.refused)) refused[name] = (refused[name] ?? 0) + count;
  return { accepted: a.accepted + b.accepted, refused, errors: [...a.errors, ...b.errors] };
}
