import { describe, expect, test } from "vitest";
import { BASE, linesOf, load, withBase } from "./support.ts";

const url = "postgres://afk:secret@db.example.org/afk";

test("a cap over all agents needs the database that they share", () => {
  expect(linesOf(withBase({ fleet: { daily_cap_usd: 10 } }))).toEqual([
    "fleet.daily_cap_usd: needs `database`, which all agents share that it is for; or leave it out",
  ]);
  const { database, fleet } = load(withBase({ database: { url }, fleet: { daily_cap_usd: 10 } }));
  expect(database).toEqual({ url, schema: "afk_test", hasFleetCap: true });
  expect(fleet).toEqual({ dailyCapMicros: 10_000_000 });
  const alone = load(withBase({ database: { url, schema: "mine" } }));
  expect(alone.database).toEqual({ url, schema: "mine", hasFleetCap: false });
});

describe("the URL of a database", () => {
  const WRITE =
    "write postgres://<user>:<password>@<host>:5432/<name>; a /, ? or # in the password is written %2F, %3F, %23";
  const ONE = "write one host, by an address that follows the primary: a URL with several is not supported";
  const ESCAPE = "write % in the password as %25";
  test.each([
    ["postgres://afk:100%zz@db.example.org/afk", ESCAPE],
    ["postgres://afk:geheim%@db.example.org/afk", ESCAPE],
    ["postgres://afk:geheim%ff@db.example.org/afk", ESCAPE],
    ["postgres://afk:geheim@one.example.org,two.example.org/afk", ONE],
    ["postgres://afk:geheim@one.example.org:5432,two.example.org:5432/afk", ONE],
    ["postgres:///afk?host=one.example.org,two.example.org&user=afk&password=geheim", ONE],
    ["postgres://afk:geheim,/100@db.example.org/afk", WRITE],
    ["postgres://afk:100/geheim@db.example.org/afk", WRITE],
    ["postgres://afk:100?geheim@db.example.org/afk", WRITE],
    ["postgres://afk:100#geheim@db.example.org/afk", WRITE],
    ["geheim, or none", WRITE],
    ["mysql://afk:geheim@db.example.org/afk", WRITE],
  ])("is refused without its password where it cannot be used: %s", (refused, message) => {
    expect(linesOf(withBase({ database: { url: refused } }))).toEqual([
      `database.url: found a text of ${refused.length} characters; ${message}`,
    ]);
    expect(linesOf(BASE, { environment: { DATABASE_URL: refused } })).toEqual([
      `database.url: found the value of "\${DATABASE_URL}"; ${message}`,
    ]);
  });

  test.each([
    "postgres://afk:100%25%2F@db.example.org:5432/afk?sslmode=verify-full&sslrootcert=/etc/root.pem",
    "postgresql://afk:a,b@[::1]/afk",
    "postgres://%2Fvar%2Frun%2Fpostgresql/afk",
    "postgres:///afk?host=/var/run/postgresql&user=afk@tenant",
  ])("is taken as it is: %s", (taken) => {
    expect(load(withBase({ database: { url: taken } })).database?.url).toBe(taken);
  });
});
