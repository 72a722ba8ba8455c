import { execFileSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Ended, fakeDocker, staged, start } from "./staged.ts";

const IS_ROOT = process.getuid?.() === 0;
const NEEDS_ROOT = "the host command is root's, since the secrets are";
/** A day would do; it ends with the test. */
const HANG = "exec sleep 86400";

interface Host {
  root: string;
  stopFile: string;
  /** The words of each `docker run`. */
  runs(): string[][];
  afk(...words: string[]): Promise<Ended>;
}

/** A staged host whose docker does what `script` says. */
function host(script: string): Host {
  const root = staged();
  const docker = fakeDocker(script);
  return {
    root,
    stopFile: join(root, "var/lib/afk/STOP"),
    runs: () => docker.calls().filter(([verb]) => verb === "run"),
    afk: (...words) => start(join(root, "usr/local/bin/afk"), words, docker.environment).ended,
  };
}

/** What comes after the image's name. */
const arguments_ = (run: string[] | undefined) => run?.slice(run.indexOf("afk:staged") + 1);

describe.skipIf(!IS_ROOT)("the host command", () => {
  it("hands on arguments with spaces, quotes and line breaks as they are", async () => {
    const { afk, runs } = host("exit 0");
    const words = [
      "enqueue",
      "a b",
      "--payload",
      '{"x": "it\'s \\"$HOME\\" `id` *"}',
      "",
      "two\nlines",
      "--",
      "--",
    ];
    expect((await afk(...words)).code).toBe(0);
    expect(arguments_(runs()[0])).toEqual(words);
  });

  it("gives back the exit code of the command", async () => {
    const { afk } = host('[ "$1" != run ] || exit 78');
    expect((await afk("status")).code).toBe(78);
  });

  it("runs in a hardened container with the same state, configuration and networks as the worker", async () => {
    const { root, afk, runs } = host("exit 0");
    writeFileSync(join(root, "etc/afk/afk.yaml"), "agent: a\n");
    await afk("status");
    const line = runs()[0]?.join(" ");
    for (const part of [
      "--rm --init --hostname",
      "--read-only",
      "--cap-drop ALL --security-opt no-new-privileges",
      "--pids-limit",
      "--memory 1g",
      "--network afk-egress --network afk-internal",
      `--env-file ${root}/etc/afk/env`,
      `type=bind,src=${root}/var/lib/afk/data,dst=/data`,
      `type=bind,src=${root}/etc/afk/afk.yaml,dst=/etc/afk/afk.yaml,readonly`,
    ]) {
      expect(line).toContain(part);
    }
    // A terminal would mix the two outputs.
    expect(runs()[0]).not.toContain("--tty");
    expect(line).not.toContain("--cgroup-parent");
  });

  it("puts work by hand where the kill paths find it", async () => {
    const { afk, runs } = host("exit 0");
    await afk("tick", "--now", "digest");
    const line = runs()[0]?.join(" ");
    expect(line).toContain("--name afk-by-hand --cgroup-parent afk.slice");
    expect(arguments_(runs()[0])).toEqual(["tick", "--now", "digest"]);
  });

  it("shows doctor a copy of the host's units, as they are now, and no other file of the host", async () => {
    const { root, afk, runs } = host("exit 0");
    const units = join(root, "etc/systemd/system");
    writeFileSync(join(units, "other.service"), "secret");
    mkdirSync(join(units, "afk.service.d"), { recursive: true });
    writeFileSync(join(units, "afk.service.d/99-own.conf"), "own", { mode: 0o600 });
    await afk("doctor", "--offline");
    rmSync(join(units, "afk.timer"));
    await afk("doctor", "--json");
    const copy = join(root, "run/afk-units");
    expect(runs()[1]?.join(" ")).toContain(`type=bind,src=${copy},dst=/run/afk-units,readonly`);
    expect(arguments_(runs()[1])).toEqual(["doctor", "--json"]);
    expect(existsSync(join(copy, "afk.service.d/10-hardening.conf"))).toBe(true);
    expect(existsSync(join(copy, "afk.timer"))).toBe(false);
    expect(existsSync(join(copy, "other.service"))).toBe(false);
    expect(statSync(join(copy, "afk.service.d/99-own.conf")).mode & 0o077).toBe(0);
  });

  it("says that the engine does not answer, and exits 69", async () => {
    const { afk } = host('echo "Cannot connect to the Docker daemon" >&2; exit 1');
    const { code, stderr } = await afk("status");
    expect(code).toBe(69);
    expect(stderr).toContain("the engine does not answer");
  });

  describe("stop", () => {
    it("makes the STOP file before it asks the container", async () => {
      const { stopFile, afk, runs } = host(`[ "$1" != run ] || exec test -e "$STOP_FILE"`);
      process.env.STOP_FILE = stopFile;
      const { code, stdout } = await afk("stop", "--reason", "the bill looks odd").finally(() => {
        delete process.env.STOP_FILE;
      });
      expect({ code, stdout }).toEqual({ code: 0, stdout: "" });
      expect(arguments_(runs()[0])).toEqual(["stop", "--reason", "the bill looks odd"]);
      expect(readFileSync(stopFile, "utf8")).toContain("the bill looks odd");
    });

    it("makes it when docker fails, and succeeds", async () => {
      const { stopFile, afk } = host("exit 125");
      const { code, stderr } = await afk("stop");
      expect(code).toBe(0);
      expect(existsSync(stopFile)).toBe(true);
      expect(stderr).toContain("No model is called until: afk resume");
    });

    it("makes it at once when docker hangs, and does not hang with it", async () => {
      const { stopFile, afk } = host(HANG);
      const ended = afk("stop");
      await expect.poll(() => existsSync(stopFile), { timeout: 20_000 }).toBe(true);
      expect((await ended).code).toBe(0);
    });

    it("works without image, environment's content and configuration", async () => {
      const { root, stopFile, afk } = host("exit 1");
      rmSync(join(root, "etc/afk/image"));
      writeFileSync(join(root, "etc/afk/env"), "\0broken");
      expect((await afk("stop")).code).toBe(0);
      expect(existsSync(stopFile)).toBe(true);
    });

    it("says when the worker is still there", async () => {
      const { stopFile, afk } = host('[ "$1" != run ] || exit 75');
      expect((await afk("stop")).code).toBe(75);
      expect(existsSync(stopFile)).toBe(true);
    });

    it("neither waits for a pipe in the place of the file nor writes through a link", async () => {
      for (const kind of ["pipe", "link"]) {
        const { root, stopFile, afk } = host("exit 0");
        const elsewhere = join(root, "elsewhere");
        if (kind === "pipe") execFileSync("mkfifo", [stopFile]);
        else symlinkSync(elsewhere, stopFile);
        expect((await afk("stop")).code).toBe(0);
        expect(existsSync(elsewhere)).toBe(false);
      }
    });

    it("set twice is set", async () => {
      const { stopFile, afk } = host("exit 0");
      await afk("stop", "--reason", "first");
      expect((await afk("stop", "--reason", "second")).code).toBe(0);
      expect(readFileSync(stopFile, "utf8")).toMatch(/first[\s\S]*second/);
    });

    it("is not set by who only asks for help", async () => {
      const { stopFile, afk, runs } = host("exit 0");
      await afk("stop", "--help");
      expect(existsSync(stopFile)).toBe(false);
      expect(arguments_(runs()[0])).toEqual(["stop", "--help"]);
    });

    it("is shown to the worker too, and follows no link that the container's user has put in its place", async () => {
      const { root, stopFile, afk } = host("exit 0");
      const seen = join(root, "var/lib/afk/data/STOP");
      for (const target of [join(root, "etc/afk/env"), join(root, "not-there"), seen]) {
        const before = existsSync(target) ? readFileSync(target, "utf8") : null;
        symlinkSync(target, seen);
        expect((await afk("stop", "--reason", "why")).code).toBe(0);
        expect(lstatSync(seen).isFile()).toBe(true);
        expect(readFileSync(seen, "utf8")).toContain("why");
        if (target !== seen) expect(existsSync(target) ? readFileSync(target, "utf8") : null).toBe(before);
        expect((await afk("resume")).code).toBe(0);
        expect(existsSync(stopFile)).toBe(false);
        rmSync(seen);
      }
      expect(readdirSync(join(root, "var/lib/afk"))).toEqual(["data"]);
    });

    it("that root has set by touch is shown to the worker by its unit", async () => {
      const { root, stopFile } = host("exit 0");
      const show = async () => await start(join(root, "usr/local/lib/afk/set-stop"), [], {}).ended;
      expect((await show()).code).toBe(0);
      expect(readdirSync(join(root, "var/lib/afk"))).toEqual(["data"]);
      writeFileSync(stopFile, "");
      expect((await show()).code).toBe(0);
      expect(existsSync(join(root, "var/lib/afk/data/STOP"))).toBe(true);
    });

    it("fails, and says so, when neither way works", async () => {
      const { root, afk } = host("exit 1");
      rmSync(join(root, "var/lib/afk"), { recursive: true });
      const { code, stderr } = await afk("stop");
      expect(code).toBe(1);
      expect(stderr).toContain("could not be made");
    });
  });

  describe("backup and restore", () => {
    const WRITES = `[ "$1" = run ] || exit 0
      passing=$(printf '%s\\n' "$@" | sed -n 's/^type=bind,src=\\([^,]*\\),dst=\\/passing.*$/\\1/p')
      for word in "$@"; do case $word in /passing/*) file=$passing\${word#/passing} ;; esac; done
      case " $* " in *" backup "*) echo copy > "$file" ;; *) cat "$file" ;; esac`;

    it("writes a copy to a file of the host that the container cannot see", async () => {
      const { root, afk } = host(WRITES);
      const file = join(root, "my copy.db");
      expect(await afk("backup", file)).toMatchObject({ code: 0 });
      expect(readFileSync(file, "utf8")).toBe("copy\n");
      const again = await afk("backup", file);
      expect(again.code).toBe(1);
      expect(again.stderr).toContain("is there already");
    });

    it("names a file of the state as the container sees it", async () => {
      const { root, afk, runs } = host(WRITES);
      await afk("backup", join(root, "var/lib/afk/data/backups/{date}.db"), "--keep", "7");
      expect(arguments_(runs()[0])).toEqual(["backup", "/data/backups/{date}.db", "--keep", "7"]);
    });

    it("takes no link for a copy, and writes through none", async () => {
      const { root, afk } = host(WRITES.replace('echo copy > "$file"', 'ln -s /etc/passwd "$file"'));
      const file = join(root, "copy.db");
      const { code, stderr } = await afk("backup", file);
      expect(code).toBe(1);
      expect(stderr).toContain("no plain file");
      expect(existsSync(file)).toBe(false);
      const other = host(WRITES);
      const target = join(other.root, "target");
      for (const name of ["backups", "passing"])
        symlinkSync(target, join(other.root, "var/lib/afk/data", name));
      symlinkSync(target, join(other.root, "linked.db"));
      expect((await other.afk("backup", join(other.root, "linked.db"))).code).toBe(1);
      expect((await other.afk("backup", join(other.root, "good.db"))).code).toBe(0);
      expect((await other.afk("restore", join(other.root, "good.db"))).code).toBe(0);
      expect(existsSync(target)).toBe(false);
      expect(readdirSync(join(other.root, "var/lib/afk"))).toEqual(["data"]);
    });

    it("reads a copy from anywhere, and leaves nothing of it in the state", async () => {
      const { root, afk } = host(WRITES);
      writeFileSync(join(root, "restore"), "precious\n");
      const { code, stdout } = await afk("restore", join(root, "restore"), "--dry-run");
      expect({ code, stdout }).toEqual({ code: 0, stdout: "precious\n" });
      expect(existsSync(join(root, "restore"))).toBe(true);
      expect((await afk("restore", join(root, "not-there"))).code).toBe(1);
    });
  });
});

it("says why the host command was not tried", ({ skip }) => {
  skip(!IS_ROOT, NEEDS_ROOT);
});
