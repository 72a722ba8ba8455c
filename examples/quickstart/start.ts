import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

// The quick start, as a person would type it: one guarded tick, then what it left behind. It needs no network, no
// model and no key. Each command is printed before it runs, so that it can be repeated by hand.

const here = fileURLToPath(new URL(".", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));
const config = relative(root, join(here, "afk.yaml"));
const state = relative(root, join(here, "state"));
const out = join(here, "state", "out");

const code = afk("tick");
afk("ledger");
afk("status");
conclude();
process.exitCode = code;

/** Runs one afk command on the quick start's own configuration and state, and gives its exit code. */
function afk(command: string): number {
  console.log(`\n$ npx afk ${command} --config ${config} --state ${state}`);
  const main = join(root, "src/cli/main.ts");
  const args = [main, command, "--config", config, "--state", state];
  return spawnSync(process.execPath, args, { cwd: root, stdio: "inherit" }).status ?? 1;
}

function conclude(): void {
  const files = existsSync(out) ? readdirSync(out).filter((name) => name.endsWith(".md")) : [];
  const newest = files
    .map((name) => join(out, name))
    .sort((a, b) => statSync(a).mtimeMs - statSync(b).mtimeMs)
    .at(-1);
  console.log(
    newest === undefined
      ? "\nNo digest was written; the lines above say why."
      : `\nThe digest:  ${relative(root, newest)}  (and .html beside it)`,
  );
  console.log(`
Next:
  npm start                               again: nothing is done or written twice
  DAILY_CAP_USD=0 npx afk tick --now digest --config ${config} --state ${state}
                                          a cap of 0: refused before any model is asked
  npx afk init                            a configuration of your own, then: npx afk doctor, npx afk tick
  ollama pull qwen2.5:3b                  with Ollama at localhost:11434 the next digest is made by that model`);
}
