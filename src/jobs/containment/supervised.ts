import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Server, Socket } from "../../http/local-port.ts";
import { siblingScript } from "../../lib/sibling-script.ts";
import type { End, Report } from "./supervisor.ts";
import type { Swept } from "./sweep.ts";

/** What a program can reach in a network of its own: a port of its loopback interface. */
export interface Service {
  port: number;
  /** Called with each connection. It ends with the program. */
  accept(socket: Socket): void;
}

/** What a supervisor has reported so far. */
export interface Reported {
  /** The program's. */
  pid: number | null;
  /** `lost`: the supervisor was killed, and everything with it; how the program would have ended is not known. */
  end: End | { type: "lost" };
  swept: Swept;
}

const SUPERVISOR = fileURLToPath(siblingScript("supervisor", import.meta.url));

/** At one service at a time. What comes beyond that is closed. */
const CONNECTIONS_MAX = 4_096;

/** Starts a supervisor behind a prefix; it listens at these ports first. */
export function startSupervisor(
  prefix: readonly string[],
  ports: readonly number[],
  env: Record<string, string>,
): ChildProcess {
  const [execPath = "", ...execArgv] = [...prefix, process.execPath];
  const stdio = ["pipe" as const, "pipe" as const, "pipe" as const, "ipc" as const];
  return fork(SUPERVISOR, ports.map(String), { execPath, execArgv, env, stdio, detached: true });
}

/**
 * Takes what a supervisor reports. `ready` resolves when it listens, or is gone; the servers of `services` are then there, and are
 * to be closed when it has ended.
 */
export function follow(
  supervisor: ChildProcess,
  services: readonly Service[],
): { ready: Promise<void>; reported: Reported; servers: readonly Server[] } {
  const unready: End = { type: "unstarted", code: "", message: "its supervisor did not come up" };
  const reported: Reported = { pid: null, end: unready, swept: { found: 0, left: 0 } };
  const servers: Server[] = [];
  // Before the program runs: what a program that has got hold of the channel sends later is not listened to.
  const awaited = new Map(services.map((service) => [service.port, service]));
  const ready = new Promise<void>((resolve) => {
    supervisor.once("disconnect", resolve).once("error", () => resolve());
    supervisor.on("message", (message, handle) => {
      const report = message as Report;
      if (report.type === "started") reported.pid = report.pid;
      else if (report.type === "swept") reported.swept = report.swept;
      else if (report.type === "listening") {
        const service = awaited.get(report.port);
        awaited.delete(report.port);
        const server = handle as Server | undefined;
        if (service === undefined || server === undefined) return void server?.close();
        server.maxConnections = CONNECTIONS_MAX;
        servers.push(server.on("connection", service.accept));
      } else reported.end = report.type === "ready" ? { type: "lost" } : report;
      if (report.type === "ready") resolve();
    });
  });
  return { ready, reported, servers };
}

/** Whether the supervisor ended by itself, its work done; resolves when all that it reported has arrived. */
export async function endOf(supervisor: ChildProcess): Promise<boolean> {
  const disconnected =
    supervisor.connected && new Promise((resolve) => supervisor.once("disconnect", resolve));
  const [code] = await once(supervisor, "exit");
  await disconnected;
  return code === 0;
}
