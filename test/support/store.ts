import { join } from "node:path";
import { onTestFinished } from "vitest";
import { openStore } from "../../src/store/sqlite/open.ts";
import type { Store } from "../../src/store/store.ts";
import { tempDir } from "./temp.ts";

export interface TestStore extends Store {
  path: string;
}

/** A real store, in a folder of its own unless `path` says where; closed with the test. */
export async function testStore(path = join(tempDir(), "afk.db")): Promise<TestStore> {
  const store = await openStore(path);
  onTestFinished(() => store.close());
  return { ...store, path };
}
