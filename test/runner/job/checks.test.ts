// @module-tag processes
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { jobKinds } from "../../../src/jobs/registry.ts";
import type { Check } from "../../../src/ops/doctor/check.ts";
import { diagnoseState } from "../../../src/ops/doctor.ts";
import { jobChecks } from "../../../src/runner/job/checks.ts";
import { deployment } from "../../support/afk.ts";
import { gitRepository } from "../../support/git-repository.ts";
import { imapServer } from "../../support/imap-server.ts";

const CLOSED = "http://127.0.0.1:1";

/** What doctor finds in these jobs, by result and text; `prepare` gets the folder of afk.yaml. */
async function findings(
  jobs: Record<string, unknown>[],
  { allow = [], prepare = () => {} }: { allow?: string[]; prepare?: (dir: string) => void } = {},
): Promise<Pick<Check, "name" | "result" | "found" | "mend">[]> {
  const target = deployment({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    jobs: jobs.map((job, at) => ({ name: `job-${at}`, ...job })),
    egress: { allow: ["127.0.0.1"], allow_private: allow },
  });
  prepare(target.dir);
  const environment = { PATH: process.env.PATH };
  const checks = await diagnoseState(
    { config: target.configFile, state: target.state, environment, kinds: () => jobKinds },
    { isOffline: false, moreOfConfig: jobChecks },
  );
  return checks.filter(({ group }) => group === "jobs");
}

describe("what jobs need", () => {
  it("is missing where a source or a look names a program that is not there", async () => {
    const sources = [{ command: ["afk-no-source"] }, { command: ["true"] }];
    const jobs = [
      { kind: "digest", sources },
      { kind: "exec", command: ["true"], only_if: { command: ["./no-look.sh"] } },
    ];
    const commands = (await findings(jobs)).filter(({ name }) => name === "commands");
    expect(commands.map(({ found }) => found)).toEqual([
      expect.stringContaining("afk-no-source is in no folder of PATH"),
      expect.stringContaining("no-look.sh is not there"),
    ]);
  });

  it("is there: nothing is to be mended, and what is not needed is not spoken of", async () => {
    const digest = { kind: "digest", sources: [{ folder: "./inbox" }, { feed: "./feed.xml" }] };
    const prepare = (dir: string) => {
      mkdirSync(join(dir, "inbox"));
      writeFileSync(join(dir, "feed.xml"), "");
    };
    expect(await findings([digest, { kind: "exec", command: ["true"] }], { prepare })).toMatchObject([
      { name: "sources", result: "ok" },
      { name: "commands", result: "ok" },
    ]);
    expect(await findings([])).toEqual([]);
  });

  it("is missing: each folder, file and command is named with what mends it", async () => {
    const found = await findings(
      [
        { kind: "digest", sources: [{ folder: "./inbox" }, { feed: "./feed.xml" }] },
        { kind: "exec", command: ["true"], cwd: "./scripts" },
        { kind: "exec", command: ["./closed.sh"] },
        { kind: "exec", command: ["afk-no-such-program"], env_file: "./no.env" },
        { kind: "agent", command: ["afk-no-agent"], prompt_file: "fix.md", repo: "./repo" },
        { kind: "agent", command: ["./scripts/agent.sh"], prompt: "Mend it.", repo: "." },
      ],
      {
        prepare(dir) {
          writeFileSync(join(dir, "closed.sh"), "#!/bin/sh\n");
          chmodSync(join(dir, "closed.sh"), 0o644);
        },
      },
    );
    expect(found).toMatchObject(
      [
        { result: "bad", found: /inbox is not there/, mend: /^mkdir -p .*inbox/ },
        { result: "bad", found: /feed\.xml is not there/ },
        { result: "bad", found: /job-3: .*no\.env is not there/ },
        { result: "bad", found: /job-1: .*scripts is not there/, mend: /^mkdir -p/ },
        { result: "bad", found: /job-4: .*repo is not there/ },
        { result: "bad", found: /job-4: .*fix\.md is not there/ },
        { result: "bad", found: /job-2: .*closed\.sh may not be executed/, mend: /^chmod \+x/ },
        { result: "bad", found: /job-3: afk-no-such-program is in no folder of PATH/, mend: /^install it/ },
        { result: "bad", found: /job-4: afk-no-agent is in no folder of PATH/, mend: /^install it/ },
        { result: "bad", found: /job-5: git finds no commit in / },
      ].map((each) => matching(each)),
    );
  });
});

