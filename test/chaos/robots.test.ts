import { describe, expect, test } from "vitest";
import { isPathAllowed, parseRobots } from "../../src/egress/robots.ts";
import { HOUR_MS } from "../../src/lib/durations.ts";
import { testEgress, textOf } from "../egress/harness.ts";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { contentServer, type Route } from "../support/content-server.ts";
import { seededRandomness } from "../support/seeded.ts";
import { ROBOTS_CASES } from "./support/robots-table.ts";

const BYTES_MAX = 500 * 1024;
const LIMIT = patience({ test: 30_000, chaos: 300_000 });
const CLOSED = "user-agent: *\ndisallow: /\n";

test("the rules of RFC 9309 decide what is fetched", () => {
  let count = 0;
  for (const [name, text, paths] of ROBOTS_CASES) {
    const rules = parseRobots(text, "afk");
    for (const expected of paths.split(" ")) {
      const path = expected.slice(1);
      expect(`${isPathAllowed(rules, path) ? "+" : "-"}${path}`, name).toBe(expected);
      count++;
    }
  }
  report("robots.txt, rules", count, `of ${ROBOTS_CASES.length} files`);
});

test("the product token is read without regard to case, and FOO BAR is FOO", () => {
  const files = ["FOO BAR", "foo bar", "Foo/2.0", "foo"].map((agent) => `user-agent: ${agent}\ndisallow: /`);
  for (const text of files) {
    for (const agent of ["foo", "FOO", "Foo"]) {
      expect(isPathAllowed(parseRobots(text, agent), "/x"), `${text} for ${agent}`).toBe(false);
    }
    for (const agent of ["bar", "foobar", "fo"]) {
      expect(isPathAllowed(parseRobots(text, agent), "/x"), `${text} for ${agent}`).toBe(true);
    }
  }
  report("robots.txt, product tokens", files.length * 6);
});

