// The baseline of a process that waits: Node has a database open and does nothing; with "thread", in a second thread too.
import { Worker } from "node:worker_threads";
import Database from "better-sqlite3";

const [path, withThread] = process.argv.slice(2);
const database = new Database(path);
database.prepare("select count(*) from ticks").get();
if (withThread === "thread") new Worker("setInterval(() => undefined, 3_600_000)", { eval: true });
setInterval(() => undefined, 3_600_000);