describe("folders", () => {
  it("that hold what is not read are named with its types", async () => {
    const prepare = (dir: string) => {
      for (const folder of [
        "inbox",
        "Mail",
        "Mail/cur",
        "Mail/new",
        "Mail/.Sent",
        "Mail/.Sent/cur",
        "Mail/.Sent/new",
      ])
        mkdirSync(join(dir, folder));
      for (const name of ["a.md", "b.pdf", "c.PDF", "d.docx", "e"])
        writeFileSync(join(dir, "inbox", name), "x");
    };
    const jobs = [{ kind: "digest", sources: [{ folder: "./inbox" }, { folder: "./Mail" }] }];
    expect((await findings(jobs, { prepare })).filter(({ name }) => name === "folders")).toMatchObject(
      [
        {
          result: "warn",
          found:
            /job-0: .*inbox: passed over 4 that afk does not read: 1 \.docx, 2 \.pdf, 1 without an extension/,
        },
        { result: "warn", found: /job-0: .*Mail: subfolders are not read .*: \.Sent/ },
      ].map((each) => matching(each)),
    );
  });
});

describe("mailboxes", () => {
  it("are opened by signing in; a login that is refused is named, without the password", async () => {
    const imap = (port: number) => {
      const account = {
        host: "127.0.0.1",
        port,
        tls: false,
        user: "ops@example.org",
        password: "my-word-0123",
      };
      return { kind: "digest", sources: [{ imap: account }] };
    };
    const good = await imapServer();
    const bad = await imapServer({ LOGIN: ({ tag, say }) => say(`${tag} NO my-word-0123 is wrong`) });
    const found = await findings([imap(good.port), imap(bad.port)], { allow: ["127.0.0.1"] });
    expect(found).toMatchObject([
      { name: "access", result: "ok", found: "job job-0: INBOX at 127.0.0.1 can be read" },
      {
        name: "access",
        result: "bad",
        found: "job job-1: 127.0.0.1 refuses user or password ([redacted] is wrong)",
      },
    ]);
    expect(good.commands).toContain("EXAMINE INBOX");
  });
});

describe("pages", () => {
  it("have selectors that are some", async () => {
    const page = (select: string) => ({ kind: "digest", sources: [{ page: "./page.html", select }] });
    const prepare = (dir: string) => writeFileSync(join(dir, "page.html"), "<p>1</p>");
    const found = await findings([page(".price"), page("p["), page("p:nowhere")], { prepare });
    expect(found.filter(({ name }) => name === "selectors")).toMatchObject([
      { result: "bad", found: "job job-1: select is no CSS selector: p[" },
      { result: "bad", found: "job job-2: select is no CSS selector: p:nowhere" },
    ]);
    const well = await findings([page("table#news > td")], { prepare });
    expect(well.filter(({ name }) => name === "selectors")).toMatchObject([{ result: "ok" }]);
  });
});

describe("repositories of agents", () => {
  it("are there and have a commit, also where one lies around them", async () => {
    const agent = { kind: "agent", command: ["git"], prompt: "Mend it.", repo: "./repo" };
    const repositories = async (prepare: (dir: string) => void) =>
      (await findings([agent], { prepare })).filter(({ result }) => result === "bad");
    expect(await repositories(() => {})).toMatchObject([
      { name: "sources", mend: expect.stringMatching(/^git clone ADDRESS .*repo, or mend repo/) },
    ]);
    const empty = (dir: string) => {
      gitRepository({ a: "a" }, dir);
      mkdirSync(join(dir, "repo"));
    };
    expect(await repositories(empty)).toMatchObject([
      { name: "repositories", found: expect.stringContaining("git finds no commit in") },
    ]);
    expect(await repositories((dir) => void gitRepository({ a: "a" }, join(dir, "repo")))).toEqual([]);
  });
});

