// @module-tag processes
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { AfkError } from "../../../src/lib/errors.ts";
import { harness } from "../containment/harness.ts";

afterEach(() => vi.unstubAllEnvs());

const sh = (script: string) => ["sh", "-c", script];

/** What a failed run threw. */
async function failure(running: Promise<unknown>): Promise<AfkError> {
  const error = await running.then(
    () => new Error("it did not fail"),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(AfkError);
  return error as AfkError;
}

describe("a command that ends well", () => {
  test("is done, worth its units, and publishes nothing unless told to", async () => {
    const at = harness();
    const result = await at.run(sh("echo out; echo err >&2"), { settings: { units: 3 } });
    expect(result.units).toBe(3);
    expect(result.summary).toMatch(/^exit 0 after [\d.]+ s, 4 bytes of output$/);
    expect(at.last().files).toEqual(new Map());
    expect(JSON.parse(at.last().memory.steps.get("run")!)).toMatchObject({
      code: 0,
      signal: null,
      stdout: "out\n",
      stderr: "err\n",
      truncated: false,
    });
  });

  test("publishes its standard output under the job's name and period", async () => {
    const at = harness();
    await at.run(sh("printf 'grüße\\n'; echo noise >&2"), { settings: { publish: true } });
    expect(at.last().files).toEqual(new Map([["work-2026-11-21.txt", "grüße\n"]]));
  });

  test("has its output in the record alone: the log tells sizes", async () => {
    const at = harness();
    await at.run(sh("echo a secret; echo another >&2"));
    expect(at.last().events).toMatchObject([
      { event: "exec_started", fields: { containment: "namespace" } },
      {
        event: "exec_ended",
        fields: { code: 0, containment: "namespace", stdoutBytes: 9, stderrBytes: 8, leftBehind: 0 },
      },
    ]);
    expect(JSON.stringify(at.last().events)).not.toMatch(/secret|another/);
  });

  test("gets the payload as JSON on its standard input, which then ends", async () => {
    const at = harness();
    await at.run(["cat"], { payload: { n: [1, "ü"] }, settings: { publish: true } });
    expect([...at.last().files.values()]).toEqual(['{"n":[1,"ü"]}']);
  });

  test("may leave a large input unread", async () => {
    const at = harness();
    await expect(at.run(["true"], { payload: "x".repeat(2_000_000) })).resolves.toMatchObject({ units: 1 });
  });

  test("is not run again after a crash that came before the job was done", async () => {
    const at = harness();
    await at.run(sh("echo once >> runs; echo out"), { settings: { publish: true } });
    await at.run(sh("echo once >> runs; echo out"), {
      settings: { publish: true },
      memory: at.last().memory,
    });
    expect(at.read("runs")).toBe("once\n");
    expect([...at.last().files.values()]).toEqual(["out\n"]);
  });

  test("starts in the folder that cwd names, below that of afk.yaml", async () => {
    const at = harness();
    await at.run(sh("mkdir sub"));
    await at.run(["pwd"], { settings: { cwd: "sub", publish: true } });
    expect([...at.last().files.values()]).toEqual([`${join(at.dir, "sub")}\n`]);
  });
});

describe("the environment", () => {
  test("holds what programs expect, what the job sets, and nothing else of afk's own", async () => {
    for (const name of ["LANG", "LC_ALL", "TZ", "TMPDIR"]) vi.stubEnv(name, undefined);
    vi.stubEnv("PATH", "/usr/bin:/bin");
    vi.stubEnv("HOME", "/home/somebody");
    vi.stubEnv("TZ", "Europe/Berlin");
    vi.stubEnv("OPENAI_API_KEY", "sk-secret");
    vi.stubEnv("NODE_OPTIONS", "");
    const at = harness();
    await at.run(["env"], { settings: { publish: true, env: { GREETING: "two words", TZ: "UTC" } } });
    const lines = [...at.last().files.values()].join("").trim().split("\n").sort();
    expect(lines).toEqual([
      expect.stringMatching(/^AFK_EXEC=[0-9a-z]{26}$/),
      "AFK_JOB=work",
      "AFK_PERIOD=2026-11-21",
      expect.stringMatching(/^AFK_RESULT=\/.+\/result\.json$/),
      "GREETING=two words",
      "HOME=/home/somebody",
      "PATH=/usr/bin:/bin",
      "TZ=UTC",
    ]);
  });

  test("of the job does not reach the supervisor", async () => {
    const at = harness();
    await at.run(sh("echo $NODE_OPTIONS"), {
      settings: { publish: true, env: { NODE_OPTIONS: "--no-such-option" } },
    });
    expect([...at.last().files.values()]).toEqual(["--no-such-option\n"]);
  });

  test("carries the mark of an outer command in front of its own", async () => {
    vi.stubEnv("AFK_EXEC", "0123456789abcdefghjkmnpqrs");
    const at = harness();
    await at.run(sh("echo $AFK_EXEC"), { settings: { publish: true } });
    expect([...at.last().files.values()].join("")).toMatch(/^0123456789abcdefghjkmnpqrs\/[0-9a-z]{26}\n$/);
  });
});

test("the command gets no open file of afk's but its three streams", async () => {
  const at = harness();
  const script =
    'for (const fd of require("fs").readdirSync("/proc/self/fd")) { const target = (() => { try { return require("fs").readlinkSync("/proc/self/fd/" + fd) } catch { return "" } })(); if (target.startsWith("socket:")) console.log(fd) }';
  await at.run([process.execPath, "-e", script], { settings: { publish: true } });
  expect([...at.last().files.values()]).toEqual(["0\n1\n2\n"]);
});

describe("output beyond its bound", () => {
  test("is read to the end and dropped: the first of it is kept", async () => {
    const at = harness();
    const script = "head -c 3000000 /dev/zero | tr '\\0' x; echo end";
    const result = await at.run(sh(script), { settings: { max_output_kb: 2, publish: true } });
    expect([...at.last().files.values()]).toEqual(["x".repeat(2048)]);
    expect(result.summary).toMatch(/2048 bytes of output \(cut\)$/);
    expect(at.ended()).toMatchObject({ stdoutBytes: 3_000_004, truncated: true });
  });

  test("takes no memory, however much it is", async () => {
    const at = harness();
    const before = process.memoryUsage.rss();
    await at.run(sh("head -c 400000000 /dev/zero"));
    expect(at.ended()).toMatchObject({ stdoutBytes: 400_000_000 });
    // Most of it is what the collector has not taken back yet; all of the output would be twice that.
    expect(process.memoryUsage.rss() - before).toBeLessThan(200_000_000);
  });

  test("of bytes that are no text still fits a step", async () => {
    const at = harness();
    await at.run(sh("head -c 1048576 /dev/zero; head -c 1048576 /dev/zero >&2"), {
      settings: { max_output_kb: 1024 },
    });
    expect(Buffer.byteLength(at.last().memory.steps.get("run")!)).toBeLessThan(4 * 1024 * 1024);
  });
});

describe("a command that fails", () => {
  test("is tried later, told of with its code and its last words, and not recorded", async () => {
    const at = harness();
    const running = at.run(
      sh("echo out; echo first >&2; printf '\\033[31mthe reason\\033[0m\\n' >&2; exit 3"),
    );
    const error = await failure(running);
    expect(error).toMatchObject({ code: "exec_failed", retry: "later", exitCode: 1 });
    expect(error.message).toBe("job work: sh exited with 3: first the reason");
    expect(at.last().memory.steps.size).toBe(0);

    await at.run(sh("exit 0"), { memory: at.last().memory });
    expect(at.last().memory.steps.size).toBe(1);
  });

  test("has at most 500 characters of last words, the last ones", async () => {
    const at = harness();
    const error = await failure(
      at.run(sh("head -c 100000 /dev/zero | tr '\\0' x >&2; echo END >&2; exit 1")),
    );
    expect(error.message).toMatch(/: x{497}END$/);
    expect(error.message.length).toBeLessThan(560);
  });

  test("is told of by its signal when one ended it", async () => {
    const error = await failure(harness().run(sh("kill -KILL $$")));
    expect(error).toMatchObject({ code: "exec_failed", retry: "later" });
    expect(error.message).toBe("job work: sh was ended by SIGKILL");
  });
});

describe("what cannot be started is not tried again", () => {
  test.each([
    ["a program that is not there", ["afk-no-such-program"], "ENOENT"],
    ["a file that is not executable", ["./notes.txt"], "EACCES"],
    ["a folder", ["./sub"], "EACCES"],
  ])("%s", async (_name, command, code) => {
    const at = harness();
    writeFileSync(join(at.dir, "notes.txt"), "text");
    chmodSync(join(at.dir, "notes.txt"), 0o644);
    await at.run(sh("mkdir sub"));
    const error = await failure(at.run(command));
    expect(error).toMatchObject({ code: "exec_unstarted", retry: "never" });
    expect(error.message).toContain(`${command[0]} could not be started (${code})`);
    expect(at.last().memory.steps.size).toBe(0);
  });

  test.each(["nowhere", "file"])("a command whose cwd is no folder: %s", async (cwd) => {
    const at = harness();
    writeFileSync(join(at.dir, "file"), "");
    const error = await failure(at.run(["true"], { settings: { cwd } }));
    expect(error).toMatchObject({ code: "exec_no_folder", retry: "never" });
    expect(error.message).toContain(join(at.dir, cwd));
  });
});
