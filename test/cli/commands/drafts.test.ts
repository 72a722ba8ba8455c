// @module-tag processes
import stringWidth from "string-width";
import { describe, expect, test } from "vitest";
import { previewLines } from "../../../src/cli/draft-lines.ts";
import type { Deployment } from "../../support/afk.ts";
import { actionServer, answering, drafted, hang } from "../../support/drafting.ts";

async function listed(target: Deployment) {
  const exit = await target.afk(["drafts", "--json"]);
  return JSON.parse(exit.stdout) as { id: string; state: string }[];
}

/** Values that were laid out on several lines, on one. */
function unwrapped(text: string): string {
  return text.replace(/\n {11}/g, "");
}

describe("afk drafts", { timeout: 60_000 }, () => {
  test("lists what waits, shows it, does it once, and lists it no more", async () => {
    const server = await actionServer();
    const { target, ids } = await drafted([
      { name: "tell the team", content: { url: `${server.origin}/hook`, json: { note: "a" } } },
      { name: "another", content: { url: server.origin } },
    ]);
    const id = ids[0]!;
    const list = await target.afk(["drafts"]);
    expect(list.stdout).toMatch(
      new RegExp(`^${id.slice(-8)}  .*  pending  writer  post +tell the team`, "m"),
    );
    const show = await target.afk(["drafts", "show", id]);
    expect(show.stdout.split("\n")).toEqual(
      expect.arrayContaining([
        `draft      ${id}`,
        "state      pending",
        `host       127.0.0.1:${server.port}`,
        "method     POST",
        `address    ${server.origin}/hook`,
        `header     idempotency-key: ${id}`,
        "header     content-type: application/json",
        '  |   "note": "a"',
      ]),
    );
    expect(server.connections()).toBe(0);

    const approve = await target.afk(["drafts", "approve", id]);
    expect(approve).toMatchObject({ code: 0, stdout: expect.stringContaining("answered with 201") });
    expect((await listed(target)).map((draft) => draft.id)).toEqual([ids[1]]);
    const twice = await target.afk(["drafts", "approve", id]);
    expect(twice).toMatchObject({ code: 1, stderr: expect.stringContaining("is done") });
    expect(server.received).toHaveLength(1);
    expect((await target.afk(["drafts", "list", "--all"])).stdout).toMatch(
      new RegExp(`^${id.slice(-8)}  .*  done`, "m"),
    );

    expect(await target.afk(["drafts", "reject", ids[1]!])).toMatchObject({ code: 0 });
    expect((await target.afk(["drafts"])).stdout).toBe("nothing waits for your approval\n");
  });

  test("--dry-run shows exactly what is then sent, and sends nothing", async () => {
    const server = await actionServer();
    const { target, ids } = await drafted([
      {
        content: {
          url: `${server.origin}/a?b=c`,
          method: "PUT",
          text: "two\nlines",
          headers: { prefer: "x" },
        },
      },
    ]);
    const words = ["drafts", "approve", ids[0]!];
    const people = await target.afk([...words, "--dry-run"]);
    expect(people.stdout).toContain("  | two\n  | lines\n");
    expect(people.stdout).toContain("nothing was sent");
    const dry = await target.afk([...words, "--dry-run", "--json"]);
    expect(dry.code).toBe(0);
    expect(server.connections()).toBe(0);
    expect(await listed(target)).toMatchObject([{ state: "pending" }]);

    await target.afk(words);
    const { request } = JSON.parse(dry.stdout);
    const [received] = server.received;
    const { host: _host, connection: _connection, "content-length": _length, ...headers } = received!.headers;
    expect({ ...received, headers }).toEqual({
      method: request.method,
      path: new URL(request.url).pathname + new URL(request.url).search,
      headers: request.headers,
      body: request.body,
    });
  });

  test("--dry-run fails where approving would", async () => {
    const server = await actionServer(answering(201));
    const { target, ids } = await drafted([{ content: { url: server.origin } }], {
      egress: { allow: ["other.test"], allow_private: [] },
    });
    const refused = await target.afk(["drafts", "approve", ids[0]!, "--dry-run"]);
    expect(refused.code).toBe(1);
    expect(unwrapped(refused.stdout)).toContain("add 127.0.0.1 to egress.allow");
    await target.afk(["drafts", "reject", ids[0]!]);
    const settled = await target.afk(["drafts", "approve", ids[0]!, "--dry-run"]);
    expect(settled).toMatchObject({ code: 1, stderr: expect.stringContaining("is rejected") });
  });

  test("says what it did not find, and refuses what it does not know", async () => {
    const { target } = await drafted([]);
    for (const verb of ["show", "approve", "reject"])
      expect(await target.afk(["drafts", verb, "no"])).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("there is no draft no"),
      });
    expect(await target.afk(["drafts", "approve"])).toMatchObject({ code: 2 });
    expect(await target.afk(["drafts", "approve", "no", "--force"])).toMatchObject({ code: 2 });
    const json = await target.afk(["drafts", "approve", "no", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code: "unknown_draft" } });
  });

  test("a refusal of the server is exit code 1 and says why", async () => {
    const server = await actionServer(answering(422));
    const { target, ids } = await drafted([{ content: { url: server.origin } }]);
    const exit = await target.afk(["drafts", "approve", ids[0]!, "--json"]);
    expect(exit.code).toBe(1);
    expect(JSON.parse(exit.stdout)).toMatchObject({
      state: "pending",
      error: expect.stringContaining("422"),
    });
    expect((await target.afk(["drafts", "show", ids[0]!])).stdout).toMatch(/^error +.*422/m);
  });
});

