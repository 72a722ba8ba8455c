import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { shellProblem, startProblem } from "../../../src/jobs/programs/command-advice.ts";
import { tempDir } from "../../support/temp.ts";

describe("a command that counts on a shell", () => {
  it.each([
    [["cd /tmp && ls"], 0],
    [["cd", "/tmp", "&&", "ls"], 2],
    [["df", "-h", "|", "head"], 2],
    [["date", ">", "now.txt"], 1],
    [["make", "2>&1"], 1],
    [["ls", "$HOME"], 1],
    [["ls", "$HOME/inbox"], 1],
    [["echo $HOME"], 0],
  ])("%j is told that there is none, and how to write it", (command, index) => {
    expect(shellProblem(command)).toEqual({
      index,
      found: expect.stringContaining("there is no shell"),
      mend: `write [sh, -c, ${JSON.stringify(command.join(" "))}]`,
    });
  });

  it.each([
    [["sh", "-c", "cd /tmp && ls | head > $HOME/x"]],
    [["/bin/bash", "-c", "a", "&&"]],
    [["expr", "1", ">", "2"]],
    [["jq", ".a | .b"]],
    [["/opt/My App/run", "--all"]],
    [["find", ".", "-exec", "rm", "{}", ";"]],
    [["awk", "$NF > 1"]],
    [["claude", "-p", "Say what a && b means, and what $x costs."]],
  ])("%j is left as it is", (command) => {
    expect(shellProblem(command)).toBeNull();
  });
});

describe("a command that cannot start", () => {
  it.each([
    ["open.sh is in PATH", ["open.sh"], null],
    ["a file may be executed", ["./open.sh"], null],
    ["a file may not", ["./closed.sh"], /closed\.sh may not be executed.*chmod \+x .*closed\.sh/],
    ["a file of PATH may not", ["closed.sh"], /may not be executed.*chmod \+x/],
    ["its interpreter is missing", ["./odd.sh"], /first line of .*odd\.sh names "\/no\/such\/python3"/],
    ["it was written on Windows", ["./windows.sh"], /names "\/bin\/sh\\r", which is not there/],
    ["it is a folder", ["./folder"], /is a folder/],
    ["it is nowhere", ["afk-no-such-program"], /in no folder of PATH.*install it/],
    ["its path leads nowhere", ["./nothing"], /nothing is not there; make it, or mend/],
    ["it is written in one piece", ["python3 run.py --all"], /apart: \[python3, run\.py, --all\]/],
    ["it is a line for a shell", ["ls | head"], /there is no shell; write \[sh, -c/],
  ])("says so where %s", (_what, command, pattern) => {
    const dir = tempDir();
    const write = (name: string, text: string, mode: number) => {
      writeFileSync(join(dir, name), text);
      chmodSync(join(dir, name), mode);
    };
    mkdirSync(join(dir, "folder"));
    write("closed.sh", "#!/bin/sh\n", 0o644);
    write("open.sh", "#!/bin/sh\n", 0o755);
    write("odd.sh", "#!/no/such/python3\nprint()\n", 0o755);
    write("windows.sh", "#!/bin/sh\r\necho\r\n", 0o755);
    const problem = startProblem(command, dir, `/no/such/folder:${dir}`);
    if (pattern === null) expect(problem).toBeNull();
    else expect(`${problem?.found}; ${problem?.mend}`).toMatch(pattern);
  });
});