describe("repositories on GitHub", () => {
  it("are asked for with the token, which no finding shows", async () => {
    const asked: unknown[] = [];
    const server = createServer((request, response) => {
      asked.push([request.url, request.headers.authorization]);
      response.writeHead(request.headers.authorization === "Bearer good-token-1" ? 200 : 404).end("{}");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const api = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const github = (source: object) => ({ kind: "digest", sources: [{ api, ...source }] });
    const found = await findings(
      [
        github({ github: "octo-org/octo-repo", token: "good-token-1" }),
        github({ github: "octo-org/private", token: "poor-token-1" }),
        github({ github: "notifications", token: "good-token-1" }),
      ],
      { allow: ["127.0.0.1"] },
    );
    expect(found).toMatchObject([
      { name: "access", result: "ok", found: "job job-0: octo-org/octo-repo can be read with its token" },
      {
        result: "bad",
        found:
          "job job-1: GitHub answered 404 for octo-org/private, asked with its token; there is no such repository, or the token may not read it",
      },
      { result: "ok" },
    ]);
    expect(asked).toContainEqual(["/repos/octo-org/private", "Bearer poor-token-1"]);
    expect(asked).toContainEqual(["/notifications?per_page=1", "Bearer good-token-1"]);
    expect(JSON.stringify(found)).not.toMatch(/(?:good|poor)-token/);
  });
});

describe("folders of drafts", () => {
  it("are looked for where a rule replies", async () => {
    const LIST = ({ tag, say }: { tag: string; say(line: string): void }) =>
      say(`* LIST () "/" INBOX\r\n* LIST () "/" Archive\r\n${tag} OK`);
    const { host, port } = await imapServer({ LIST });
    const imap = { host, port, tls: false, user: "ops@example.org", password: "my-word-0123" };
    const triage = (rule: object) => ({
      kind: "triage",
      sources: [{ imap }],
      labels: { question: "asks something", other: "all else" },
      when: [{ label: "question", do: "draft", reply: "Hello", ...rule }],
    });
    const found = await findings([triage({}), triage({ drafts: "Nowhere" })], { allow: ["127.0.0.1"] });
    expect(found.filter(({ result }) => result === "bad")).toMatchObject(
      [/job-0: .* marks no folder as that of drafts; write drafts:/, /job-1: .* has no folder "Nowhere"/].map(
        (text) => matching({ name: "access", found: text }),
      ),
    );
  });
});

describe("feeds", () => {
  const digest = (...feeds: string[]) => ({ kind: "digest", sources: feeds.map((feed) => ({ feed })) });

  it("that answer are well; that refuse, lead elsewhere or are gone are named", async () => {
    const server = createServer((request, response) => {
      const target = request.url === "/moved" ? { location: "https://elsewhere.example.org/feed" } : {};
      const status = { "/ok": 200, "/moved": 301 }[request.url ?? ""] ?? 403;
      response.writeHead(status, target).end("<rss/>");
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const allow = ["127.0.0.1"];
    expect(await findings([digest(`${url}/ok`)], { allow })).toMatchObject([
      { name: "feeds", result: "ok", found: "the feed answers" },
    ]);
    const found = await findings([digest(`${url}/no`, `${url}/moved`, `${CLOSED}/feed`)], { allow });
    expect(found).toMatchObject(
      [
        { result: "warn", found: /\/no answered 403/ },
        { result: "warn", found: /add elsewhere\.example\.org to egress\.allow/ },
        { result: "warn", found: /127\.0\.0\.1:1 does not answer/ },
      ].map((each) => matching(each)),
    );
  });

  it("are named without what is a secret by itself", async () => {
    const secret = `ghp_${"a1B2".repeat(9)}`;
    const [found] = await findings([digest(`${CLOSED}/${secret}/feed`)], { allow: ["127.0.0.1"] });
    expect(found).toMatchObject({ result: "warn" });
    const [refused] = await findings([{ kind: "exec", command: [`./${secret}.sh`] }]).then((all) =>
      all.filter(({ name }) => name === "commands"),
    );
    expect(JSON.stringify([found, refused])).not.toContain(secret);
  });

  it("at an address that afk will not ask are not asked", async () => {
    expect(await findings([digest(`${CLOSED}/feed`)])).toMatchObject([
      matching({ result: "warn", found: /not a public address.*egress\.allow_private/ }),
    ]);
  });
});

/** Patterns as matchers. */
function matching(each: Record<string, string | RegExp>) {
  return Object.fromEntries(
    Object.entries(each).map(([key, value]) => [
      key,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ]),
  );
}

describe("the schema that a result is to fit", () => {
  const job = { kind: "exec", command: ["true"], expect: { json: { schema: "./report.schema.json" } } };
  it.each([
    [null, "bad", "report.schema.json cannot be read"],
    ['{"type":"objekt"}', "bad", "is no JSON schema that can be used"],
    ['{"type":"object"}', "ok", "every schema that results have to fit can be used"],
  ])("that says %j is %s", async (content, result, words) => {
    const prepare = (dir: string) =>
      void (content !== null && writeFileSync(join(dir, "report.schema.json"), content));
    const found = await findings([job], { prepare });
    expect(found.filter(({ name }) => name === "expectations")).toMatchObject([
      { result, found: expect.stringContaining(words) },
    ]);
  });
});
