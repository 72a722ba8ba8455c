import { chmodSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { tempDir } from "../support/temp.ts";
import { install, staged, tree } from "./staged.ts";

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

  it("gives the state to the container's user", ({ skip }) => {
    skip(process.getuid?.() !== 0, "only root can give files away");
    const root = staged();
    const { uid, gid, mode } = statSync(join(root, "var/lib/afk"));
    expect({ uid, gid, mode: (mode & 0o777).toString(8) }).toEqual({ uid: 1000, gid: 1000, mode: "750" });
  });

  it("takes helpers away that an older release had", () => {
    const root = staged();
    writeFileSync(join(root, "usr/local/lib/afk/of-old"), "#!/bin/sh\n");
    install("--root", root);
    expect(tree(root)["usr/local/lib/afk/of-old"]).toBeUndefined();
  });

  it("uninstalled leaves state, configuration and what others have added", () => {
    const root = staged();
    writeFileSync(join(root, "var/lib/afk/afk.db"), "ledger");
    writeFileSync(join(root, "etc/systemd/system/afk.service.d/50-mine.conf"), "[Service]\n");
    expect(install("--root", root, "--uninstall").code).toBe(0);
    const files = Object.entries(tree(root)).filter(([path]) => statSync(join(root, path)).isFile());
    expect(files.map(([path]) => path).sort()).toEqual([
      "etc/afk/env",
      "etc/afk/image",
      "etc/afk/ollama",
      "etc/systemd/system/afk.service.d/50-mine.conf",
      "var/lib/afk/afk.db",
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
