import { spawn } from "node:child_process";
import {
  chownSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { systemCode } from "../../../src/lib/errors.ts";
import { freePort } from "../free-port.ts";
import { exitOf, keep } from "./keeper.ts";
import { serverOwner } from "./owner.ts";
import type { Target } from "./proxy.ts";
import { ROLE, SUPERUSER } from "./template.ts";
import { until } from "./until.ts";

const BINARY = "/usr/sbin/pgbouncer";

/** Why a test behind PgBouncer cannot run here; null when it can. */
export function pgBouncerProblem(): string | null {
  return existsSync(BINARY) ? null : "pgbouncer is not installed (apt-get install pgbouncer)";
}

export interface PgBouncer extends AsyncDisposable {
  readonly port: number;
  /** The URL of the server, through PgBouncer. */
  url(direct: string): string;
  close(): Promise<void>;
}

/** PgBouncer in front of a server, which gives a connection to a client for one transaction. */
export async function startPgBouncer({ port: target }: Target): Promise<PgBouncer> {
  const owner = serverOwner();
  const folder = mkdtempSync(join(tmpdir(), "afk-pgbouncer-"));
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const port = await freePort();
  // The keeper knows what it ends by its working folder.
  const data = join(folder, "data");
  mkdirSync(data);
  const ini = join(folder, "pgbouncer.ini");
  const users = join(folder, "users.txt");
  const logFile = join(folder, "log");
  writeFileSync(users, [ROLE, SUPERUSER].map((user) => `"${user}" ""\n`).join(""));
  writeFileSync(
    ini,
    [
      "[databases]",
      `* = host=127.0.0.1 port=${target}`,
      "[pgbouncer]",
      "pool_mode = transaction",
      "listen_addr = 127.0.0.1",
      `listen_port = ${port}`,
      "unix_socket_dir =",
      "auth_type = trust",
      `auth_file = ${users}`,
      "",
    ].join("\n"),
  );
  const keeper = keep(folder, owner);
  const url = (direct: string) => Object.assign(new URL(direct), { port: String(port) }).href;
  try {
    const log = openSync(logFile, "a");
    const child = spawn(BINARY, [ini], { ...owner, cwd: data, detached: true, stdio: ["ignore", log, log] });
    closeSync(log);
    const exit = exitOf(child);
    child.unref();
    const own = url(`postgres://${SUPERUSER}@127.0.0.1/${SUPERUSER}`);
    await Promise.race([exit, until("pgbouncer answers", () => answers(own))]);
    if (child.exitCode !== null)
      throw new Error(`pgbouncer ended at its start:\n${readFileSync(logFile, "utf8")}`);
  } catch (error) {
    await keeper.close();
    throw error;
  }
  return { port, url, close: keeper.close, [Symbol.asyncDispose]: keeper.close };
}

/** Before it listens, connections are refused. */
async function answers(connectionString: string): Promise<boolean> {
  const client = new pg.Client({ connectionString });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch (error) {
    if (systemCode(error) === "ECONNREFUSED") return false;
    throw error;
  }
}
