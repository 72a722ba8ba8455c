import { acquireLock } from "../../../src/store/sqlite/lock.ts";

/* Holds the lock at the path that it is given until it is killed. */

acquireLock(process.argv[2] ?? "");
process.send?.("held");
setInterval(() => undefined, 60_000);
