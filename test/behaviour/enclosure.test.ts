// @module-tag processes
import { execFileSync, spawn } from "node:child_process";
import { chownSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { chooseContainment } from "../../src/jobs/containment/containment.ts";
import { COMPILE_CACHE, type Deployment, deployment, deploymentAt, PROCESSES } from "../support/afk.ts";
import { tempDir } from "../support/temp.ts";

const MAIN = fileURLToPath(new URL("../../src/cli/main.ts", import.meta.url));
const CODE = fileURLToPath(new URL("../..", import.meta.url));
const NOBODY = 65_534;
const isRoot = process.getuid?.() === 0;
const { viewRefusal, networkRefusal } = await chooseContainment(process.env.PATH);

/** Each tries to read, write or uncover what is hidden; whatever it prints or leaves is looked through. $STATE is the state. */
const ATTACKS = [
  "cat $STATE/out/secret.txt; ls -laR $STATE",
  "cat afk.yaml .env",
  "cat /proc/self/root$STATE/out/secret.txt /proc/1/root$STATE/out/secret.txt /proc/$PPID/root$STATE/out/secret.txt",
  "for p in /proc/[0-9]*; do cat $p/cwd/out/secret.txt $p/cwd/state/out/secret.txt $p/environ; ls -l $p/fd; done",
  "for f in /proc/[0-9]*/fd/*; do cat $f/out/secret.txt $f/../out/secret.txt $f/../../out/secret.txt; done",
  "umount $STATE; umount -l $STATE; umount .env; cat $STATE/out/secret.txt .env",
  "unshare --user --map-root-user --mount sh -c 'umount $STATE; umount -l $STATE; umount .env; cat $STATE/out/secret.txt .env'",
  "unshare --user --map-root-user --mount sh -c 'mkdir -p m; mount --bind . m; cat m/state/out/secret.txt m/.env'",
  "unshare --user --map-root-user --mount sh -c 'mkdir -p m; mount --rbind / m; umount m$STATE; cat m$STATE/out/secret.txt'",
  "nsenter --target 1 --mount cat $STATE/out/secret.txt; nsenter --target $PPID --mount cat $STATE/out/secret.txt",
  "cd $STATE/..; mv state gone; cat gone/out/secret.txt; rm -rf state; mkdir state; echo > state/STOP; touch $STATE/STOP",
  "echo 'agent: mine' > afk.yaml; rm -f afk.yaml; mv afk.yaml other; ln afk.yaml linked; cat linked; : > .env; cp afk.yaml copied; cat copied",
  "echo new > new.yaml; mv -f new.yaml afk.yaml",
  "for d in /dev/[a-z]*; do [ -b $d ] && grep -a -m1 -o 'S3CRET-[a-z]*' $d; done",
  "mknod disk b 254 0; mknod disk b 8 0; grep -a -m1 -o 'S3CRET-[a-z]*' disk",
  "echo '|/bin/true' > /proc/sys/kernel/core_pattern; echo 1 > /proc/sys/kernel/sysrq",
  "mount -o remount,rw $STATE; touch $STATE/x; mount -t proc proc /proc",
  "cd ../../switch; touch STOP x; umount $PWD; touch y; cd ..; mv switch z; mkdir -p switch; touch switch/STOP",
];

/** Each tries to put code of its own where afk, or another job, runs it the next time. $CODE is afk's own folder. */
const REWRITES = [
  "echo evil >> run.sh; echo evil > run.sh; rm -f run.sh; mv run.sh x.sh; ln -sf /bin/true run.sh; sed -i s/a/evil/ run.sh",
  "echo evil > kinds/mine.js; mv kinds gone; rm -rf kinds; mkdir -p kinds; echo evil > kinds/mine.js",
  "echo evil > fix.md; mv -f said fix.md; cp afk.yaml fix.md",
  "touch $CODE/src/evil $CODE/node_modules/evil $CODE/bin/evil; echo evil >> $CODE/bin/evil",
  "umount run.sh; umount kinds/mine.js; mount -o remount,rw,bind run.sh; umount -l $PWD; umount -l $CODE/src; echo evil > run.sh",
  "unshare --user --map-root-user --mount sh -c 'umount -l run.sh; mount -o remount,rw,bind run.sh; echo evil > run.sh'",
  "d=$PWD; cd ..; mv $d $d.gone && mkdir $d && echo 'agent: evil' > $d/afk.yaml",
  // The folder above is the test's own too: were it moved, nobody else would miss it.
  "cd ../..; mv agents agents.gone && mkdir -p agents/one && echo 'agent: evil' > agents/one/afk.yaml",
];

interface Attacked {
  target: Deployment;
  /** All that the program printed. */
  said: string;
  /** Its fields, of the log. */
  started: Record<string, unknown> | undefined;
}

async function run(
  user: "root" | "nobody",
  job: object,
  files: Record<string, string> = {},
  { others = [], ...more }: { others?: object[] } & Record<string, unknown> = {},
): Promise<Attacked> {
  const folder = tempDir();
  const target = deploymentAt(join(folder, "agents", "one"));
  const config = {
    agent: "test-agent",
    budget: { daily_cap_usd: 0 },
    models: { chain: ["extractive"] },
    ...more,
    jobs: [
      { name: "work", kind: "exec", every: "1d", timeout: "1m", env_file: ".env.job", ...job },
      ...others,
    ],
  };
  target.configure(`${JSON.stringify(config)}\n# S3CRET-yaml\n`);
  mkdirSync(join(target.state, "out"), { recursive: true });
  mkdirSync(join(target.state, "work"));
  mkdirSync(join(folder, "switch"));
  const all = { ".env": "X=S3CRET-dotenv", ".env.job": "", "state/out/secret.txt": "S3CRET-state", ...files };
  for (const [name, content] of Object.entries(all)) target.write(name, content);
  if (user === "nobody") own(folder);
  const words = [process.execPath, MAIN, "tick"];
  const as = ["/usr/bin/setpriv", `--reuid=${NOBODY}`, `--regid=${NOBODY}`, "--clear-groups", "--"];
  const [file = "", ...rest] = user === "nobody" ? [...as, ...words] : words;
  const env = {
    PATH: process.env.PATH ?? "",
    HOME: target.dir,
    TZ: "UTC",
    SECRET: "S3CRET-environ",
    KILL_FLAG: join(folder, "switch", "STOP"),
    ...COMPILE_CACHE,
  };
  const child = spawn(file, rest, { cwd: target.dir, stdio: "ignore", env });
  await new Promise((resolve) => child.once("exit", resolve));
  const said = existsSync(join(target.dir, "said")) ? readFileSync(join(target.dir, "said"), "utf8") : "";
  return { target, said, started: target.logs().find(({ event }) => event === "exec_started") };
}

function own(path: string): void {
  chownSync(path, NOBODY, NOBODY);
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    if (entry.isDirectory()) own(join(path, entry.name));
    else chownSync(join(path, entry.name), NOBODY, NOBODY);
  }
}

