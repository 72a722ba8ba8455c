// The baseline of a process that waits: Node has a database open and does nothing.
import Database from "better-sqlite3";

const database = new Database(process.argv[2]);
database.prepare("select count(*) from ticks").get();
setInterval(() => undefined, 3_600_000);
