import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Deployment, deployment, PROCESSES } from "../support/afk.ts";
import { gitRepository, type TestRepository } from "../support/git-repository.ts";
import { type GitServer, gitServer } from "../support/git-server.ts";

const TOKEN = "token-of-the-forge-1234567890";

interface Drafted {
  target: Deployment;
  server: GitServer;
  repository: TestRepository;
  id: string;
  content: { branch: string; commit: string; base: string };
}

/** An agent whose program adds a line, and a draft of what it did. */
async function drafted(over: { pull?: object; allow?: string[] } = {}): Promise<Drafted> {
  const target = deployment();
  const repository = gitRepository({ "notes.md": "# Notes\n" }, join(target.dir, "repo"));
  const server = await gitServer(repository, TOKEN);
  target.configure({
    agent: "test-agent",
    budget: { daily_cap_usd: 1 },
    models: { chain: ["extractive"] },
    egress: { allow: over.allow ?? ["127.0.0.1"], allow_private: ["127.0.0.1"], requests_per_minute: 600 },
    jobs: [
      {
        name: "fix",
        kind: "agent",
        every: "1d",
        // A tick would wait for the retries of what fails on purpose.
        retry: { attempts: 1 },
        command: [
          "sh",
          "-c",
          "echo more >> notes.md; echo 'Write more notes'; echo; echo 'There were too few.'",
        ],
        prompt: "Write more.",
        repo: "./repo",
        draft: "pull_request",
        pull_request: {
          token: TOKEN,
          remote: `${server.url}/octo-org/repo.git`,
          api: `${server.url}/api`,
          ...over.pull,
        },
      },
    ],
  });
  const ended = await target.afk(["tick"]);
  expect(ended.code, ended.stderr).toBe(0);
  const [row] = target.query<{ id: string; content: string }>("select id, content from drafts");
  return { target, server, repository, id: row!.id, content: JSON.parse(row!.content) };
}

const approve = ({ target, id }: Drafted, ...more: string[]) =>
  target.afk(["drafts", "approve", id, ...more, "--json"]);

