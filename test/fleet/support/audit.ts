import { Client } from "pg";
import type { DatabaseTarget } from "../../../src/lib/database-target.ts";

/** One thing that committed. Numbers are given behind the gate, so that they are in the order of the commits. */
export interface Noted {
  seq: number;
  what: "reserved" | "stopped" | "resumed" | "done";
  name: string;
}

/** Notes in the database itself what sections write, whoever writes it and however often its transaction is tried. */
export async function audit({ url, schema }: DatabaseTarget): Promise<void> {
  await direct({ url, schema }, [
    "create table audit (seq integer generated always as identity, what text, name text)",
    `create function note() returns trigger language plpgsql as $$ begin
      if tg_table_name = 'ledger' then insert into audit (what, name) values ('reserved', new.id);
      elsif tg_table_name = 'kill_switch' then
        insert into audit (what, name) values (case when new.set_at is null then 'resumed' else 'stopped' end, '');
      elsif new.state = 'done' and old.state <> 'done' then insert into audit (what, name) values ('done', new.key);
      end if;
      return null;
    end $$`,
    "create trigger note after insert on ledger for each row execute function note()",
    "create trigger note after update on kill_switch for each row execute function note()",
    "create trigger note after update on jobs for each row execute function note()",
  ]);
}

/** Runs statements past everything of afk's, and gives the rows of the last one. */
export async function direct<Row = unknown>(
  { url, schema }: DatabaseTarget,
  statements: string[],
  values: unknown[] = [],
): Promise<Row[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`set search_path to ${schema}`);
    let rows: Row[] = [];
    for (const [at, text] of statements.entries())
      rows = (await client.query(text, at === statements.length - 1 ? values : [])).rows;
    return rows;
  } finally {
    await client.end();
  }
}
