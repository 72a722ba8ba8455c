import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { userData } from "./cloud-config.ts";
import { isInstalled, run } from "./folder.ts";

const work = mkdtempSync(join(tmpdir(), "afk-firewall-"));
afterAll(() => rmSync(work, { recursive: true }));

async function firewallScript(): Promise<string> {
  const { files } = await userData("--image", "afk:test");
  const path = join(work, "firewall");
  writeFileSync(path, files.get("/usr/local/sbin/metadata-firewall")!, { mode: 0o755 });
  return path;
}

const RULES = `-A DOCKER-USER -d 169.254.0.0/16 -j AFK-METADATA
-A AFK-METADATA -d 169.254.169.254/32 -p udp -m udp --dport 53 -j RETURN
-A AFK-METADATA -d 169.254.169.254/32 -p tcp -m tcp --dport 53 -j RETURN
-A AFK-METADATA -j DROP
`;

// A network namespace of its own: the rules of this machine are not touched.
const inNamespace = (script: string) => run("unshare", ["--net", "sh", "-euc", script]);

test("drops what containers send to link-local addresses, but for DNS; twice is once", async ({ skip }) => {
  skip(!isInstalled("unshare") || !isInstalled("iptables"), "unshare and iptables are needed");
  skip(
    (await inNamespace("iptables -S")).code !== 0,
    "no network namespace can be made here (root is needed)",
  );
  const script = await firewallScript();
  const list = "iptables -S | grep -E '^-A (DOCKER-USER|AFK-METADATA)' | sort -r -s -k2,2";

  const onNewHost = await inNamespace(`${script}; ${list}`);
  expect(onNewHost).toMatchObject({ code: 0, stdout: RULES });

  const again = await inNamespace(`${script}; ${script}; ${list}`);
  expect(again.stdout).toBe(RULES);
});

test("comes before what the engine has put into its chain", async ({ skip }) => {
  skip(!isInstalled("unshare") || !isInstalled("iptables"), "unshare and iptables are needed");
  skip(
    (await inNamespace("iptables -S")).code !== 0,
    "no network namespace can be made here (root is needed)",
  );
  const script = await firewallScript();
  const engine = "iptables -N DOCKER-USER; iptables -A DOCKER-USER -j RETURN";
  const { stdout } = await inNamespace(`${engine}; ${script}; iptables -S DOCKER-USER`);
  expect(stdout).toBe(
    "-N DOCKER-USER\n-A DOCKER-USER -d 169.254.0.0/16 -j AFK-METADATA\n-A DOCKER-USER -j RETURN\n",
  );
});
