// @module-tag processes
// @module-tag slow
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { describe, expect, test } from "vitest";
import { postgresProblem } from "./binaries.ts";
import { processesIn } from "./keeper.ts";
import { startPostgres } from "./server.ts";
import { freshDatabase, postgres, sharedPostgres } from "./shared.ts";
import { templateFolder } from "./template.ts";

const problem = postgresProblem();
const skipped = problem === null ? "" : ` -- skipped: ${problem}`;

describe.skipIf(problem !== null)(`the tests' PostgreSQL${skipped}`, () => {
  test("starts, answers as an ordinary role, and leaves nothing behind", async () => {
    const server = await startPostgres({ settings: { work_mem: "5MB" } });
    const data = join(server.folder, "data");
    expect(await server.query("show work_mem")).toEqual([{ work_mem: "5MB" }]);
    expect(await server.query("show fsync")).toEqual([{ fsync: "on" }]);
    const client = new pg.Client({ connectionString: server.url() });
    await client.connect();
    const { rows } = await client.query(
      "select rolsuper, 'a' < 'B' as is_icu from pg_roles where rolname = current_user",
    );
    expect(rows).toEqual([{ rolsuper: false, is_icu: true }]);
    await client.end();
    expect(processesIn(data).length).toBeGreaterThan(1);
    await server.close();
    expect(processesIn(data)).toEqual([]);
    expect(existsSync(server.folder)).toBe(false);
  });

  test("copies one template for every server", async () => {
    const server = await postgres();
    const made = () => templateFolder(server.binaries, server.owner, "icu");
    const { ino } = statSync(await made());
    await postgres();
    expect(statSync(await made()).ino).toBe(ino);
  });

  test("keeps its port and what was committed over a stop, a crash and a suspension", async () => {
    const server = await postgres();
    await server.query("create table t (a int)");
    for (const end of [
      () => server.stop("fast"),
      () => server.stop("immediate"),
      () => server.kill("SIGKILL"),
    ]) {
      await server.query("insert into t values (1)");
      await end();
      expect(server.pid).toBeUndefined();
      await expect(server.query("select 1")).rejects.toThrow("ECONNREFUSED");
      await server.start();
    }
    server.suspend();
    const answer = server.query("select count(*)::int as n from t");
    const wait = AbortSignal.timeout(300);
    expect(await Promise.race([answer, once(wait, "abort").then(() => "no answer")])).toBe("no answer");
    server.resume();
    expect(await answer).toEqual([{ n: 3 }]);
  });

  test("ends with its process, even one that is killed while the server is suspended", async () => {
    const worker = spawn(process.execPath, [fileURLToPath(new URL("worker.ts", import.meta.url))], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const [line] = await once(worker.stdout, "data");
    const { folder } = JSON.parse(String(line));
    const data = join(folder, "data");
    for (const pid of processesIn(data)) process.kill(pid, "SIGSTOP");
    worker.kill("SIGKILL");
    await expect.poll(() => existsSync(folder), { timeout: 20_000 }).toBe(false);
    expect(processesIn(data)).toEqual([]);
  });

  test("gives each test a database of its own on one server", async () => {
    const urls = await Promise.all([freshDatabase(), freshDatabase()]);
    expect(new Set(urls).size).toBe(2);
    const server = await sharedPostgres();
    for (const url of urls) {
      expect(new URL(url).port).toBe(String(server.port));
      const client = new pg.Client({ connectionString: url });
      await client.connect();
      await client.query("create table only_here (a int)");
      await client.end();
    }
  });
});
