import { existsSync, lstatSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cases, chaosSeed, patience, report } from "../support/chaos.ts";
import { seededRandomness } from "../support/seeded.ts";
import { fakeDocker, install, staged, start, tree } from "../systemd/staged.ts";

/** Names in the state that root's own programs on the host may come to, and that the container's user can make a link of. */
const NAMES = ["STOP", "afk.db", "backups", "high-water.json", "logs", "out", "passing", "runs", "lock.db"];
const COMMANDS = [["stop"], ["resume"], ["backup", "COPY"], ["restore", "COPY"], ["init"], ["install"]];
const IS_ROOT = process.getuid?.() === 0;

it(
  "root follows no link that the container's user puts into the state on a host",
  async ({ skip }) => {
    skip(!IS_ROOT, "only root installs what a host runs");
    const rounds = cases({ test: 4, chaos: 120 });
    const { random } = seededRandomness(chaosSeed("links on the host"));
    const of = <T>(values: readonly T[]) => values[Math.floor(random() * values.length)] as T;
    for (let round = 0; round < rounds; round++) {
      const root = staged();
      const { environment } = fakeDocker("exit 0");
      const elsewhere = join(root, "elsewhere");
      mkdirSync(elsewhere);
      writeFileSync(join(elsewhere, "precious"), "precious\n", { mode: 0o600 });
      const data = join(root, "var/lib/afk/data");
      const planted = NAMES.filter(() => random() < 0.6);
      for (const name of planted) {
        rmSync(join(data, name), { recursive: true, force: true });
        // To a folder, to a file in it, or to a name that is free there.
        symlinkSync(join(elsewhere, of(["", "precious", "made"])), join(data, name));
      }
      const before = tree(elsewhere);
      for (const [verb = "", ...words] of [of(COMMANDS), of(COMMANDS), ["stop"]]) {
        if (verb === "install") install("--root", root, "--image", "afk:staged");
        else {
          const paths = words.map(() => join(root, "copy.db"));
          await start(join(root, "usr/local/bin/afk"), [verb, ...paths], environment).ended;
        }
        const what = `${verb} with links at ${planted.join(", ")}`;
        expect(tree(elsewhere), what).toEqual(before);
        expect(existsSync(join(elsewhere, "made")), what).toBe(false);
      }
      // The switch is set whatever lies there, for the worker too.
      expect(lstatSync(join(root, "var/lib/afk/STOP")).isFile()).toBe(true);
      expect(lstatSync(join(data, "STOP")).isFile()).toBe(true);
      expect(readdirSync(join(root, "var/lib/afk")).sort()).toEqual(["STOP", "data"]);
    }
    report("links on the host", rounds);
  },
  patience({ test: 180_000, chaos: 900_000 }),
);
