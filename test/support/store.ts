import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { tempDir } from "./temp.ts";

export interface TestStore extends Store {
  path: string;
}

type Wrap = (store: Store, path: string) => Promise<Store>;

/** Kept beside the modules, of which a worker may load this one twice. */
const KEY = Symbol.for("afk.test.store.wrap");
const holder = globalThis as { [KEY]?: Wrap | undefined };

/** What tests get in the place of each store from now on, which is open by then; undefined for the store itself. */
export function wrapTestStores(wrap: Wrap | undefined): void {
  holder[KEY] = wrap;
}

/** A real store, in a folder of its own unless `path` says where; closed with the test. */
export async function testStore(path = join(tempDir(), "afk.db")): Promise<TestStore> {
  const store = await openStore(path);
  onTestFinished(() => store.close());
  return { ...((await holder[KEY]?.(store, path)) ?? store), path };
}
