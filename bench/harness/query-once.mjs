// The baseline of a start: Node opens a database and asks it one thing.
import Database from "better-sqlite3";

const database = new Database(process.argv[2]);
database.prepare("select count(*) from ticks").get();
database.close();
