import { hasTool } from "../system-tools.ts";
import { run } from "./command.ts";

/**
 * What an engine leaves in the machine's packet filter, taken away again: rules of its bridge, and, where no other engine
 * had chains there before, the chains, the jumps to them and the changed policy.
 */
export interface FirewallState {
  tool: string;
  table: string;
  /** As `iptables-save` prints them: `:FORWARD ACCEPT`, ... */
  chains: string[];
  /** Also as it prints them: `-A FORWARD -j DOCKER-USER`, ... */
  rules: string[];
}

const TOOLS = ["iptables", "ip6tables"];
const TABLES = ["filter", "nat"];
const ENGINE_CHAIN = /^:?DOCKER(?:-|$| )/;

export async function readFirewall(): Promise<FirewallState[]> {
  const states: FirewallState[] = [];
  for (const tool of TOOLS.filter(hasTool)) {
    for (const table of TABLES) {
      const lines = await save(tool, table);
      states.push({ tool, table, chains: chainsOf(lines), rules: rulesOf(lines) });
    }
  }
  return states;
}

/** An engine that starts empties chains that it shares with one that runs: what that one had there is put back. */
export async function repairFirewall(before: readonly FirewallState[]): Promise<void> {
  for (const { tool, table, rules } of before) {
    const now = new Set(rulesOf(await save(tool, table)));
    const counts = new Map<string, number>();
    for (const rule of rules) {
      const [, chain = "", ...words] = rule.split(" ");
      const count = (counts.get(chain) ?? 0) + 1;
      counts.set(chain, count);
      const isLost = ENGINE_CHAIN.test(chain) && !now.has(rule);
      if (isLost) await run(tool, ["-w", "-t", table, "-I", chain, String(count), ...words]);
    }
  }
}

export async function restoreFirewall(before: readonly FirewallState[], bridge: string): Promise<void> {
  for (const { tool, table, chains } of before) {
    const change = (words: readonly string[]) => run(tool, ["-w", "-t", table, ...words]);
    const hadEngine = chains.some((chain) => ENGINE_CHAIN.test(chain));
    for (const rule of rulesOf(await save(tool, table))) {
      const words = rule.split(" ").slice(1);
      const isOurs = words.includes(bridge) || (!hadEngine && words.some((word) => ENGINE_CHAIN.test(word)));
      if (isOurs) await change(["-D", ...words]);
    }
    if (hadEngine) continue;
    for (const chain of chainsOf(await save(tool, table))) {
      const [name = "", policy = ""] = chain.slice(1).split(" ");
      if (ENGINE_CHAIN.test(chain)) await change(["-X", name]);
      // A chain of the kernel's own in a table that was not there yet; only these have a policy.
      const was = chains.find((other) => other.startsWith(`:${name} `))?.split(" ")[1] ?? "ACCEPT";
      if (policy !== "-" && policy !== was) await change(["-P", name, was]);
    }
  }
}

/** Reading a table that the kernel does not have yet creates it; one that was never there has no chains to save. */
async function save(tool: string, table: string): Promise<string[]> {
  const { stdout } = await run(`${tool}-save`, ["-t", table]);
  return stdout.split("\n");
}

function rulesOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith("-A "));
}

function chainsOf(lines: readonly string[]): string[] {
  return lines.filter((line) => line.startsWith(":")).map((line) => line.split(" ").slice(0, 2).join(" "));
}
