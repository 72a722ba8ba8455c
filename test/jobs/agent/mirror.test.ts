// @module-tag processes
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { mirrorOf, updateMirror } from "../../../src/jobs/agent/repository.ts";
import { gitRepository } from "../../support/git-repository.ts";
import { tempDir } from "../../support/temp.ts";

it("keeps no credentials that stand in the address of origin", async () => {
  const repository = gitRepository({ a: "a" });
  repository.git("remote", "add", "origin", "https://ada:secret-token@example.org/octo-org/repo.git");
  const base = await updateMirror(
    mirrorOf(join(tempDir(), "repos"), "fix"),
    { repo: repository.path, ref: null, job: "fix" },
    new AbortController().signal,
  );
  expect(base.origin).toBe("https://example.org/octo-org/repo.git");
});

it("drops commits that nobody approved for 90 days, and follows what was deleted in the owner's repository", async () => {
  const repository = gitRepository({ a: "a" });
  repository.git("branch", "topic");
  const mirror = mirrorOf(join(tempDir(), "repos"), "fix");
  const update = () =>
    updateMirror(mirror, { repo: repository.path, ref: null, job: "fix" }, new AbortController().signal);
  const { commit } = await update();
  const git = (...args: string[]) => repository.git(`--git-dir=${mirror.path}`, ...args).trim();
  const tree = git("rev-parse", `${commit}^{tree}`);
  const at = (days: number) => String(Math.floor(Date.now() / 1_000) - days * 86_400);
  const made = (days: number) => {
    const who = `afk <afk@afk.invalid> ${at(days)} +0000`;
    const text = `tree ${tree}\nauthor ${who}\ncommitter ${who}\n\n${days}\n`;
    const file = join(tempDir(), "commit");
    writeFileSync(file, text);
    return git("hash-object", "-t", "commit", "-w", file);
  };
  for (const days of [1, 91]) {
    const name = made(days);
    git("update-ref", `refs/afk/${name}`, name);
  }
  repository.git("branch", "-D", "topic");
  await update();
  expect(git("for-each-ref", "--format=%(refname:short)", "refs/heads")).toBe("main");
  expect(git("for-each-ref", "--format=%(subject)", "refs/afk")).toBe("1");
});

it("takes a clone without all of its history, and what is new in it later", async () => {
  const whole = gitRepository({ a: "1" });
  whole.commit({ a: "2" });
  const repo = join(tempDir(), "shallow");
  whole.git("clone", "--quiet", "--depth=1", `file://${whole.path}`, repo);
  const shallow = (...args: string[]) => whole.git("-C", repo, ...args).trim();
  const mirror = mirrorOf(join(tempDir(), "repos"), "fix");
  const update = (ref: string | null) =>
    updateMirror(mirror, { repo, ref, job: "fix" }, new AbortController().signal);
  for (const content of ["3", "4"]) {
    const commit = whole.commit({ a: content });
    shallow("fetch", "--quiet", "--depth=1");
    shallow("reset", "--quiet", "--hard", "origin/main");
    expect(await update(null)).toMatchObject({ commit, branch: "main" });
    expect(await update("main")).toMatchObject({ commit, branch: "main" });
  }
});
