import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openStoreAt } from "../../src/store/open.ts";
import { openStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { tempDir } from "./temp.ts";

export interface TestStore extends Store {
  path: string;
}

/** `ofAgent`: the store was opened by an agent, not by the test itself. */
type Wrap = (store: Store, path: string, ofAgent: boolean) => Promise<Store>;

/** Kept beside the modules, of which a worker may load this one twice. */
const KEY = Symbol.for("afk.test.store.wrap");
const holder = globalThis as { [KEY]?: Wrap | undefined };

/** What tests get in the place of each store from now on, which is open by then; undefined for the store itself. */
export function wrapTestStores(wrap: Wrap | undefined): void {
  holder[KEY] = wrap;
}

/** A real store, in a folder of its own unless `path` says where; closed with the test. */
export async function testStore(path = join(tempDir(), "afk.db")): Promise<TestStore> {
  const store = await wrapped(await openStore(path), path, false);
  onTestFinished(() => store.close());
  return { ...store, path };
}

/** How the agents of tests open their state. */
export const openTestStore: typeof openStoreAt = async (place, patienceMs) => {
  const store = await openStoreAt(place, patienceMs);
  return place.target === null ? await wrapped(store, place.path, true) : store;
};

async function wrapped(store: Store, path: string, ofAgent: boolean): Promise<Store> {
  return (await holder[KEY]?.(store, path, ofAgent)) ?? store;
}
