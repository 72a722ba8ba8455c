import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface Witness {
  /** Every address a socket of this process tried to connect to, in order. */
  attempts: string[];
  /** The attempts since the last call. */
  fresh(): string[];
}

/**
 * Sees each connection that this process tries to make, to whatever address: node publishes its client sockets, and a
 * socket says when it is about to connect. A refusal is proved by an attempt that is missing here, listener or not.
 */
export function connectionWitness(): Witness {
  const attempts: string[] = [];
  let told = 0;
  const onSocket = (message: unknown) => {
    const { socket } = message as { socket: Socket };
    socket.on("connectionAttempt", (ip: string) => attempts.push(ip));
  };
  subscribe("net.client.socket", onSocket);
  onTestFinished(() => void unsubscribe("net.client.socket", onSocket));
  return {
    attempts,
    fresh() {
      const since = attempts.slice(told);
      told = attempts.length;
      return since;
    },
  };
}
