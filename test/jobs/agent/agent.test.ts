// @module-tag processes
// @module-tag slow
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { PermanentFailure } from "../../../src/queue/job.ts";
import { RunCapped } from "../../../src/rails/halt.ts";
import { agentHarness } from "./harness.ts";

describe("an agent that changes files", () => {
  test("gives a patch of them, with what it said last, and leaves the owner's repository as it was", async () => {
    const at = agentHarness();
    const before = at.repository.git("status", "--porcelain", "--branch");
    const result = await at.run(
      "sed -i s/two/TWO/ a.txt; mkdir new; echo n > new/c.txt; rm src/b.txt; echo Done.",
    );
    expect(result).toMatchObject({
      units: 1,
      summary: expect.stringMatching(/^3 files, \+2 -2; 1 request for \$0\.0123, \d+ s$/),
      report: { title: "changed 3 files, +2 -2", text: "Done.", isNews: true },
    });
    expect([...at.last().files.keys()]).toEqual(["fix-2026-11-21.patch"]);
    const applied = at.applied();
    expect(applied.git("status", "--porcelain").trim().split("\n")).toEqual([
      "M  a.txt",
      "A  new/c.txt",
      "D  src/b.txt",
    ]);
    expect(readFileSync(join(applied.path, "a.txt"), "utf8")).toBe("one\nTWO\nthree\n");
    expect(at.repository.git("status", "--porcelain", "--branch")).toBe(before);
    expect(at.repository.git("for-each-ref")).not.toContain("afk");
  });

  test("may commit, switch branches and rewrite what it did: what stands in the files at the end counts", async () => {
    const at = agentHarness();
    await at.run(
      "git status --porcelain; echo x >> a.txt; git commit -qam one; git checkout -q -b other; echo y >> a.txt; git commit -qam two; git log --format=%an -1",
    );
    expect(at.applied().git("diff", "--cached", "--numstat").trim()).toBe("2\t0\ta.txt");
    expect(at.last().events.map(({ event }) => event)).toContain("exec_ended");
  });

  test("leaves out what .gitignore names", async () => {
    const at = agentHarness({ ".gitignore": "node_modules\n" });
    await at.run("mkdir node_modules; echo x > node_modules/big; echo y > kept");
    expect(at.patch()).toContain("+++ b/kept");
    expect(at.patch()).not.toContain("node_modules/");
  });

  test("keeps binary files, names with line ends, and text that is no UTF-8, as bytes", async () => {
    const at = agentHarness({ "latin.txt": Buffer.from("gr\xfc\xdfe\n", "latin1") });
    await at.run(
      "printf 'gr\\374\\337e!\\n' > latin.txt; printf '\\000\\001\\377' > bin; printf x > \"$(printf 'a\\nb')\"; echo z >> a.txt; printf '\\342\\202\\254\\n' > euro",
    );
    const applied = at.applied();
    expect(readFileSync(join(applied.path, "latin.txt"))).toEqual(Buffer.from("gr\xfc\xdfe!\n", "latin1"));
    expect(readFileSync(join(applied.path, "bin"))).toEqual(Buffer.from([0, 1, 255]));
    expect(readFileSync(join(applied.path, "a\nb"), "utf8")).toBe("x");
    // A person can read the rest of it.
    expect(at.patch()).toContain("\n+z\n");
    expect(at.patch()).toContain("\n+€\n");
  });

  test("keeps modes and links, which are not followed", async () => {
    const at = agentHarness();
    writeFileSync(join(at.dir, "secret"), "correct-horse-battery");
    await at.run(`chmod +x a.txt; ln -s ${at.dir}/secret link; ln -s ${at.dir} folder`);
    expect(at.patch()).toContain("new mode 100755");
    expect(at.patch()).toContain(`+${at.dir}/secret\n`);
    expect(at.patch()).not.toContain("correct-horse");
  });
});

describe("an agent that changes nothing", () => {
  test("is worth nothing, and no news", async () => {
    const at = agentHarness();
    const result = await at.run("touch a.txt; echo Nothing to do.");
    expect(result).toMatchObject({
      units: 0,
      summary: expect.stringMatching(/^changed nothing; /),
      report: { title: "changed nothing", text: "Nothing to do.", isNews: false },
    });
    expect(at.last().files).toEqual(new Map());
  });

  test("and asked nothing says so", async () => {
    const result = await agentHarness().run("true", { requests: 0 });
    expect(result.summary).toContain("no request at its gateway");
  });
});

it.each([
  ["a repository of no owner", { remote: "https://github.com/repo" }, /write owner\/repository/],
  [
    "a branch that git refuses",
    { remote: "https://github.com/octo-org/repo", base: "a..b" },
    /name of a branch/,
  ],
  ["an open address", { remote: "http://git.example.org/octo-org/repo" }, /not encrypted, and the token/],
])("a pull request for %s is refused before the program is run", async (_what, pull, message) => {
  const at = agentHarness();
  const settings = { draft: "pull_request", pull_request: { token: "token", ...pull } };
  await expect(at.run("echo x > a.txt", { settings })).rejects.toMatchObject({
    code: "no_target",
    message: expect.stringMatching(message),
  });
  expect([...at.last().memory.steps.keys()]).toEqual(["base"]);
});

