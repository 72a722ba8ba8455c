import { describe, expect, test } from "vitest";
import { DAY_MS } from "../../src/lib/durations.ts";
import { rejection, testEgress, textOf } from "../egress/harness.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { contentServer } from "../support/content-server.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { seededRandomness } from "../support/seeded.ts";
import { ADMITTED, ALLOW, AMBIGUOUS, CHAINS, NOT_ADMITTED } from "./support/hostile-urls.ts";
import { privateListeners } from "./support/listeners.ts";
import { nameServer } from "./support/name-server.ts";
import {
  NEVER_PERMITTED,
  octetsOf,
  randomIn,
  SPECIAL_IPV4,
  SPECIAL_IPV6,
  SPECIAL_RANGES,
  SPELLINGS,
} from "./support/special-addresses.ts";
import { connectionWitness } from "./support/witness.ts";

const STATUSES = [301, 302, 303, 307, 308];
const PUBLIC = "1.1.1.1";
const LIMIT = patience({ test: 180_000, chaos: 600_000 });

interface Target {
  name: string;
  /** As it stands in a URL. */
  host: string;
}

const IPV4_TARGETS = SPECIAL_IPV4.flatMap((ip) =>
  Object.entries(SPELLINGS).map(
    ([name, spell]): Target => ({ name: `${ip}, ${name}`, host: spell(octetsOf(ip)) }),
  ),
);
const IPV6_TARGETS = SPECIAL_IPV6.flatMap((ip): Target[] => [
  { name: ip, host: `[${ip}]` },
  { name: `${ip} in capitals`, host: `[${ip.toUpperCase()}]` },
  { name: `${ip} with a zone`, host: `[${ip}%25eth0]` },
  { name: `${ip} with a bare zone`, host: `[${ip}%eth0]` },
  { name: `${ip} percent-encoded`, host: `%5B${encodeURIComponent(ip)}%5D` },
]);
const TARGETS = [...IPV4_TARGETS, ...IPV6_TARGETS];

/** Every spelling is in the allowlist, so that the allowlist is not what refuses it. */
const HOSTS = [...TARGETS.map(({ host }) => host), ...SPECIAL_IPV4, ...SPECIAL_IPV6];

describe("a special address is not reached", () => {
  test("as the address itself, however it is written", { timeout: LIMIT }, async () => {
    const { port, connections } = await privateListeners();
    const witness = connectionWitness();
    const { egress } = await testEgress({ config: { allow: HOSTS, allowPrivate: [] } });
    let count = 0;
    for (const { name, host } of TARGETS) {
      const error = await rejection(egress.fetch(`http://${host}:${port}/`));
      expect(error, name).toMatchObject({ code: "egress_refused", retry: "never" });
      count++;
    }
    expect([witness.attempts, connections()]).toEqual([[], 0]);
    report("egress, addresses as URLs", count);
  });

  test("through a redirect of any kind", { timeout: LIMIT }, async () => {
    const { port, connections } = await privateListeners();
    const site = await contentServer();
    const witness = connectionWitness();
    const { egress } = await testEgress({
      config: { allow: [...HOSTS, "site.test"], allowPrivate: ["site.test"] },
    });
    const targets = TARGETS.filter(({ host }) => !/[\t\n]/.test(host));
    const seed = chaosSeed("egress, redirects");
    const { random } = seededRandomness(seed);
    const most = cases({ test: 400, chaos: targets.length * STATUSES.length });
    let count = 0;
    const requests = targets.flatMap((target) =>
      STATUSES.map((status) => ({ ...target, status, order: random() })),
    );
    for (const { name, host, status } of requests.toSorted((a, b) => a.order - b.order).slice(0, most)) {
      // Node writes headers as Latin-1; a browser's server would send these bytes.
      const location = Buffer.from(`http://${host}:${port}/`).toString("latin1");
      site.routes["/"] = { status, headers: { location } };
      const error = await rejection(egress.fetch(`http://site.test:${site.port}/`));
      expect(error, `${status} to ${name}`).toMatchObject({ code: expect.stringMatching(/^egress_/) });
      count++;
    }
    expect(new Set(witness.attempts)).toEqual(new Set(["127.0.0.1"]));
    expect([connections(), site.paths().length]).toEqual([0, count]);
    report("egress, redirects", count);
  });

  test("through a name, alone or between public addresses", { timeout: LIMIT }, async () => {
    const { port, connections } = await privateListeners();
    const witness = connectionWitness();
    const names = await nameServer();
    const { egress } = await testEgress({
      config: { allow: ["name.test"], allowPrivate: [] },
      resolve: names.resolve,
    });
    let count = 0;
    for (const ip of [...SPECIAL_IPV4, ...SPECIAL_IPV6]) {
      for (const answer of [[ip], [PUBLIC, ip], [ip, PUBLIC], ["2606:4700:4700::1111", PUBLIC, ip]]) {
        names.answers = [answer];
        const error = await rejection(egress.fetch(`http://name.test:${port}/`));
        expect(error, answer.join(" and ")).toMatchObject({ code: "egress_refused", retry: "never" });
        count++;
      }
    }
    expect([witness.attempts, connections(), names.lookups()]).toEqual([[], 0, count]);
    report("egress, names", count);
  });
});

