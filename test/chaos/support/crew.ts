import { type ChildProcess, fork } from "node:child_process";
import { fileURLToPath } from "node:url";
import { onTestFinished } from "vitest";
import { COMPILE_CACHE } from "../../support/afk.ts";
import type { Bought, Failure, Orders } from "./buyer.ts";

const SCRIPT = fileURLToPath(new URL("buyer.ts", import.meta.url));

const TRIES_MAX = 100;

/** Buyers that outlive their rounds, so that only those that were killed must be started again. */
export interface Crew {
  /** All begin at the same moment. What a killed one did is null; it then goes again with the same orders, if `isRestarted`. */
  round(orders: Orders[], isRestarted: boolean): Promise<(Bought | null)[]>;
  /** SIGKILL; false when it is dead already. */
  kill(index: number): boolean;
}

/** @param environment of each of them, beside what a process needs. */
export function crew(environment: Record<string, string> = {}): Crew {
  const members: (ChildProcess | undefined)[] = [];
  onTestFinished(() => {
    for (const member of members) member?.kill("SIGKILL");
  });
  /** A living member that has its orders and waits for the word. */
  const readied = async (index: number, order: Orders): Promise<ChildProcess> => {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const child = members[index] ?? start(environment);
      members[index] = child;
      if ((await told(child, order)) !== null) return child;
    }
    throw new Error(`buyer ${index} was killed ${TRIES_MAX} times before it began`);
  };
  const go = async (child: ChildProcess) => (await told(child, "go")) as Bought | null;
  return {
    async round(orders, isRestarted) {
      const ready = await Promise.all(orders.map((order, index) => readied(index, order)));
      return await Promise.all(
        ready.map(async (child, index) => {
          const bought = await go(child);
          const order = orders[index];
          if (bought === null && isRestarted && order !== undefined) await go(await readied(index, order));
          return bought;
        }),
      );
    },
    kill(index) {
      const child = members[index];
      members[index] = undefined;
      return child?.kill("SIGKILL") ?? false;
    },
  };
}

function start(environment: Record<string, string>): ChildProcess {
  const env = { PATH: process.env.PATH ?? "", ...COMPILE_CACHE, ...environment };
  return fork(SCRIPT, { execArgv: [], env });
}

/** The answer; null when the process was killed before it gave one. */
async function told(child: ChildProcess, message: Orders | "go"): Promise<unknown> {
  const reply = nextMessage(child);
  if (child.connected) child.send(message);
  return await reply;
}

function nextMessage(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.once("message", (message: Bought | Failure | "ready") => {
      child.removeAllListeners("exit");
      if (typeof message === "object" && "failure" in message) reject(new Error(message.failure));
      else resolve(message);
    });
    child.once("exit", (code, signal) => {
      if (signal === "SIGKILL") resolve(null);
      else reject(new Error(`a buyer ended by itself (${code ?? signal})`));
    });
  });
}
