import type { Client } from "pg";
import { afterAll, beforeAll, describe, expect, onTestFinished } from "vitest";
import { postgresProblem } from "../../support/postgres/binaries.ts";
import { newState } from "../../support/postgres/state.ts";
import { wrapTestStores } from "../../support/store.ts";
import { connectMirror, type Mirror, openMirror } from "./both.ts";

/**
 * Runs the tests of these files of test/ once more: each of their stores is SQLite with PostgreSQL beside it. Each statement goes
 * to both, its rows and errors are compared, what the domain gets is PostgreSQL's, and after each test all tables are compared.
 * `alone`: tests, by their names, that write to SQLite in another way too. `withAgents`: what whole agents of these tests do is compared
 * as well, which is hundreds of statements a tick.
 */
export function onBoth(
  title: string,
  files: readonly string[],
  { alone = [], withAgents = false }: { alone?: readonly string[]; withAgents?: boolean } = {},
): void {
  const problem = postgresProblem();
  const skipped = problem === null ? "" : ` -- skipped: ${problem}`;
  describe.skipIf(problem !== null)(`${title}, on SQLite and PostgreSQL${skipped}`, async () => {
    /** Of tests that are over. One that opens two states at once has two. */
    const free: Client[] = [];
    const mirrors = new Map<string, Promise<Mirror>>();
    const mirrorOf = async (path: string) => {
      const client = free.pop() ?? (await connectMirror(await newState()));
      const mirror = await openMirror(client);
      onTestFinished(async () => {
        mirrors.delete(path);
        await mirror.undo();
        free.push(client);
        expect(mirror.differences).toEqual([]);
      });
      return mirror;
    };
    beforeAll(() =>
      wrapTestStores(async (store, path, ofAgent) => {
        if (ofAgent && !withAgents) return store;
        const name = expect.getState().currentTestName ?? "";
        if (alone.some((each) => name.endsWith(each))) return store;
        const opened = mirrors.get(path) ?? mirrorOf(path);
        mirrors.set(path, opened);
        return (await opened).over(store);
      }),
    );
    afterAll(async () => {
      wrapTestStores(undefined);
      await Promise.all(free.map((client) => client.end()));
    });
    for (const file of files)
      await import(/* @vite-ignore */ `${new URL(`../../${file}`, import.meta.url).pathname}?both`);
  });
}