describe("what a host answers for robots.txt", () => {
  const ALLOWS = [
    400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412, 413, 414, 415, 416, 417, 418, 421, 422,
    423, 424, 425, 426, 428, 431, 451, 499,
  ];
  const FORBIDS = [300, 304, 305, 306, 500, 501, 502, 503, 504, 505, 506, 507, 508, 510, 511, 599];
  const READ = [200, 201, 202, 203, 206, 226];
  const rules: Route = { body: "user-agent: *\ndisallow: /no\n" };
  const hop = (to: string): Route => ({ status: 301, headers: { location: to } });
  /** `/robots.txt` and `/1` to `/hops`, at the end of which are the rules. */
  const chain = (hops: number): Record<string, Route> => {
    const path = (n: number) => (n === 0 ? "/robots.txt" : `/${n}`);
    const steps = Array.from({ length: hops }, (_, n) => [path(n), hop(path(n + 1))] as const);
    return { ...Object.fromEntries(steps), [path(hops)]: rules };
  };
  const body = (status: number): Record<string, Route> => ({ "/robots.txt": { status, body: CLOSED } });
  const cut: Route = (_request, response) => {
    response
      .writeHead(200, { "content-length": "1000" })
      .write("user-agent: *\nallow: /\n", () => response.destroy());
  };

  const ANSWERS: [name: string, routes: Record<string, Route>, yes: string, no: string][] = [
    ...READ.map((status): [string, Record<string, Route>, string, string] => [
      `status ${status}`,
      { "/robots.txt": { status, body: "user-agent: *\ndisallow: /no\n" } },
      "fetched",
      "egress_refused",
    ]),
    ["status 204", { "/robots.txt": { status: 204 } }, "fetched", "fetched"],
    ...ALLOWS.map((status): [string, Record<string, Route>, string, string] => [
      `status ${status}`,
      body(status),
      "fetched",
      "fetched",
    ]),
    ...FORBIDS.map((status): [string, Record<string, Route>, string, string] => [
      `status ${status}`,
      body(status),
      "egress_failed",
      "egress_failed",
    ]),
    ["status 429", body(429), "egress_failed", "egress_failed"],
    ...[1, 2, 3, 4, 5].map((hops): [string, Record<string, Route>, string, string] => [
      `${hops} redirects`,
      chain(hops),
      "fetched",
      "egress_refused",
    ]),
    // More than five may be taken for a file that is not there (section 2.3.1.2).
    ["6 redirects", chain(6), "fetched", "fetched"],
    ["a redirect to itself", { "/robots.txt": hop("/robots.txt") }, "fetched", "fetched"],
    ["a redirect to nothing", { "/robots.txt": hop("/1") }, "fetched", "fetched"],
    [
      "a redirect to an error",
      { "/robots.txt": hop("/1"), "/1": { status: 500 } },
      "egress_failed",
      "egress_failed",
    ],
    ["a redirect nowhere", { "/robots.txt": { status: 302 } }, "egress_failed", "egress_failed"],
    [
      "a redirect to a host that is not allowed",
      { "/robots.txt": hop("http://evil.test/") },
      "egress_refused",
      "egress_refused",
    ],
    [
      "a redirect to a metadata service",
      { "/robots.txt": hop("http://169.254.169.254/") },
      "egress_refused",
      "egress_refused",
    ],
    [
      "a connection that breaks",
      { "/robots.txt": (_request, response) => void response.destroy() },
      "egress_failed",
      "egress_failed",
    ],
    ["an answer that is cut off", { "/robots.txt": cut }, "egress_failed", "egress_failed"],
    [
      "no coding at all, by a name nobody knows",
      { "/robots.txt": { headers: { "content-encoding": "x" }, body: "" } },
      "fetched",
      "fetched",
    ],
    ["silence", { "/robots.txt": () => undefined }, "egress_failed", "egress_failed"],
  ];

  test("lets through, forbids, or is to be asked again", { timeout: LIMIT }, async () => {
    const { egress, clock } = await testEgress({ limits: { headersTimeoutMs: 300 } });
    let count = 0;
    for (const [name, routes, yes, no] of ANSWERS) {
      const site = await contentServer({ "/yes": "fetched", "/no": "fetched", ...routes });
      for (const [path, expected] of [
        ["/yes", yes],
        ["/no", no],
      ] as const) {
        expect(await outcome(egress.fetch(site.origin + path)), `${name}: ${path}`).toBe(expected);
        count++;
      }
      if (yes !== "fetched")
        expect(
          site.paths().filter((path) => /yes|no/.test(path)),
          name,
        ).toEqual([]);
      // A host that asked for time is not called under this name, which all the cases share.
      clock.advance(HOUR_MS);
    }
    report("robots.txt, answers", count);
  });

  test("forbids everything when nobody answers", async () => {
    const { egress } = await testEgress();
    expect(await outcome(egress.fetch("http://127.0.0.1:1/"))).toBe("egress_failed");
    const { egress: nameless } = await testEgress({ resolve: async () => [] });
    expect(await outcome(nameless.fetch("http://site.test/"))).toBe("egress_failed");
    report("robots.txt, unreachable", 2);
  });
});

describe("a file at its bound of 500 KiB", () => {
  const padded = (bytes: number, end: string) => {
    const comment = `#${"x".repeat(998)}\n`;
    const rest = bytes - end.length;
    return comment.repeat(Math.floor(rest / 1000)) + "\n".repeat(rest % 1000) + end;
  };
  const FILES: [name: string, text: string, isAllowed: boolean][] = [
    ["all of it", padded(BYTES_MAX, CLOSED), false],
    ["all of it, without an end of line", padded(BYTES_MAX, CLOSED.trimEnd()), false],
    ["its rules last, and more behind", padded(BYTES_MAX, CLOSED) + "#".repeat(100_000), false],
    [
      "its last line ends there, and more behind",
      `${padded(BYTES_MAX, CLOSED.trimEnd())}\n${"#\n".repeat(50_000)}`,
      false,
    ],
    ["its rules one byte behind", padded(BYTES_MAX + 1, CLOSED.trimEnd()), true],
    ["its rules far behind", padded(2 * BYTES_MAX, CLOSED), true],
    // Cut after `/`, each of these lines would say something else than it does.
    [
      "a line that is cut, which allows less than its start",
      `${CLOSED}${padded(BYTES_MAX - CLOSED.length, "allow: /")}public\n`,
      false,
    ],
    [
      "a line that is cut, which forbids less than its start",
      `${padded(BYTES_MAX, "user-agent: *\ndisallow: /")}private\n`,
      true,
    ],
    ["a letter that is cut", padded(BYTES_MAX + 1, `${CLOSED}disallow: /ツ`), false],
    ["lines that end in CR", padded(BYTES_MAX + 4, `${CLOSED}allow: /abcd`).replaceAll("\n", "\r"), false],
    ["one line without end", "x".repeat(3 * BYTES_MAX), true],
  ];

  test("is read to there, and not into a line that goes on", async () => {
    const { egress } = await testEgress();
    for (const [name, text, isAllowed] of FILES) {
      const site = await contentServer({ "/robots.txt": text, "/": "fetched" });
      expect(await outcome(egress.fetch(site.origin)), name).toBe(isAllowed ? "fetched" : "egress_refused");
    }
    report("robots.txt, sizes", FILES.length);
  });
});

