import { chownSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Postgres } from "./server.ts";
import { ROLE, SUPERUSER } from "./template.ts";
import { until } from "./until.ts";

/** From now on the ordinary role needs this password, and the superuser still none. */
export async function askForPassword(server: Postgres, password: string): Promise<void> {
  await server.query(`alter role ${ROLE} password '${password}'`);
  const lines = [`host all ${SUPERUSER} 127.0.0.1/32 trust`, "host all all 127.0.0.1/32 scram-sha-256"];
  write(server, "pg_hba.conf", `${lines.join("\n")}\n`);
  await reload(server, "its rules are read", "select count(*) = 2 as is from pg_hba_file_rules");
}

/** From now on the server speaks TLS where it is asked to. */
export async function offerTls(
  server: Postgres,
  { key, cert }: Record<"key" | "cert", string>,
): Promise<void> {
  write(server, "server.key", key);
  write(server, "server.crt", cert);
  await server.query("alter system set ssl to on");
  await reload(server, "it speaks TLS", "select current_setting('ssl') = 'on' as is");
}

function write({ folder, owner }: Postgres, name: string, content: string): void {
  const file = join(folder, "data", name);
  writeFileSync(file, content, { mode: 0o600 });
  if (owner.uid !== undefined) chownSync(file, owner.uid, owner.gid);
}

async function reload(server: Postgres, what: string, isDone: string): Promise<void> {
  await server.query("select pg_reload_conf()");
  // Each look is a connection of its own, which has what the postmaster has read.
  await until(what, async () => (await server.query(isDone))[0]?.is === true);
}
