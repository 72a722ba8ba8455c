import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { tempDir } from "./temp.ts";

/** A repository of the owner's, with real git. */
export interface TestRepository {
  path: string;
  git(...args: string[]): string;
  /** Writes files, and commits them; gives the commit. */
  commit(files: Record<string, string | Uint8Array>): string;
}

const IDENTITY = ["-c", "user.name=Test", "-c", "user.email=test@example.org"];

/** A repository with one commit of these files on its branch `main`. */
export function gitRepository(
  files: Record<string, string | Uint8Array>,
  path: string = join(tempDir(), "repo"),
): TestRepository {
  mkdirSync(path, { recursive: true });
  const env = { PATH: process.env.PATH, HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1" };
  const git = (...args: string[]) =>
    execFileSync("git", [...IDENTITY, ...args], { cwd: path, env, encoding: "utf8", stdio: "pipe" });
  git("init", "--quiet", "--initial-branch=main");
  const repository: TestRepository = {
    path,
    git,
    commit(changed) {
      for (const [name, content] of Object.entries(changed)) {
        mkdirSync(dirname(join(path, name)), { recursive: true });
        writeFileSync(join(path, name), content);
      }
      git("add", "--all");
      git("commit", "--quiet", "--message=change");
      return git("rev-parse", "HEAD").trim();
    },
  };
  repository.commit(files);
  return repository;
}