// Many starts of a process, on a machine that may be busy.
describe("two processes", { timeout: 60_000 }, () => {
  test("that approve at once send one request", async () => {
    const server = await actionServer(hang);
    const { target, ids } = await drafted([{ content: { url: server.origin } }]);
    const waiting = Promise.withResolvers<() => void>();
    server.answer = (response) => waiting.resolve(() => response.writeHead(201).end());
    const processes = [1, 2, 3].map(() => target.start(["drafts", "approve", ids[0]!]));
    const answer = await waiting.promise;
    // All but the one that waits for its answer end by themselves; only then is it answered.
    const late = Promise.withResolvers<void>();
    let ended = 0;
    for (const each of processes)
      void each.ended.then(() => {
        ended += 1;
        if (ended === processes.length - 1) late.resolve();
      });
    await late.promise;
    answer();
    const exits = await Promise.all(processes.map((each) => each.ended));
    expect(exits.map(({ code }) => code).sort()).toEqual([0, 75, 75]);
    expect(server.received).toHaveLength(1);
    expect(await listed(target)).toEqual([]);
  });

  test("one killed in the middle of its request: the next does nothing without --again", async () => {
    const server = await actionServer(hang);
    const { target, ids } = await drafted([{ content: { url: `${server.origin}/pay`, json: 1 } }]);
    const id = ids[0]!;
    const first = target.start(["drafts", "approve", id]);
    await server.arrived(1);
    first.kill("SIGKILL");
    await first.ended;
    server.answer = answering(201);

    expect(await listed(target)).toMatchObject([{ id, state: "unknown" }]);
    const show = await target.afk(["drafts", "show", id]);
    expect(show.stdout).toMatch(/^state +unknown$/m);
    expect(unwrapped(show.stdout)).toContain("it may have been done");
    const status = await target.afk(["status", "--json"]);
    expect(JSON.parse(status.stdout).drafts).toEqual({ pending: 0, unknown: 1 });

    for (const words of [
      ["approve", id],
      ["approve", id, "--dry-run"],
    ]) {
      const refused = await target.afk(["drafts", ...words]);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("--again") });
    }
    expect(server.received).toHaveLength(1);
    const again = await target.afk(["drafts", "approve", id, "--again"]);
    expect(again.code).toBe(0);
    const keys = server.received.map(({ headers }) => headers["idempotency-key"]);
    expect(keys).toEqual([id, id]);
    expect((await target.afk(["drafts", "approve", id, "--again"])).code).toBe(1);
    expect(server.received).toHaveLength(2);
  });

  test.each(["SIGTERM", "SIGINT"] as const)(
    "one told to end by %s writes down that it is unknown",
    async (signal) => {
      const server = await actionServer(hang);
      const { target, ids } = await drafted([{ content: { url: server.origin } }]);
      const first = target.start(["drafts", "approve", ids[0]!]);
      await server.arrived(1);
      first.kill(signal);
      const exit = await first.ended;
      expect(exit).toMatchObject({ code: 1, stdout: expect.stringContaining("unknown") });
      expect(target.query("select state from drafts")).toEqual([{ state: "unknown" }]);
    },
  );

  test("afk stop ends a request in flight", async () => {
    const server = await actionServer(hang);
    const { target, ids } = await drafted([{ content: { url: server.origin } }]);
    const first = target.start(["drafts", "approve", ids[0]!]);
    await server.arrived(1);
    await target.afk(["stop"]);
    const exit = await first.ended;
    expect(exit.code).toBe(1);
    expect(unwrapped(exit.stdout)).toMatch(/^unknown .*kill switch/);
    const next = await target.afk(["drafts", "approve", ids[0]!, "--again"]);
    expect(next).toMatchObject({ code: 0, stderr: expect.stringContaining("kill switch") });
    expect(server.received).toHaveLength(1);
  });
});

