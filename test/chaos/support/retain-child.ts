import type { Config } from "../../../src/config/config.ts";
import { retain } from "../../../src/ops/retention/retain.ts";
import { openStore } from "../../../src/store/sqlite/open.ts";
import { fakeClock } from "../../support/fake-clock.ts";

/** `retain-child.ts DATABASE NOW_MS TIMEZONE`: one tick's part of retention, by a clock that stands. */
const [, , path = "", nowMs = "", timezone = ""] = process.argv;
const store = await openStore(path);
await retain({
  store,
  // What retention reads of it.
  config: { timezone, jobs: [{ name: "digest" }, { name: "weekly" }] } as unknown as Config,
  clock: fakeClock(Number(nowMs)),
  signal: new AbortController().signal,
});
await store.close();
