import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Block, type Command, readRunbook } from "../runbook/document.ts";
import { fillIn } from "../runbook/placeholders.ts";
import { say } from "../support/engine/command.ts";
import { type Host, startHost } from "./runbook/host.ts";
import { eventually } from "./systemd/eventually.ts";

/**
 * RUNBOOK.md, done: every block and every command within a sentence, by a person at a host that has nothing of afk yet.
 * Installed first, then in the document's order; what stands in sentences and tables before all is uninstalled.
 */
const runbook = readRunbook();
const blocks = runbook.blocks.filter((block) => block.notRun === null);
const sections = [...new Set(blocks.map((block) => block.section))];
const FIRST = "Install";
const LAST = "Uninstall";
/** They end what runs: something must be at work, and nothing may be left. */
const STOPS = ["Stop", "When nothing else works"];

describe("on a host", () => {
  let host: Host;
  beforeAll(async () => {
    host = await startHost();
  });
  afterAll(() => host?.stop());

  it(FIRST, () => doSection(FIRST));

  it.each(sections.filter((section) => section !== FIRST && section !== LAST))("%s", (section) =>
    doSection(section),
  );

  it("what stands in sentences and tables", async () => {
    const done = new Set(blocks.flatMap((block) => block.commands.map(({ text }) => text)));
    for (const command of runbook.inline) {
      if (/^(?:docker compose|npx)/.test(command.text) || done.has(command.text)) continue;
      if (Object.hasOwn(NOT_HERE, command.text)) {
        say(`  not run: RUNBOOK.md:${command.line}: ${command.text}: ${NOT_HERE[command.text]}`);
        continue;
      }
      done.add(command.text);
      await doCommand(command);
      if (command.text === "sudo afk stop") await host.ok("afk resume");
    }
  });

  it(LAST, async () => {
    await doSection(LAST);
    const left =
      "ls -d /etc/afk /var/lib/afk /usr/local/bin/afk /usr/local/lib/afk /etc/systemd/system/afk* 2>/dev/null; true";
    expect(await host.ok(left)).toBe("");
    expect(await host.ok("docker ps -q")).toBe("");
  });

  async function doSection(section: string): Promise<void> {
    for (const [index, block] of blocks.filter((one) => one.section === section).entries())
      await doBlock(block, index);
  }

  async function doBlock(block: Block, index: number): Promise<void> {
    const isStop = STOPS.includes(block.section);
    if (isStop) await host.atWork(block.commands.some(({ text }) => text.includes("afk-loop")));
    // The new host has the two files, and nothing else.
    if (block.section.startsWith("Move") && index === 1)
      await host.ok("cd /root && ./systemd/install --uninstall --purge");
    const start = Date.now();
    for (const command of block.commands) await doCommand(command);
    if (!isStop) return;
    await eventually(`nothing is left after ${block.commands[0]?.text}`, host.isNothingLeft);
    say(
      `  ${block.commands.map(({ text }) => text).join("; ")}: nothing left after ${Date.now() - start} ms`,
    );
    await host.atRest();
  }

  async function doCommand(command: Command): Promise<void> {
    const { text, line, comment } = command;
    const filled = await fillIn(text, host.scene);
    const { code, stdout, stderr } = await host.person(filled, comment);
    const said = `RUNBOOK.md:${line}: ${filled} ended with ${code}:\n${stdout}${stderr}`;
    expect([...command.codes, ...(CODES[text] ?? [])], said).toContain(code);
    await expected(filled, comment, stdout);
  }

  /** What must be so after a command. */
  async function expected(text: string, comment: string, stdout: string): Promise<void> {
    if (text.startsWith("sudo afk stop") || /^sudo afk restore \S+$/.test(text))
      expect(await host.isStopped()).toBe(true);
    if (text === "sudo afk restore /root/moving.db") expect(await host.scene.ask(["jobs"])).not.toEqual([]);
    if (text === "sudo afk resume") expect(await host.isStopped()).toBe(false);
    if (text === "sudo afk alert test") expect(await host.events()).toContain("alert_test");
    if (comment === "shows the new cap") expect(stdout).toContain("$0.25");
    if (comment === "without DAILY_CAP_USD") expect(await host.dayCap()).toBe(2);
    if (comment === "600 root") expect(stdout.trim()).toBe(comment);
    if (/^sudo afk drafts approve \S+$/.test(text)) expect(await host.received("/draft")).toBe(1);
    if (text === "sudo afk tick --now digest") await eventually("a digest is there", host.hasDigest);
    if (text === "sudo systemctl start afk.timer" || text === "sudo systemctl enable --now afk.timer")
      await eventually("a tick is made", host.hasTicked);
  }
});

/** What a stand-in of a VM, which is a container, cannot do. */
const NOT_HERE: Record<string, string> = {
  timedatectl: "a container has no clock of its own",
};

/** Exit codes that are answers: systemctl's of a unit that does not run, and of one that has not failed. */
const CODES: Record<string, readonly number[]> = {
  "sudo systemctl reset-failed afk-loop.service": [1],
  "systemctl status afk-ollama.service": [3],
};