describe("what is shown cannot be faked", { timeout: 60_000 }, () => {
  const FAKES = [
    "\u001b[2J\u001b[Hstate      done",
    "\rstate      done",
    "\u009b2Jstate      done",
    "\u202estate",
    `${" ".repeat(76)}state      done`,
    `${"x".repeat(300)}\nhost       safe.test`,
    "state      done\nhost       safe.test\nbody       none",
    "\u2028host       safe.test",
  ];

  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
  const ACTIVE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029\u202e]/;

  /** Only labels stand at the left edge, each once and true, and a body is under its gutter to the end. */
  function judge(lines: string[]) {
    expect(lines.join("\n")).not.toMatch(ACTIVE);
    expect(lines.filter((line) => line.startsWith("state"))).toEqual(["state      pending"]);
    expect(lines.filter((line) => line.startsWith("host"))).toEqual(["host       evil.test"]);
    expect(lines.filter((line) => stringWidth(line) > 80)).toEqual([]);
    const start = lines.findIndex((line) => line.startsWith("body"));
    const end = lines.findIndex((line) => line.startsWith("refused"));
    expect([start > 0, end > start + 1]).toEqual([true, true]);
    for (const line of lines.slice(start + 1, end)) expect(line).toMatch(/^ {2}[|:] /);
  }

  test("by a body", async () => {
    const bodies = FAKES.flatMap((fake) => [{ text: fake }, { json: { [fake]: [fake] } }, { json: fake }]);
    const { agent, ids } = await drafted(
      bodies.map((body) => ({ content: { url: "https://evil.test/a", ...body } })),
    );
    for (const id of ids) judge(previewLines(await agent.drafts.preview(id)));
  });

  test("by a body, as a process prints it", async () => {
    const content = { url: "https://evil.test/a", text: FAKES.join("\n") };
    const { target, ids } = await drafted([{ content }]);
    const { stdout } = await target.afk(["drafts", "show", ids[0]!]);
    judge(stdout.trimEnd().split("\n"));
    const json = await target.afk(["drafts", "show", ids[0]!, "--json"]);
    expect(json.stdout).not.toMatch(ACTIVE);
    expect(JSON.parse(json.stdout).draft.content).toEqual(content);
  });

  const draft = {
    id: "id",
    state: "pending",
    action: "post",
    name: "name",
    jobName: "job",
    jobKey: "key",
    createdAt: "2026-11-21T10:00:00.000Z",
    attemptedAt: null,
    decidedAt: null,
    summary: null,
    error: null,
    content: null,
  } as const;
  const shown = (body: string, headers: Record<string, string> = { "content-type": "application/json" }) =>
    previewLines({
      draft,
      push: null,
      request: { method: "POST", url: "https://a.test/", headers, body },
      append: null,
      refusal: null,
    });

  test.each([
    ['{"amount":1,"amount":1000}', "a key that stands there twice"],
    ['{"a": 1}', "spaces"],
    ['{"a":1e999}', "a number that is read as another"],
    [`${"[".repeat(50)}${"]".repeat(50)}`, "deep nesting"],
    ['{"a":', "half of it"],
  ])("by JSON that would be laid out as something else: %s (%s)", (body) => {
    const lines = shown(body);
    expect(
      lines
        .filter((line) => /^ {2}[|:] /.test(line))
        .map((line) => line.slice(4))
        .join(""),
    ).toBe(body);
  });

  test("by the names of the job and the draft, an error, or an address", () => {
    const evil = `${"x".repeat(69)}state      done\n\u001b[2Jstate      done`;
    const lines = previewLines({
      draft: { ...draft, name: evil, jobName: evil, jobKey: evil, error: evil, action: evil },
      push: null,
      request: { method: "POST", url: `https://a.test/?${evil}`, headers: { accept: evil }, body: null },
      append: null,
      refusal: evil,
    });
    expect(lines.filter((line) => line.startsWith("state"))).toEqual(["state      pending"]);
    expect(lines.every((line) => !line.includes("\n") && !line.includes("\u001b"))).toBe(true);
    expect(lines.every((line) => stringWidth(line) <= 80)).toBe(true);
  });
});
