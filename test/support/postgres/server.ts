import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, chownSync, closeSync, mkdtempSync, openSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { systemCode } from "../../../src/lib/errors.ts";
import { freePort } from "../free-port.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { exitOf, keep, processesIn } from "./keeper.ts";
import { type Owner, runAs, serverOwner } from "./owner.ts";
import { type Locale, ROLE, SUPERUSER, templateFolder } from "./template.ts";
import { until } from "./until.ts";

export interface PostgresOptions {
  /** How its databases sort: as ICU's en-US unless said otherwise, so that what relies on bytes is found out. */
  locale?: Locale;
  /** Lines of postgresql.conf, beside those that give it an address of its own. `fsync` stays on unless it is named. */
  settings?: Record<string, string>;
  binaries?: Binaries;
}

/** A server of the test's own, on 127.0.0.1. It ends with `close`, and at the latest with this process. */
export interface Postgres extends AsyncDisposable {
  readonly port: number;
  /** `data` is in it, and the socket and the log. */
  readonly folder: string;
  readonly owner: Owner;
  readonly binaries: Binaries;
  /** Of the postmaster; undefined while it does not run. */
  readonly pid: number | undefined;
  /** For an ordinary role and the database that it owns, unless others are named. */
  url(database?: string, user?: string): string;
  /** Runs one statement as the superuser on a connection of its own, and gives the rows. */
  query(sql: string, values?: unknown[], database?: string): Promise<Record<string, unknown>[]>;
  /** Makes an empty database that the ordinary role owns, and gives its URL. */
  createDatabase(name: string): Promise<string>;
  dropDatabase(name: string): Promise<void>;
  /** `fast` rolls open transactions back and writes all out; `immediate` is as a crash that the postmaster sees. */
  stop(how?: "fast" | "immediate"): Promise<void>;
  /** Starts it again, on the same port and with the same data. */
  start(): Promise<void>;
  /** Sends the postmaster a signal that ends it, and waits until all of the server's processes are gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops all of its processes where they are: connections stay open, nothing answers. */
  suspend(): void;
  resume(): void;
  log(): string;
  close(): Promise<void>;
}

/** Another process may take the port between the look and the server's start. */
const PORTS_TRIED_MAX = 5;

/** Starts one from a copy of the template. Whoever calls it closes it; `forTest` in shared.ts does that with a test's end. */
export async function startPostgres(options: PostgresOptions = {}): Promise<Postgres> {
  const binaries = options.binaries ?? findBinaries();
  const owner = serverOwner();
  const template = await templateFolder(binaries, owner, options.locale ?? "icu");
  return await startFrom({
    binaries,
    owner,
    settings: options.settings ?? {},
    fill: (data) => runAs(owner, "cp", ["-a", "--reflink=auto", template, data]),
  });
}

interface Source {
  binaries: Binaries;
  owner: Owner;
  settings: Record<string, string>;
  /** Makes the data folder, which does not exist yet. */
  fill(data: string): Promise<void>;
}

/** Starts a server on data that `fill` makes. */
export async function startFrom({ binaries, owner, settings, fill }: Source): Promise<Postgres> {
  const folder = mkdtempSync(join(tmpdir(), "afk-pg-"));
  if (owner.uid !== undefined) chownSync(folder, owner.uid, owner.gid);
  const keeper = keep(folder, owner);
  try {
    const data = join(folder, "data");
    await fill(data);
    appendFileSync(
      join(data, "postgresql.conf"),
      lines({
        listen_addresses: "127.0.0.1",
        unix_socket_directories: folder,
        max_connections: "200",
        ...settings,
      }),
    );
    for (let tries = 1; ; tries++) {
      const server = newServer({
        folder,
        owner,
        binaries,
        port: await freePort(),
        closeKeeper: keeper.close,
      });
      try {
        await server.start();
        return server;
      } catch (error) {
        if (tries === PORTS_TRIED_MAX || !server.log().includes("Address already in use")) throw error;
      }
    }
  } catch (error) {
    await keeper.close();
    throw error;
  }
}