test("a name that changes its address between two connections gains nothing", {
  timeout: LIMIT,
}, async () => {
  const close = { connection: "close" };
  const site = await contentServer({
    "/robots.txt": { status: 404, headers: close },
    "/": { headers: close, body: "first" },
  });
  const witness = connectionWitness();
  const names = await nameServer();
  const clock = fakeClock();
  const { egress } = await testEgress({ resolve: names.resolve, clock });
  const url = `http://site.test:${site.port}/`;
  let count = 0;
  for (const ip of NEVER_PERMITTED) {
    // The rules of yesterday are asked for again, so that the first connection of each case is for them.
    clock.advance(DAY_MS);
    names.answers = [["127.0.0.1"], [ip]];
    const afterRobots = await rejection(egress.fetch(url));
    expect(afterRobots, `${ip} after robots.txt`).toMatchObject({ code: "egress_refused" });
    names.answers = [["127.0.0.1"], [ip, "127.0.0.1"]];
    expect(textOf((await egress.fetch(url)).body)).toBe("first");
    const afterPage = await rejection(egress.fetch(url));
    expect(afterPage, `${ip} after a page`).toMatchObject({ code: "egress_refused" });
    // Each connection was made after a look-up of its own, and to what that gave.
    count += 2;
    expect([witness.fresh(), names.lookups()]).toEqual([["127.0.0.1", "127.0.0.1"], 2 * count]);
  }
  report("egress, rebinding", count);
});

test("redirects lead to nothing private, however they are written", { timeout: LIMIT }, async () => {
  const { port, connections } = await privateListeners();
  const site = await contentServer();
  const witness = connectionWitness();
  const addresses: Record<string, string[]> = {
    "site.test": ["127.0.0.1"],
    "both.test": [PUBLIC, "127.0.0.2"],
  };
  const { egress } = await testEgress({
    config: { allow: ["site.test", "private.test", "both.test", "127.0.0.2"], allowPrivate: ["site.test"] },
    resolve: async (name) => (addresses[name] ?? ["127.0.0.2"]).map((address) => ({ address, family: 4 })),
  });
  let count = 0;
  for (const [name, hops] of CHAINS) {
    for (const status of STATUSES) {
      for (const [n, hop] of hops.entries()) {
        const location = hop.replace("PORT", String(port));
        site.routes[n === 0 ? "/" : `/${n}`] = { status, headers: { location } };
      }
      const error = await rejection(egress.fetch(`http://site.test:${site.port}/`));
      expect(error, `${status} ${name}`).toMatchObject({ code: expect.stringMatching(/^egress_/) });
      count++;
    }
  }
  expect([new Set(witness.attempts), connections()]).toEqual([new Set(["127.0.0.1"]), 0]);
  report("egress, redirect chains", count);
});

test("an address that is read in two requests goes to the site or nowhere", { timeout: LIMIT }, async () => {
  const { port, connections } = await privateListeners();
  const site = await contentServer({ "/": "public" });
  const witness = connectionWitness();
  const { egress } = await testEgress({
    config: {
      allow: ["site.test", "*.site.test", "127.0.0.2", "localhost", "::1", "::ffff:127.0.0.2"],
      allowPrivate: ["site.test"],
    },
    resolve: async (name) => [{ address: name === "site.test" ? "127.0.0.1" : "127.0.0.2", family: 4 }],
  });
  for (const text of AMBIGUOUS) {
    const url = text.replaceAll("PORT", String(port)).replaceAll("SITE", String(site.port));
    const outcome = await egress.fetch(url).then(
      (page) => textOf(page.body),
      (error) => error.code,
    );
    expect(outcome, text).toMatch(/^(?:public|egress_\w+)$/);
    expect(connections(), text).toBe(0);
  }
  const hosts = new Set(site.requests.map(({ headers }) => headers.host));
  expect([hosts, new Set(witness.attempts)]).toEqual([
    new Set([`site.test:${site.port}`]),
    new Set(["127.0.0.1"]),
  ]);
  report("egress, ambiguous addresses", AMBIGUOUS.length);
});

