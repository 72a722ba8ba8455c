// biome-ignore-all lint/suspicious/noTemplateCurlyInString: afk.yaml has them in plain texts.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { configHash } from "../../src/config/hash.ts";
import { BASE, folderForTest, linesOf, load, withBase } from "./support.ts";

const TOKEN = "a-long-enough-token-0123";
const of = (dashboard: unknown) => withBase({ dashboard });

test("the page is served to this machine unless told otherwise", () => {
  expect(load(BASE).dashboard).toEqual({
    isEnabled: true,
    port: 4235,
    bind: "127.0.0.1",
    hosts: [],
    token: null,
    url: null,
  });
  expect(load(of({ enabled: false, port: 0, hosts: ["VM.example.org"] })).dashboard).toMatchObject({
    isEnabled: false,
    port: 0,
    hosts: ["vm.example.org"],
  });
});

describe("an address that others reach", () => {
  test.each(["0.0.0.0", "::", "10.0.0.7", "2001:db8::1"])("%s needs a token", (bind) => {
    expect(linesOf(of({ bind }))).toEqual([expect.stringMatching(/^dashboard: .*DASHBOARD_TOKEN/)]);
    expect(load(of({ bind, token: TOKEN })).dashboard.token).toBe(TOKEN);
    expect(load(of({ bind }), { environment: { DASHBOARD_TOKEN: TOKEN } }).dashboard.token).toBe(TOKEN);
  });

  test.each(["127.0.0.1", "127.0.0.9", "::1"])("%s is none", (bind) => {
    expect(load(of({ bind })).dashboard).toMatchObject({ bind, token: null });
  });
});

describe("the token", () => {
  test("comes from a file too, and a stated one wins", () => {
    const file = join(folderForTest(), "token");
    writeFileSync(file, `${TOKEN}\n`);
    expect(load(BASE, { environment: { DASHBOARD_TOKEN_FILE: file } }).dashboard.token).toBe(TOKEN);
    const environment = { DASHBOARD_TOKEN: TOKEN, OTHER: "another-long-enough-token" };
    expect(load(of({ token: "${OTHER}" }), { environment }).dashboard.token).toBe(
      "another-long-enough-token",
    );
  });

  test("is a secret, stated or not", () => {
    expect(load(of({ token: TOKEN })).secrets).toContain(TOKEN);
    expect(load(BASE, { environment: { DASHBOARD_TOKEN: TOKEN } }).secrets).toContain(TOKEN);
  });

  test.each(["short", "fifteen-letters", "with a space in it", "with;semicolon;in;it"])(
    "%s is none",
    (token) => {
      expect(linesOf(of({ token }))).toEqual([expect.stringContaining("write a token of 16 or more")]);
    },
  );
});

test.each([
  [{ port: 70_000 }, "dashboard.port"],
  [{ port: "4235" }, "dashboard.port"],
  [{ bind: "localhost" }, "dashboard.bind"],
  [{ bind: "127.1" }, "dashboard.bind"],
  [{ bind: "fe80::1%eth0" }, "dashboard.bind"],
  [{ hosts: ["http://vm"] }, "dashboard.hosts[0]"],
  [{ enabled: "yes" }, "dashboard.enabled"],
  [{ prot: 1 }, "dashboard.prot"],
])("%o is refused where it is wrong", (dashboard, path) => {
  expect(linesOf(of(dashboard))).toEqual([expect.stringContaining(`${path}: `)]);
});

test("where the page is served changes nothing that a drill has proved", () => {
  const cwd = folderForTest();
  expect(configHash(load(of({ port: 1 }), { cwd }))).toBe(configHash(load(BASE, { cwd })));
});