function lines(settings: Record<string, string>): string {
  return Object.entries(settings)
    .map(([name, value]) => `\n${name} = '${value.replaceAll("'", "''")}'`)
    .join("")
    .concat("\n");
}

interface ServerParts {
  folder: string;
  owner: Owner;
  binaries: Binaries;
  port: number;
  closeKeeper(): Promise<void>;
}

function newServer({ folder, owner, binaries, port, closeKeeper }: ServerParts): Postgres {
  const data = join(folder, "data");
  const logFile = join(folder, "log");
  let running: { child: ChildProcess; exit: Promise<void> } | undefined;
  let isClosed = false;

  const isRunning = () =>
    running !== undefined && running.child.exitCode === null && running.child.signalCode === null;
  const signalAll = (signal: NodeJS.Signals) => {
    // Until no process is new: the postmaster may be starting one as this looks.
    for (let told = new Set<number>(), before = -1; told.size !== before; ) {
      before = told.size;
      for (const pid of processesIn(data).filter((each) => !told.has(each))) {
        signalIfThere(pid, signal);
        told = told.add(pid);
      }
    }
  };

  const server: Postgres = {
    port,
    folder,
    owner,
    binaries,
    get pid() {
      return isRunning() ? running?.child.pid : undefined;
    },
    url: (database = ROLE, user = ROLE) => `postgres://${user}@127.0.0.1:${port}/${database}`,
    async query(sql, values, database = SUPERUSER) {
      const client = new pg.Client({ connectionString: server.url(database, SUPERUSER) });
      // A lost connection is an event as well as the failure of its query, which is what the caller is told.
      client.on("error", () => undefined);
      await client.connect();
      try {
        return (await client.query(sql, values)).rows;
      } finally {
        await client.end();
      }
    },
    async createDatabase(name) {
      await server.query(`create database ${pg.escapeIdentifier(name)} owner ${ROLE} template template0`);
      return server.url(name);
    },
    async dropDatabase(name) {
      await server.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
    },
    async start() {
      if (isClosed || isRunning())
        throw new Error(`the server on port ${port} is ${isClosed ? "closed" : "running"}`);
      await until("the processes of the server before are gone", () => processesIn(data).length === 0);
      const log = openSync(logFile, "a");
      const child = spawn(join(binaries.bin, "postgres"), ["-D", data, "-p", String(port)], {
        ...owner,
        cwd: "/",
        detached: true,
        env: binaries.environment,
        stdio: ["ignore", log, log],
      });
      closeSync(log);
      running = { child, exit: exitOf(child) };
      child.unref();
      await Promise.race([running.exit, until("the server is ready", () => isReady(data, child.pid))]);
      if (!isRunning()) throw new Error(`the server on port ${port} ended at its start:\n${server.log()}`);
    },
    stop: (how = "fast") => server.kill(how === "fast" ? "SIGINT" : "SIGQUIT"),
    async kill(signal = "SIGKILL") {
      if (running === undefined || !isRunning()) return;
      running.child.ref();
      running.child.kill(signal);
      await running.exit;
      await until("the server has ended", () => processesIn(data).length === 0);
    },
    suspend: () => signalAll("SIGSTOP"),
    resume: () => signalAll("SIGCONT"),
    log: () => readFileSync(logFile, "utf8"),
    async close() {
      if (isClosed) return;
      isClosed = true;
      server.resume();
      await server.stop("immediate");
      await closeKeeper();
    },
    [Symbol.asyncDispose]: () => server.close(),
  };
  return server;
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if (systemCode(error) !== "ESRCH") throw error;
  }
}

/** By its lock file, which says in the first line whose it is and in the eighth how far the server is. */
function isReady(data: string, pid: number | undefined): boolean {
  let text: string;
  try {
    text = readFileSync(join(data, "postmaster.pid"), "utf8");
  } catch (error) {
    if (systemCode(error) === "ENOENT") return false;
    throw error;
  }
  const [first, , , , , , , eighth] = text.split("\n");
  return Number(first) === pid && ["ready", "standby"].includes(eighth?.trim() ?? "");
}