/** The script in the folder, with the state's path; what it says goes into the file `said`. */
function attack(lines: readonly string[]): string[] {
  const script = lines.map((line) => `(${line}) </dev/null`).join("\n");
  return [
    "sh",
    "-c",
    `STATE=$PWD/state; CODE=${CODE}; export STATE CODE\n{\n${script}\necho finished\n} >said 2>&1`,
  ];
}

describe.skipIf(viewRefusal !== null).each(["root", "nobody"] as const)("a program of %s", (user) => {
  it.skipIf(!isRoot)(
    "reads and writes nothing of the state, afk.yaml or secrets, whatever it tries",
    PROCESSES,
    async () => {
      const before = "S3CRET-state";
      const { target, said, started } = await run(user, { command: attack(ATTACKS) });
      expect(started).toMatchObject({ containment: "namespace", network: "open", state: "hidden" });
      expect(said).toMatch(/finished/);
      expect(said.match(/S3CRET-[a-z]+/g)).toBeNull();
      expect(readFileSync(join(target.state, "out/secret.txt"), "utf8")).toBe(before);
      expect(readFileSync(target.configFile, "utf8")).toContain("S3CRET-yaml");
      expect(readFileSync(join(target.dir, ".env"), "utf8")).toContain("S3CRET-dotenv");
      expect(existsSync(join(target.state, "STOP"))).toBe(false);
      expect(readdirSync(join(target.dir, "../../switch"))).toEqual([]);
      expect(target.events()).toContain("job_done");
      for (const name of ["copied", "linked", "other"])
        if (existsSync(join(target.dir, name))) expect(readFileSync(join(target.dir, name), "utf8")).toBe("");
    },
  );

  it.skipIf(!isRoot)(
    "works beside afk.yaml, in the folder work of the state, and with its result file",
    PROCESSES,
    async () => {
      const script =
        'echo one > beside && echo two > state/work/within && echo \'{"units": 7}\' > "$AFK_RESULT"';
      const { target } = await run(user, { command: ["sh", "-c", script] });
      expect(readFileSync(join(target.dir, "beside"), "utf8")).toBe("one\n");
      expect(readFileSync(join(target.state, "work/within"), "utf8")).toBe("two\n");
      expect(target.query("select units from jobs")).toEqual([{ units: 7 }]);
    },
  );

  it.skipIf(!isRoot)(
    "puts nothing in the place of afk's code, of kinds or of what jobs run, whatever it tries",
    PROCESSES,
    async () => {
      for (const folder of ["src", "node_modules", "bin"])
        onTestFinished(() => rmSync(join(CODE, folder, "evil"), { force: true }));
      const files = {
        "run.sh": "exit 0\n",
        "fix.md": "Mend it.\n",
        "kinds/mine.js": 'exports.mine = { kind: "mine", settings: {}, run() {} };\n',
        "kinds/package.json": "{}",
        "repo/x": "",
      };
      const rest = {
        kinds: ["./kinds/mine.js"],
        others: [
          { name: "script", kind: "exec", command: ["sh", "run.sh"] },
          {
            name: "fix",
            kind: "agent",

            command: ["true"],
            prompt_file: "fix.md",
            repo: "./repo",
          },
        ],
      };
      const { target, said } = await run(user, { command: attack(REWRITES) }, files, rest);
      expect(said).toMatch(/finished/);
      expect(target.events()).toContain("job_done");
      for (const name of ["run.sh", "fix.md", "kinds/mine.js"] as const)
        expect(readFileSync(join(target.dir, name), "utf8")).toBe(files[name]);
      expect(readFileSync(target.configFile, "utf8")).toContain("S3CRET-yaml");
      for (const moved of [`${target.dir}.gone`, join(target.dir, "..", "..", "agents.gone")])
        expect(existsSync(moved)).toBe(false);
      for (const folder of ["src", "node_modules", "bin"])
        expect(existsSync(join(CODE, folder, "evil"))).toBe(false);
      // What lies beside them is the program's, as it is outside.
      expect(readFileSync(join(target.dir, "said"), "utf8")).toBe(said);
    },
  );

  it.skipIf(!isRoot)("sees all of it with state: visible", PROCESSES, async () => {
    const { said, started } = await run(user, {
      command: attack(["cat $STATE/out/secret.txt"]),
      state: "visible",
    });
    expect(said).toContain("S3CRET-state");
    expect(started).toMatchObject({ state: "visible" });
  });

  it.skipIf(!isRoot)("that lies in the state is not started, and told where to go", PROCESSES, async () => {
    const { target } = await run(
      user,
      { command: ["./run.sh"], cwd: "state" },
      { "state/run.sh": "#!/bin/sh\n" },
    );
    const [job] = target.query<{ error: string }>("select error from jobs");
    expect(job?.error).toMatch(/state is hidden from programs of jobs; move it out of the state/);
  });

  it.skipIf(!isRoot || networkRefusal !== null)(
    "reaches no socket by its path in a network of its own",
    PROCESSES,
    async () => {
      const server = createServer((socket) => socket.end("S3CRET-socket"));
      const folder = deployment().dir;
      const path = join(folder, "service.sock");
      await new Promise<void>((resolve) => server.listen(path, resolve));
      onTestFinished(() => void server.close());
      const client = `import { connect } from "node:net";
for (const path of process.argv.slice(2)) {
  const socket = connect({ path }).on("error", (e) => console.log(e.code)).on("data", (d) => console.log(String(d)));
  await new Promise((done) => socket.once("close", done));
}`;
      writeFileSync("/run/afk-test-marker", "S3CRET-run");
      onTestFinished(() => rmSync("/run/afk-test-marker"));
      const lines = [
        `${process.execPath} client.mjs ${path} /run/afk-test.sock`,
        "cat /run/afk-test-marker; ls /run",
      ];
      const { said, started } = await run(
        user,
        { command: attack(lines), network: "allowlist", allow: ["example.org"] },
        { "client.mjs": client },
      );
      expect(started).toMatchObject({ network: "own" });
      expect(said).toMatch(/finished/);
      expect(said).toMatch(/ECONNREFUSED|ENOTSOCK|EACCES/);
      expect(said.match(/S3CRET-[a-z]+/g)).toBeNull();
    },
  );

  it.skipIf(!isRoot || networkRefusal !== null)(
    "reaches the hosts of its list through the proxy, by curl, Node and git, and no other",
    PROCESSES,
    async () => {
      const bare = join(deployment().dir, "bare.git");
      execFileSync("git", ["init", "--quiet", "--bare", bare]);
      execFileSync("git", ["-C", bare, "update-server-info"]);
      const server = createHttpServer((request, response) => {
        const file = join(bare, (request.url ?? "").replace(/^\/bare\.git|\?.*$/g, ""));
        if (request.url === "/hello") response.end("hello from the site\n");
        else if (existsSync(file)) response.end(readFileSync(file));
        else response.writeHead(404).end();
      });
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void server.close());
      const port = (server.address() as AddressInfo).port;
      // A name that is this machine, and that NO_PROXY does not take for it.
      const at = `127.0.0.2:${port}`;
      const other = createHttpServer((_request, response) => response.end("S3CRET-other"));
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void other.close());
      const otherPort = (other.address() as AddressInfo).port;
      const twin = createHttpServer((request, response) => server.emit("request", request, response));
      await new Promise<void>((resolve) => twin.listen(port, "127.0.0.2", resolve));
      onTestFinished(() => void twin.close());
      const node = `fetch(process.argv[1]).then((r) => r.text()).then((t) => console.log("node " + t), (e) => console.log("node " + e))`;
      const { said, target } = await run(
        user,
        {
          command: attack([
            `curl -sS http://${at}/hello`,
            `${process.execPath} -e '${node}' http://${at}/hello`,
            `git ls-remote http://${at}/bare.git && echo git is well`,
            `curl -sS --noproxy '*' -m 5 http://${at}/hello`,
            `curl -sS -m 5 http://127.0.0.2:${otherPort}/; curl -sS -m 5 http://127.0.0.1:${otherPort}/`,
            "curl -sS -m 5 https://example.org/; curl -sS -m 5 http://169.254.169.254/",
          ]),
          network: "allowlist",
          allow: [at],
        },
        {},
        { egress: { allow: ["127.0.0.2"], allow_private: ["127.0.0.2"] } },
      );
      expect(said).toMatch(/^hello from the site\nnode hello from the site\n/);
      expect(said).toMatch(/git is well/);
      expect(said.match(/hello from the site/g)).toHaveLength(2);
      expect(said.match(/S3CRET-[a-z]+/g)).toBeNull();
      const refused = target.logs().filter(({ event }) => event === "network_refused");
      expect(refused.map(({ host }) => host)).toEqual([
        `127.0.0.2:${otherPort}`,
        "example.org:443",
        "169.254.169.254:80",
      ]);
      const [done] = target.logs().filter(({ event }) => event === "job_done");
      expect(done?.summary).toMatch(/refused: 127\.0\.0\.2:\d+, example\.org:443 and 1 more$/);
    },
  );
});