describe("what the program finds", () => {
  test("is its prompt on its input, a home of its own, and nothing of the owner's", async () => {
    const at = agentHarness();
    await at.run('cat > prompt; env | grep -v afk_key > "$PWD/env"; ls -A "$HOME" > home');
    const applied = at.applied();
    const read = (name: string) => readFileSync(join(applied.path, name), "utf8");
    expect(read("prompt")).toBe("Mend it.");
    expect(read("home")).toBe("");
    expect(read("env")).toMatch(/^HOME=.*\/home$/m);
    expect(read("env")).toMatch(/^AFK_GATEWAY=http:\/\/127\.0\.0\.1:40123$/m);
    expect(read("env")).toMatch(/^AFK_RESULT=/m);
    expect(read("env")).not.toContain(`HOME=${process.env.HOME}\n`);
  });

  test("is the prompt where its command names it, with the payload below it", async () => {
    const at = agentHarness();
    writeFileSync(join(at.dir, "fix.md"), "Mend it well.\n");
    const command = [
      "sh",
      "-c",
      'printf %s "$1" > one; cat "$2" > two; cat > three; printf %s "$3" > four',
      "sh",
      "{prompt}",
      "{prompt_file}",
      "{base}",
    ];
    await at.run("", { command, settings: { prompt_file: "fix.md" }, payload: { issue: 7 } });
    const applied = at.applied();
    const read = (name: string) => readFileSync(join(applied.path, name), "utf8");
    expect(read("one")).toBe('Mend it well.\n\n{\n  "issue": 7\n}\n');
    expect(read("two")).toBe(read("one"));
    expect(existsSync(join(applied.path, "three"))).toBe(true);
    expect(read("three")).toBe("");
    expect(read("four")).toBe(at.dir);
  });

  test("is not a prompt that is too long for an argument, which says where it finds one", async () => {
    const at = agentHarness();
    const command = ["sh", "-c", "true", "sh", "{prompt}"];
    await expect(at.run("", { command, payload: "x".repeat(140_000) })).rejects.toThrow(
      /could not be started \(E2BIG\): its command line is longer .*; write \{prompt_file\} in place of \{prompt\}/,
    );
  });

  test("begins at a branch, a tag or a commit that ref names, else at what is checked out", async () => {
    const at = agentHarness();
    const first = at.repository.git("rev-parse", "HEAD").trim();
    at.repository.git("tag", "v1");
    at.repository.git("checkout", "--quiet", "-b", "topic");
    at.repository.commit({ "a.txt": "topic\n" });
    for (const [ref, content] of [
      [undefined, "topic"],
      ["main", "one"],
      ["v1", "one"],
      [first, "one"],
    ] as const) {
      const result = await at.run("head -1 a.txt", { settings: ref === undefined ? {} : { ref } });
      expect(result.report?.text, ref).toBe(content);
    }
    await expect(at.run("true", { settings: { ref: "nowhere" } })).rejects.toThrow(
      /has no branch, tag or commit "nowhere"; mend ref in afk.yaml/,
    );
  });

  test("is refused where repo is none", async () => {
    const at = agentHarness();
    const running = at.run("true", { settings: { repo: at.dir } });
    await expect(running).rejects.toBeInstanceOf(PermanentFailure);
    await expect(running).rejects.toThrow(/cannot be read as a git repository .*; mend repo in afk.yaml/);
  });
});

describe("what it said last", () => {
  test("is taken from the JSON that Claude Code prints", async () => {
    const json = JSON.stringify({ type: "result", subtype: "success", is_error: false, result: "I did it." });
    const result = await agentHarness().run(`echo '${json}'`);
    expect(result.report?.text).toBe("I did it.");
  });

  test("is taken from the file that Codex is told to write", async () => {
    const command = ["sh", "-c", 'echo noise; echo "It is done." > "$1"', "sh", "{last_message}"];
    expect((await agentHarness().run("", { command })).report?.text).toBe("It is done.");
  });

  test("fails the run where it is that it failed", async () => {
    const json = JSON.stringify({ type: "result", is_error: true, result: "Reached max turns" });
    await expect(agentHarness().run(`echo x > new; echo '${json}'`)).rejects.toThrow(
      "job fix: the agent says that it failed: Reached max turns",
    );
  });
});

test("a program that fails gives no patch", async () => {
  const at = agentHarness();
  await expect(at.run("echo x > new; echo broken >&2; exit 2")).rejects.toThrow(
    "job fix: sh exited with 2: broken",
  );
  expect(at.last().files).toEqual(new Map());
});

test("a run that begins again after a crash begins at the same commit, in a new worktree at the same place", async () => {
  const at = agentHarness();
  await expect(at.run("pwd > ../../../where; echo left > left; exit 1")).rejects.toThrow();
  at.repository.commit({ "a.txt": "moved on\n" });
  const result = await at.run("ls; head -1 a.txt", { memory: at.last().memory });
  expect(result.report?.text).toBe("a.txt\nsrc\none");
});

test("what its env_file holds is in no patch", async () => {
  const at = agentHarness();
  const variables = { TOKEN: "correct-horse-battery" };
  await expect(at.run('echo "$TOKEN" > leaked', { variables })).rejects.toMatchObject({
    code: "secret_in_patch",
  });
});

test("a program that ends with 0 although a cap refused its last request waits for room, and gives no half of a patch", async () => {
  const at = agentHarness();
  const refusedBy = new RunCapped("the cap of a day is reached", 60_000);
  await expect(at.run("echo x > new", { refusedBy })).rejects.toMatchObject({
    code: "cap_hit",
    retry: { afterMs: 60_000 },
  });
  expect(at.last().files).toEqual(new Map());
});
