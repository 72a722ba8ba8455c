import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempDir } from "../support/temp.ts";
import { install, staged, tree } from "./staged.ts";

/** Whose it is, and its mode. */
function owned(root: string, path: string): string {
  const { uid, gid, mode } = statSync(join(root, path));
  return `${uid}:${gid} ${(mode & 0o777).toString(8)}`;
}

describe("the installer", () => {
  it("run twice leaves the same tree, and says nothing the second time", () => {
    const root = staged();
    const first = tree(root);
    const second = install("--root", root, "--image", "afk:staged");
    expect(second).toEqual({ code: 0, stdout: "", stderr: "" });
    expect(tree(root)).toEqual(first);
    expect(first["etc/afk/image"]).toBe("644 afk:staged\n");
    expect(first["usr/local/bin/afk"]).toMatch(/^755 #!/);
    expect(first["etc/systemd/system/afk.timer"]).toMatch(/^644 /);
  });

  it("changes nothing with --dry-run, and names each file", () => {
    const root = tempDir();
    const { code, stdout } = install("--root", root, "--dry-run");
    expect(code).toBe(0);
    for (const name of [
      "etc/afk/env",
      "etc/systemd/system/afk.service",
      "usr/local/bin/afk",
      "var/lib/afk ",
    ]) {
      expect(stdout).toContain(`${root}/${name}`);
    }
    expect(tree(root)).toEqual({});

    const full = staged();
    const before = tree(full);
    expect(install("--root", full, "--uninstall", "--purge", "--dry-run").code).toBe(0);
    expect(tree(full)).toEqual(before);
  });

  it("never overwrites secrets, settings and configuration", () => {
    const root = staged();
    writeFileSync(join(root, "etc/afk/env"), "ALERT_WEBHOOK=https://example.org/secret\n");
    writeFileSync(join(root, "etc/afk/afk.yaml"), "agent: mine\n");
    writeFileSync(join(root, "etc/afk/ollama"), "OLLAMA_MODEL=other\n");
    install("--root", root, "--image", "afk:2");
    expect(readFileSync(join(root, "etc/afk/env"), "utf8")).toContain("secret");
    expect(readFileSync(join(root, "etc/afk/afk.yaml"), "utf8")).toBe("agent: mine\n");
    expect(readFileSync(join(root, "etc/afk/ollama"), "utf8")).toBe("OLLAMA_MODEL=other\n");
    expect(readFileSync(join(root, "etc/afk/image"), "utf8")).toBe("afk:2\n");
  });

  it("keeps the image that was chosen before when none is named", () => {
    const root = staged();
    install("--root", root);
    expect(readFileSync(join(root, "etc/afk/image"), "utf8")).toBe("afk:staged\n");
  });

  it.each(["/run/afk.kill", "~/afk.kill", "afk.kill", "/data", "/data/../run/kill", "/datas/STOP"])(
    "refuses a stop file that no container can see: KILL_FLAG=%s",
    (flag) => {
      const root = staged();
      writeFileSync(join(root, "etc/afk/env"), `# KILL_FLAG=/data/STOP\nKILL_FLAG=${flag}\n`);
      const before = tree(root);
      const { code, stderr } = install("--root", root, "--image", "afk:2");
      expect(code).toBe(1);
      expect(stderr).toContain(`KILL_FLAG=${flag}`);
      expect(tree(root)).toEqual(before);
    },
  );

  it("takes a stop file in the state", () => {
    const root = staged();
    writeFileSync(join(root, "etc/afk/env"), "KILL_FLAG=/data/afk.kill\n");
    expect(install("--root", root).code).toBe(0);
  });

  it("gives secrets to root alone, also when somebody has opened them", () => {
    const root = staged();
    const mode = () => (statSync(join(root, "etc/afk/env")).mode & 0o777).toString(8);
    expect(mode()).toBe("600");
    chmodSync(join(root, "etc/afk/env"), 0o644);
    install("--root", root);
    expect(mode()).toBe("600");
  });

  it("gives the state to the container's user, in a folder of root's", ({ skip }) => {
    skip(process.getuid?.() !== 0, "only root can give files away");
    const root = staged();
    expect(owned(root, "var/lib/afk")).toBe("0:0 755");
    expect(owned(root, "var/lib/afk/data")).toBe("1000:1000 700");
  });

  it("moves the state of an older release down into the folder that is the container's, and follows no link of it", ({
    skip,
  }) => {
    skip(process.getuid?.() !== 0, "only root can give files away");
    const root = staged();
    const target = join(root, "of-the-host");
    mkdirSync(target, { mode: 0o755 });
    rmSync(join(root, "var/lib/afk"), { recursive: true });
    mkdirSync(join(root, "var/lib/afk"), { mode: 0o750 });
    chownSync(join(root, "var/lib/afk"), 1000, 1000);
    writeFileSync(join(root, "var/lib/afk/afk.db"), "ledger");
    writeFileSync(join(root, "var/lib/afk/STOP"), "");
    // What the container's user may have put where root would work.
    for (const name of ["backups", "data"]) symlinkSync(target, join(root, "var/lib/afk", name));
    const dry = install("--root", root, "--dry-run");
    expect(dry.stdout).toContain(`would move: ${root}/var/lib/afk to ${root}/var/lib/afk/data`);
    for (let n = 0; n < 2; n++) expect(install("--root", root)).toMatchObject({ code: 0, stderr: "" });
    expect(owned(root, "var/lib/afk")).toBe("0:0 755");
    expect(owned(root, "var/lib/afk/data")).toBe("1000:1000 700");
    expect(readFileSync(join(root, "var/lib/afk/data/afk.db"), "utf8")).toBe("ledger");
    expect(existsSync(join(root, "var/lib/afk/data/STOP"))).toBe(true);
    expect(owned(root, "of-the-host")).toBe("0:0 755");
    expect(readdirSync(target)).toEqual([]);
    expect(readdirSync(join(root, "var/lib"))).toEqual(["afk"]);
  });

  it("goes on with a move that was cut off", ({ skip }) => {
    skip(process.getuid?.() !== 0, "only root can give files away");
    const root = staged();
    writeFileSync(join(root, "var/lib/afk/data/afk.db"), "ledger");
    renameSync(join(root, "var/lib/afk/data"), join(root, "var/lib/.afk-moving"));
    rmdirSync(join(root, "var/lib/afk"));
    expect(install("--root", root)).toMatchObject({ code: 0, stderr: "" });
    expect(readFileSync(join(root, "var/lib/afk/data/afk.db"), "utf8")).toBe("ledger");
  });

  it("takes helpers away that an older release had", () => {
    const root = staged();
    writeFileSync(join(root, "usr/local/lib/afk/of-old"), "#!/bin/sh\n");
    install("--root", root);
    expect(tree(root)["usr/local/lib/afk/of-old"]).toBeUndefined();
  });

  it("uninstalled leaves state, configuration and what others have added", () => {
    const root = staged();
    writeFileSync(join(root, "var/lib/afk/data/afk.db"), "ledger");
    writeFileSync(join(root, "etc/systemd/system/afk.service.d/50-mine.conf"), "[Service]\n");
    expect(install("--root", root, "--uninstall").code).toBe(0);
    const files = Object.entries(tree(root)).filter(([path]) => statSync(join(root, path)).isFile());
    expect(files.map(([path]) => path).sort()).toEqual([
      "etc/afk/env",
      "etc/afk/image",
      "etc/afk/ollama",
      "etc/systemd/system/afk.service.d/50-mine.conf",
      "var/lib/afk/data/afk.db",
    ]);
    // And once more, with nothing there.
    expect(install("--root", root, "--uninstall").code).toBe(0);
  });

  it("removes state and configuration too when it is told to", () => {
    const root = staged();
    install("--root", root, "--uninstall", "--purge");
    const files = Object.keys(tree(root)).filter((path) => statSync(join(root, path)).isFile());
    expect(files).toEqual([]);
  });

  it.for([
    { words: ["--rot", "/x"], says: "unknown argument --rot" },
    { words: ["--image"], says: "--image needs a value" },
    { words: ["--root", ""], says: "--root needs a value" },
    { words: ["extra"], says: "unknown argument extra" },
  ])("refuses $words", ({ words, says }) => {
    const { code, stderr } = install(...words);
    expect(code).toBe(2);
    expect(stderr).toContain(says);
  });

  it("refuses --purge without --uninstall, and removes nothing", () => {
    const root = staged();
    const before = tree(root);
    const { code, stderr } = install("--root", root, "--purge");
    expect(code).toBe(1);
    expect(stderr).toContain("--purge goes with --uninstall");
    expect(tree(root)).toEqual(before);
  });
});
