// @module-tag processes
// @module-tag slow
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gitRepository } from "../../support/git-repository.ts";
import { agentHarness } from "./harness.ts";

/*
 * After the program has ended, afk reads its worktree with git. Nothing that it left there may be executed then, outside of its
 * containment, and nothing from outside of the folder may come into the patch.
 */

test.each([
  ["a watcher of its repository", 'git config core.fsmonitor "$EVIL"'],
  [
    "hooks",
    'for h in pre-commit post-checkout post-index-change reference-transaction; do cp "$EVIL" .git/hooks/$h 2>/dev/null || { mkdir -p .git/hooks; cp "$EVIL" .git/hooks/$h; }; done',
  ],
  [
    "a filter by attributes",
    'echo \'* filter=evil diff=evil\' > .gitattributes; git config filter.evil.clean "$EVIL"; git config filter.evil.process "$EVIL"; git config diff.evil.textconv "$EVIL"; git config diff.evil.command "$EVIL"; git config diff.external "$EVIL"',
  ],
  ["an alias and an editor", 'git config alias.diff "!$EVIL"; git config core.editor "$EVIL"'],
  [
    "configuration for the user",
    'mkdir -p "$HOME"; printf "[core]\\n\\tfsmonitor = $EVIL\\n\\thooksPath = $PWD\\n" > "$HOME/.gitconfig"',
  ],
  [
    "a repository within with a watcher",
    'git init -q sub; cp a.txt sub/; git -C sub add .; git -C sub -c user.name=x -c user.email=x@x commit -qm x; git -C sub config core.fsmonitor "$EVIL"',
  ],
  [
    "a repository in the place of a submodule",
    'rm -rf module; git init -q module; git -C module -c user.name=x -c user.email=x@x commit -q --allow-empty -m x; git -C module config core.fsmonitor "$EVIL"; git -C module config status.submoduleSummary true',
  ],
  [
    "a link to a repository in the place of a submodule",
    'git init -q "$TMPDIR/other"; git -C "$TMPDIR/other" -c user.name=x -c user.email=x@x commit -q --allow-empty -m x; git -C "$TMPDIR/other" config core.fsmonitor "$EVIL"; rm -rf module; ln -s "$TMPDIR/other" module',
  ],
  [
    "a .git file that leads elsewhere",
    'mv .git "$TMPDIR/own"; git --git-dir="$TMPDIR/own" config core.fsmonitor "$EVIL"; echo "gitdir: $TMPDIR/own" > .git',
  ],
])("executes nothing of what the program left: %s", async (_name, script) => {
  const at = agentHarness();
  const module = gitRepository({ m: "m\n" });
  at.repository.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", module.path, "module");
  at.repository.git("commit", "--quiet", "--message=module");
  const proof = join(at.dir, "executed");
  const evil = join(at.dir, "evil.sh");
  writeFileSync(evil, `#!/bin/sh\necho "$0 $*" >> ${proof}\nexit 1\n`, { mode: 0o755 });
  // Its own calls of git may execute what it likes, while it is contained.
  await at.run(`EVIL=${evil}; ${script}; echo new >> a.txt; echo other > other; rm -f ${proof}`);
  expect(existsSync(proof) ? readFileSync(proof, "utf8") : "").toBe("");
  expect(at.patch()).toContain("+++ b/a.txt");
  expect(at.patch()).not.toContain("160000");
});

test.each([
  ["the worktree", 'mv ../work ../moved; ln -s "$OUTSIDE" ../work', /something else in the place/],
  ["a folder", 'rm -rf src; ln -s "$OUTSIDE" src', null],
])("a link in the place of %s leads nowhere", async (_name, script, refusal) => {
  const at = agentHarness({ "src/secret": "public\n" });
  const outside = join(at.dir, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "secret"), "correct-horse-battery\n");
  const running = at.run(`OUTSIDE=${outside}; ${script}`);
  if (refusal !== null) return await expect(running).rejects.toThrow(refusal);
  await running;
  expect(at.patch()).not.toContain("correct-horse");
  expect(at.patch()).toContain("deleted file mode 100644");
  expect(at.patch()).toContain("new file mode 120000");
});

test("what hides changes from a reader is shown all the same", async () => {
  const at = agentHarness();
  await at.run("echo '* -diff binary' > .gitattributes; echo hidden >> a.txt");
  expect(at.patch()).toContain("\n+hidden\n");
});

test("a repository within is left out, and that is said", async () => {
  const at = agentHarness();
  const result = await at.run(
    "git init -q vendor; echo x > vendor/x; git -C vendor add .; git -C vendor -c user.name=x -c user.email=x@x commit -qm x; echo y > y",
  );
  expect(result.report?.notes).toEqual(["vendor/ is a repository of its own, and not in the patch."]);
  expect(at.patch()).toContain("+++ b/y");
});

test.each([
  ["one file", "head -c 9000000 /dev/zero > big", /more than 8 MiB in one file/],
  [
    "all files",
    'for n in 1 2 3 4 5; do head -c 8000000 /dev/zero > "big$n"; done',
    /more than 32 MiB in all files/,
  ],
  [
    "the number of files",
    'n=0; while [ $n -lt 1001 ]; do echo > "f$n"; n=$((n+1)); done',
    /1001 changed files, and 1000 are the most/,
  ],
  ["the patch", "head -c 3000000 /dev/urandom > big", /makes a patch of \d+ KiB, and 2 MiB is the most/],
])("too much is refused, and said what of: %s", async (_name, script, message) => {
  await expect(agentHarness().run(script)).rejects.toMatchObject({
    code: "patch_too_large",
    message: expect.stringMatching(message),
  });
});

test("pipes and sockets are no files, and are not waited for", async () => {
  const at = agentHarness();
  await at.run("rm a.txt; mkfifo a.txt; mkfifo other; echo y > y");
  expect(at.patch()).toContain("--- a/a.txt\n+++ /dev/null");
  expect(at.patch()).toContain("+++ b/y");
});

test.each([
  ["a path that git takes for its own", "mkdir -p .GIT; echo x > .GIT/config; echo y > y"],
  [
    "folders that nobody may write to",
    "mkdir -p cache/deep; echo x > cache/deep/f; chmod 555 cache/deep cache; echo y > y",
  ],
])("the run ends, whatever stands there: %s", async (_name, script) => {
  const at = agentHarness();
  const ended = await at.run(script).then(
    () => "done",
    (error: Error) => error.message,
  );
  if (ended !== "done") expect(ended).toMatch(/^git update-index failed/);
  expect(at.patch()).not.toContain(".GIT");
});