test("what was read is used for a day at most, and what could not be read for a quarter of an hour", async () => {
  const CACHED: [status: number, hours: number, requests: number][] = [
    [200, 23.99, 1],
    [200, 24, 2],
    [200, 100, 2],
    [404, 23.99, 1],
    [404, 24, 2],
    [500, 0.24, 1],
    [500, 0.25, 2],
    [200, -25, 2],
    [404, -1_000, 2],
  ];
  for (const [status, hours, requests] of CACHED) {
    const site = await contentServer({ "/robots.txt": { status }, "/": "fetched" });
    const { egress, clock } = await testEgress();
    await outcome(egress.fetch(site.origin));
    if (hours < 0) clock.jump(hours * HOUR_MS);
    // One slot of the host's pace was waited for.
    else clock.advance(hours * HOUR_MS - clock.slept.reduce((sum, ms) => sum + ms, 0));
    await outcome(egress.fetch(site.origin));
    const asked = site.requests.filter(({ path }) => path === "/robots.txt").length;
    expect(asked, `${status} after ${hours} h`).toBe(requests);
  }
  report("robots.txt, keeping", CACHED.length);
});

/** CPU time for a file of 500 KiB and an address of 16 KB, reading included; a pattern that backtracks takes minutes. */
const CPU_MS_MAX = 2_000;

test("patterns made to take long take linear time", { timeout: LIMIT }, () => {
  const seed = chaosSeed("robots.txt, slow patterns");
  const { random } = seededRandomness(seed);
  const fixed = [
    "/*ab",
    "/*a*b",
    "*b$",
    `/*${"a".repeat(500)}b${"a".repeat(500)}`,
    `/*${"a".repeat(20)}b`,
    `/${"a*".repeat(500)}b`,
    `/${"*a".repeat(100_000)}b$`,
    `/*${"%61".repeat(300)}b`,
    `/${"*".repeat(10_000)}b`,
  ];
  const count = cases({ test: 20, chaos: 300 });
  const patterns = Array.from({ length: count }, () => {
    const length = 1 + Math.floor(random() ** 3 * 5_000);
    return `/${Array.from({ length }, () => "aaaa*ab$%61"[Math.floor(random() * 11)]).join("")}`;
  });
  const path = `/${"a".repeat(16_000)}`;
  let slowest = 0;
  for (const pattern of [...fixed, ...patterns]) {
    const line = `disallow: ${pattern}\n`;
    const text = `user-agent: *\n${line.repeat(Math.max(1, Math.floor(BYTES_MAX / line.length)))}`;
    const before = process.cpuUsage();
    isPathAllowed(parseRobots(text, "afk"), path);
    const { user, system } = process.cpuUsage(before);
    const cpuMs = (user + system) / 1000;
    slowest = Math.max(slowest, cpuMs);
    expect(cpuMs, `${pattern.slice(0, 60)} of seed ${seed}`).toBeLessThan(CPU_MS_MAX);
  }
  report("robots.txt, slow patterns", fixed.length + count, `at most ${Math.ceil(slowest)} ms of CPU time`);
});

test("tens of thousands of patterns still decide an ordinary address", () => {
  const many = Array.from({ length: 30_000 }, (_, n) => `disallow: /*x${n}y`).join("\n");
  const rules = parseRobots(`user-agent: *\n${many}\nallow: /*x7yes`, "afk");
  const path = `/${"section/".repeat(12)}`;
  expect([isPathAllowed(rules, `${path}page`), isPathAllowed(rules, `${path}x29999y`)]).toEqual([
    true,
    false,
  ]);
});

async function outcome(fetching: Promise<{ body: Uint8Array }>): Promise<string> {
  return fetching.then(
    (page) => textOf(page.body),
    (error) => error.code,
  );
}
