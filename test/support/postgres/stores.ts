import { onTestFinished } from "vitest";
import { openPostgresStore } from "../../../src/store/postgres/open.ts";
import type { Store } from "../../../src/store/store.ts";
import { freshDatabase } from "./shared.ts";

/** Stores of so many machines on one new schema; closed with the test. `another` is one more machine. */
export async function fleetOfStores(
  count: number,
): Promise<{ url: string; stores: Store[]; another(): Promise<Store> }> {
  const url = await freshDatabase();
  const another = async () => {
    const store = await openPostgresStore({ url, schema: "afk_test" });
    onTestFinished(() => store.close());
    return store;
  };
  const stores: Store[] = [];
  for (let machine = 0; machine < count; machine++) stores.push(await another());
  return { url, stores, another };
}