describe("egress.allow_private", () => {
  test.each([
    "127.0.0.2",
    "2130706434",
    "0x7f.2",
    "0177.0.0.2",
    "127.2",
    "[::1]",
    "[::ffff:127.0.0.2]",
    "home.test",
    "HOME.test.",
  ])(
    "lets %s reach loopback, so that what is not reached elsewhere was there to be reached",
    async (host) => {
      const { port, connections } = await privateListeners();
      const allow = ["127.0.0.2", "::1", "::ffff:127.0.0.2", "home.test"];
      const { egress } = await testEgress({ config: { allow, allowPrivate: allow } });
      expect(textOf((await egress.fetch(`http://${host}:${port}/`)).body)).toBe("private");
      expect(connections()).toBeGreaterThan(0);
    },
  );

  test("opens no way to link-local addresses and metadata services", { timeout: LIMIT }, async () => {
    const witness = connectionWitness();
    const site = await contentServer();
    const names = await nameServer();
    const allow = [...HOSTS, ...NEVER_PERMITTED, "site.test", "name.test"];
    const { egress } = await testEgress({
      config: { allow, allowPrivate: allow },
      resolve: (name) =>
        name === "site.test" ? Promise.resolve([{ address: "127.0.0.1", family: 4 }]) : names.resolve(name),
    });
    let count = 0;
    for (const ip of NEVER_PERMITTED) {
      const literals = ip.includes(":")
        ? [`[${ip}]`]
        : Object.values(SPELLINGS).map((spell) => spell(octetsOf(ip)));
      const urls = literals.map((host) => `http://${host}/latest/meta-data`);
      site.routes["/"] = { status: 302, headers: { location: urls[0]! } };
      for (const url of [...urls, `http://site.test:${site.port}/`]) {
        expect(await rejection(egress.fetch(url)), url).toMatchObject({ code: "egress_refused" });
        count++;
      }
      for (const answer of [[ip], ["127.0.0.1", ip], [ip, "10.0.0.1"]]) {
        names.answers = [answer];
        const error = await rejection(egress.fetch("http://name.test/"));
        expect(error, answer.join(" and ")).toMatchObject({ code: "egress_refused" });
        count++;
      }
    }
    expect(new Set(witness.attempts)).toEqual(new Set(["127.0.0.1"]));
    report("egress, allow_private", count);
  });
});

test("egress.allow admits what it names, and nothing that looks like it", async () => {
  let asked = 0;
  const clock = fakeClock();
  const { egress } = await testEgress({
    config: { allow: ALLOW, allowPrivate: ALLOW },
    clock,
    // Whoever gets here was admitted; there is no address, so that nothing is connected to.
    resolve: async () => {
      asked++;
      return [];
    },
  });
  for (const host of [...ADMITTED, ...NOT_ADMITTED]) {
    // The same name is looked up again for the next of its spellings.
    clock.advance(DAY_MS);
    const before = asked;
    const isAdmitted = ADMITTED.includes(host);
    const error = await rejection(egress.fetch(`http://${host}/`));
    expect(error, host).toMatchObject({ code: isAdmitted ? "egress_failed" : "egress_refused" });
    expect(asked - before, host).toBe(isAdmitted ? 1 : 0);
  }
  report("egress, allowlist", ADMITTED.length + NOT_ADMITTED.length);
});

test("no address of a special range is reached, whatever its spelling and the way in", {
  timeout: LIMIT,
}, async () => {
  const witness = connectionWitness();
  const { port, connections } = await privateListeners();
  const seed = chaosSeed("egress, random addresses");
  const { random } = seededRandomness(seed);
  const pick = <T>(from: readonly T[]) => from[Math.floor(random() * from.length)]!;
  const spellings = Object.entries(SPELLINGS);
  const allow: string[] = [];
  let answer: string[] = [];
  const { egress } = await testEgress({
    config: { allow, allowPrivate: [] },
    resolve: async () => answer.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
  });
  const count = cases({ test: 1_000, chaos: 50_000 });
  for (let n = 0; n < count; n++) {
    const octets = randomIn(pick(SPECIAL_RANGES), random);
    const ip = octets.join(".");
    const [name, spell] = pick(spellings);
    const host = pick([spell(octets), "name.test"]);
    allow.splice(0, allow.length, ip, host);
    answer = pick([[ip], [PUBLIC, ip], [ip, PUBLIC], [`::ffff:${ip}`], [`64:ff9b::${ip}`, PUBLIC]]);
    const error = await rejection(egress.fetch(`http://${host}:${port}/`));
    const told = `${ip} as ${host === "name.test" ? "a name" : name}, case ${n} of seed ${seed}`;
    expect(error, told).toMatchObject({ code: "egress_refused", retry: "never" });
  }
  expect([witness.attempts, connections()]).toEqual([[], 0]);
  report("egress, random addresses", count);
});
