import { randomBytes } from "node:crypto";
import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import pg from "pg";
import { runAs } from "./owner.ts";
import { type Postgres, startFrom } from "./server.ts";
import { SUPERUSER } from "./template.ts";
import { until } from "./until.ts";

/** A copy of another server that follows it, and answers what only reads. */
export interface Standby extends Postgres {
  /** Whether it gets the primary's changes, as it sees that itself: a frozen one has not noticed. */
  isStreaming(): Promise<boolean>;
  /** Waits until it has everything that the primary has now. */
  catchUp(): Promise<void>;
  /** Stops the process that receives: from now on the standby gets nothing, and the primary believes it there for a minute. */
  freeze(): Promise<void>;
  /** Makes a primary of it, on a new timeline, with what it had received by then. Its old primary is not told. */
  promote(): Promise<void>;
}

/**
 * With `sync`, a commit on the primary returns only when this standby has it on its disk. The settings of `primary` allow
 * standbys as they are.
 */
export async function startStandby(primary: Postgres, { sync }: { sync: boolean }): Promise<Standby> {
  const name = `standby_${randomBytes(4).toString("hex")}`;
  const server = await startFrom({
    binaries: primary.binaries,
    owner: primary.owner,
    settings: {
      primary_conninfo: `host=127.0.0.1 port=${primary.port} user=${SUPERUSER} application_name=${name}`,
    },
    fill: (data) => backUp(primary, data),
  });
  let frozen: number | undefined;
  const receiver = async () => {
    const [row] = await server.query("select pid from pg_stat_wal_receiver where status = 'streaming'");
    return row === undefined ? undefined : Number(row.pid);
  };
  const standby: Standby = Object.assign(server, {
    isStreaming: async () => (await receiver()) !== undefined,
    async catchUp() {
      const [row] = await primary.query("select pg_current_wal_lsn()::text as at");
      await until(`the standby has ${row?.at}`, async () => {
        const [reached] = await server.query("select pg_last_wal_replay_lsn() >= $1::pg_lsn as is_there", [
          row?.at,
        ]);
        return reached?.is_there === true;
      });
    },
    async freeze() {
      frozen = await receiver();
      if (frozen === undefined)
        throw new Error("the standby receives nothing, so there is nothing to freeze");
      process.kill(frozen, "SIGSTOP");
    },
    async promote() {
      await server.query("select pg_promote(wait => false)");
      // The promotion waits for the end of the process that receives. A suspended one finds the request to end as the first
      // thing when it goes on, and so ends without having received what waits for it.
      if (frozen !== undefined) {
        process.kill(frozen, "SIGTERM");
        process.kill(frozen, "SIGCONT");
        frozen = undefined;
      }
      await until("the standby is a primary", async () => {
        const [row] = await server.query("select pg_is_in_recovery() as is_standby");
        return row?.is_standby === false;
      });
    },
  });
  try {
    await until("the standby streams", standby.isStreaming);
    if (sync) await makeSynchronous(primary, name);
    return standby;
  } catch (error) {
    await server.close();
    throw error;
  }
}

/** After the copy was made: the setting must not be in it, or the promoted standby would wait for itself. */
async function makeSynchronous(primary: Postgres, name: string): Promise<void> {
  await primary.query(`alter system set synchronous_standby_names = '${name}'`);
  await primary.query("select pg_reload_conf()");
  await until("the standby is synchronous", async () => {
    const [row] = await primary.query(
      "select sync_state from pg_stat_replication where application_name = $1",
      [name],
    );
    return row?.sync_state === "sync";
  });
}

/** tar ends with 1 when a file changed or went while it was read, which the log of the time of the copy makes good. */
const COPY = `
mkdir -m 700 "$2"
tar -C "$1" --exclude=./postmaster.pid --exclude=./postmaster.opts --exclude='./pg_wal/*' -cf "$2.tar" . || [ $? -eq 1 ] || exit 2
tar -C "$2" -xpf "$2.tar" && rm "$2.tar"
`;

/** What pg_basebackup does, which the npm package does not have. */
async function backUp(primary: Postgres, data: string): Promise<void> {
  const client = new pg.Client({ connectionString: primary.url(SUPERUSER, SUPERUSER) });
  await client.connect();
  try {
    await client.query("select pg_backup_start('standby', true)");
    await runAs(primary.owner, "/bin/sh", ["-c", COPY, "copy", join(primary.folder, "data"), data]);
    const { rows } = await client.query("select labelfile from pg_backup_stop(wait_for_archive => false)");
    for (const [file, text] of Object.entries({ backup_label: rows[0].labelfile, "standby.signal": "" })) {
      writeFileSync(join(data, file), text);
      // The server takes them away itself, and is another user where this one is root.
      if (primary.owner.uid !== undefined) chownSync(join(data, file), primary.owner.uid, primary.owner.gid);
    }
  } finally {
    await client.end();
  }
}
