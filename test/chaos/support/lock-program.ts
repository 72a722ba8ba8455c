import Database from "better-sqlite3";
import { onGo } from "../../support/child-work.ts";

/** Another program, not afk's: `lock-program.ts PATH BEGIN MS` begins a transaction and ends it MS after it could. */
const [path = "", begin = "", ms = ""] = process.argv.slice(2);

onGo(async () => {
  const database = new Database(path, { timeout: 20_000 });
  database.exec(begin);
  setTimeout(() => {
    if (database.inTransaction) database.exec("rollback");
    database.close();
  }, Number(ms));
  return "held";
});