describe("a pull request", () => {
  it(
    "is shown with all that would be sent, and nothing is sent until a person approves it",
    PROCESSES,
    async () => {
      const at = await drafted();
      const shown = await at.target.afk(["drafts", "show", at.id]);
      expect(shown.code, shown.stderr).toBe(0);
      expect(shown.stdout).toContain(`repository ${at.server.url}/octo-org/repo.git`);
      expect(shown.stdout).toMatch(/^branch {5}afk\/fix-\d{4}-\d{2}-\d{2}-[0-9a-f]{10} \(new\)$/m);
      expect(shown.stdout).toMatch(/^into {7}main$/m);
      expect(shown.stdout).toContain("  | 1 file, +1 -0\n  | M notes.md\n");
      expect(shown.stdout).toContain('"title": "Write more notes"');
      expect(shown.stdout).toContain("There were too few.");
      expect(shown.stdout).not.toContain(TOKEN);
      expect(at.server.git("branch", "--list").trim()).toBe("* main");
      expect(at.server.pulls).toEqual([]);
    },
  );

  it("becomes a branch of its own and a request, once, with the token of afk.yaml", PROCESSES, async () => {
    const at = await drafted();
    const before = at.server.git("rev-parse", "main");
    const done = await approve(at);
    expect(done.code, done.stderr).toBe(0);
    const { branch, commit } = at.content;
    expect(at.server.git("rev-parse", branch).trim()).toBe(commit);
    expect(at.server.git("log", "-1", "--format=%an <%ae>%n%s", branch).trim()).toBe(
      "fix (afk) <fix@afk.invalid>\nWrite more notes",
    );
    expect(at.server.git("diff", "--stat", "main", branch)).toMatch(/notes\.md \| 1 \+/);
    expect(at.server.git("rev-parse", "main")).toBe(before);
    expect(at.server.pulls).toEqual([
      {
        authorization: `Bearer ${TOKEN}`,
        body: {
          title: "Write more notes",
          head: branch,
          base: "main",
          body: expect.stringMatching(/There were too few\.\n\nMade by the job fix of afk/),
        },
      },
    ]);
    expect((await approve(at)).code).not.toBe(0);
    expect(at.server.pulls).toHaveLength(1);
    // The token is in afk.yaml and in no file of the state.
    const files = readdirSync(at.target.state, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    for (const file of files)
      expect(readFileSync(join(file.parentPath, file.name)).includes(TOKEN), file.name).toBe(false);
  });

  it("that is there already is done, whoever pushed it", PROCESSES, async () => {
    const at = await drafted();
    at.server.answer(503);
    expect(JSON.parse((await approve(at)).stdout)).toMatchObject({
      state: "unknown",
      error: /is pushed; .*503/,
    });
    at.server.answer(422);
    expect(JSON.parse((await approve(at, "--again")).stdout)).toMatchObject({ state: "done" });
  });

  it.each([
    ["the branch", ["receive.hideRefs", "refs/heads/afk"], /refused the branch: .*\[remote rejected\]/],
    ["whoever may only read", ["http.receivepack", "false"], /refused the branch: .*returned error: 403/],
  ])(
    "is not pushed where the server refuses %s, and that is said",
    PROCESSES,
    async (_what, config, error) => {
      const at = await drafted();
      at.server.git("config", ...config);
      const refused = JSON.parse((await approve(at)).stdout);
      expect(refused).toMatchObject({ state: "pending", error: expect.stringMatching(error) });
      expect(refused.error).not.toContain("may have been");
      expect(at.server.pulls).toEqual([]);
      at.server.git("config", "--unset", config[0]!);
      at.server.git("config", "http.receivepack", "true");
      expect(JSON.parse((await approve(at)).stdout)).toMatchObject({ state: "done" });
    },
  );

  it("is not pushed over a branch of somebody's, and that is said", PROCESSES, async () => {
    const at = await drafted();
    at.server.git("branch", at.content.branch, "main");
    expect(JSON.parse((await approve(at)).stdout)).toMatchObject({
      state: "pending",
      error: expect.stringMatching(/has another branch afk\/fix-.*, which was left as it is/),
    });
    expect(at.server.git("rev-parse", at.content.branch)).toBe(at.server.git("rev-parse", "main"));
    expect(at.server.pulls).toEqual([]);
  });

  it("is not pushed to what has become the default branch since", PROCESSES, async () => {
    const at = await drafted();
    at.server.git("branch", at.content.branch, "main");
    at.server.git("symbolic-ref", "HEAD", `refs/heads/${at.content.branch}`);
    expect(JSON.parse((await approve(at)).stdout)).toMatchObject({
      state: "pending",
      error: expect.stringMatching(/the branch that the others start from/),
    });
    expect(at.server.git("rev-parse", at.content.branch)).toBe(at.server.git("rev-parse", "main"));
    expect(at.server.pulls).toEqual([]);
  });

  it("is not pushed while the kill switch is set", PROCESSES, async () => {
    const at = await drafted();
    await at.target.afk(["stop"]);
    await approve(at);
    expect(at.target.query("select state from drafts")).toEqual([{ state: "pending" }]);
    expect(at.server.git("branch", "--list").trim()).toBe("* main");
  });

  it.each([
    ["a wrong token", { token: "another-token-of-the-forge" }, /could not be asked for its branches/],
    [
      "a repository that is not the one of afk.yaml",
      { remote: "http://127.0.0.1:1/other.git" },
      /goes somewhere else/,
    ],
  ])("is certainly not done with %s", PROCESSES, async (_name, pull, error) => {
    const at = await drafted();
    const config = JSON.parse(readFileSync(at.target.configFile, "utf8"));
    Object.assign(config.jobs[0].pull_request, pull);
    at.target.configure(config);
    expect(JSON.parse((await approve(at)).stdout)).toMatchObject({
      state: "pending",
      error: expect.stringMatching(error),
    });
    expect(at.server.git("branch", "--list").trim()).toBe("* main");
  });
});

it(
  "an agent's program cannot draft one by itself, with another commit or repository",
  PROCESSES,
  async () => {
    const at = await drafted();
    const config = JSON.parse(readFileSync(at.target.configFile, "utf8"));
    const content = { ...at.content, remote: "http://127.0.0.1:1/other.git" };
    config.jobs[0].command = [
      "sh",
      "-c",
      `cat > "$AFK_RESULT" <<'END'\n${JSON.stringify({ drafts: [{ name: "x", action: "pull_request", content }] })}\nEND`,
    ];
    at.target.configure(config);
    await at.target.afk(["tick", "--now", "fix"]);
    expect(at.target.query("select count(*) as n from drafts")).toEqual([{ n: 1 }]);
    const errors = at.target.query<{ error: string }>("select error from jobs where error is not null");
    expect(errors[0]?.error).toMatch(/pull requests are drafted by kind: agent alone/);
  },
);
