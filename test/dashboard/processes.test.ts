// @module-tag processes
import { spawn } from "node:child_process";
import { readdirSync } from "node:fs";
import { get } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  type Deployment,
  deployment,
  digestConfig,
  fillInbox,
  PROCESSES,
  type Running,
} from "../support/afk.ts";
import { textOf } from "./site.ts";

/** A digest of files that needs no model, whose page takes any free port unless told otherwise. */
function agent(dashboard: Record<string, unknown> = { port: 0 }): Deployment {
  const target = deployment({
    ...digestConfig("http://127.0.0.1:9", { models: { chain: ["extractive"] } }),
    dashboard,
  });
  fillInbox(target, 2);
  return target;
}

function ask(url: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.once("end", () => resolve({ status: response.statusCode ?? 0, body }));
    }).once("error", reject);
  });
}

async function servedBy(target: Deployment, running: Running): Promise<string> {
  await running.logged("dashboard_started");
  return String(target.logs().find((line) => line.event === "dashboard_started")?.url);
}

describe("afk run", () => {
  test(
    "serves the page while it works, shows the ticks that it runs, and takes it along when it ends",
    async () => {
      const target = agent();
      const running = target.start(["run"], { TICK_SECONDS: "1" });
      const url = await servedBy(target, running);
      await running.logged("tick_finished");
      const page = await ask(url);
      expect(page.status).toBe(200);
      expect(textOf(page.body)).toContain("Latest digest");
      expect(textOf(page.body)).toContain("Title of item-01");
      expect(await ask(`${url}healthz`)).toEqual({
        status: 200,
        body: '{"isHealthy":true,"verdict":"well","problems":[],"findings":[]}\n',
      });
      expect((await ask(`${url}metrics`)).body).toContain('afk_ticks_total{outcome="ok"} 1');
      running.kill("SIGTERM");
      expect((await running.ended).code).toBe(0);
      await expect(ask(url)).rejects.toThrow("ECONNREFUSED");
    },
    PROCESSES.timeout,
  );

  test(
    "answers all who come at the same time",
    async () => {
      const target = agent();
      const running = target.start(["run"]);
      const url = await servedBy(target, running);
      await running.logged("tick_finished");
      const answers = await Promise.all(Array.from({ length: 12 }, () => ask(`${url}healthz`)));
      expect(answers.map(({ status }) => status)).toEqual(Array(12).fill(200));
      expect(await ask(`${url}healthz`)).toMatchObject({ status: 200 });
      running.kill("SIGTERM");
      expect((await running.ended).code).toBe(0);
    },
    PROCESSES.timeout,
  );

  test(
    "works on when the port is taken, and says so",
    async () => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void taken.close());
      const target = agent({ port: (taken.address() as AddressInfo).port });
      const running = target.start(["run"]);
      await running.logged("dashboard_unavailable");
      await running.logged("tick_finished");
      expect(Object.keys(target.outputs())).toHaveLength(2);
      running.kill("SIGTERM");
      expect((await running.ended).code).toBe(0);
    },
    PROCESSES.timeout,
  );

  test(
    "serves nothing when told so",
    async () => {
      const target = agent({ enabled: false });
      const running = target.start(["run"]);
      await running.logged("tick_finished");
      running.kill("SIGTERM");
      await running.ended;
      expect(target.events().filter((event) => event.startsWith("dashboard"))).toEqual([]);
    },
    PROCESSES.timeout,
  );
});

describe("whoever looks", () => {
  test(
    "does not keep a process alive whose work hangs: the wedge guard ends it, however many ask for the page",
    async () => {
      const target = deployment({
        agent: "wedged",
        budget: { daily_cap_usd: 0 },
        models: { chain: ["extractive"] },
        dashboard: { port: 0 },
        jobs: [{ name: "hang", kind: "hang" }],
      });
      const script = fileURLToPath(new URL("./wedged-child.ts", import.meta.url));
      // A group of its own: the guard ends the whole group.
      const child = spawn(process.execPath, [script, target.configFile, target.state], {
        stdio: ["ignore", "pipe", "inherit"],
        detached: true,
      });
      onTestFinished(() => void child.kill("SIGKILL"));
      const ended = new Promise<NodeJS.Signals | null>((resolve) =>
        child.once("close", (_code, by) => resolve(by)),
      );
      let written = "";
      const url = await new Promise<string>((resolve, reject) => {
        child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
          written += chunk;
          const found = /"dashboard_started","url":"([^"]+)".*\nhanging\n/s.exec(written)?.[1];
          if (found !== undefined) resolve(found);
        });
        void ended.then(() => reject(new Error(written)));
      });
      let isOver = false;
      void ended.then(() => {
        isOver = true;
      });
      const crowd = Array.from({ length: 8 }, async () => {
        while (!isOver) await ask(url).catch(() => null);
      });
      expect(await ended).toBe("SIGKILL");
      await Promise.all(crowd);
      expect(target.events()).toContain("wedged");
    },
    PROCESSES.timeout,
  );

  test(
    "holds up neither the work nor its end, however many they are",
    async () => {
      const target = agent();
      const running = target.start(["run"], { TICK_SECONDS: "1" });
      const url = await servedBy(target, running);
      let isOver = false;
      void running.ended.then(() => {
        isOver = true;
      });
      const crowd = Array.from({ length: 40 }, async () => {
        while (!isOver) await ask(url).catch(() => null);
      });
      await running.printed(/(?:"event":"tick_finished".*){3}/s);
      target.write("state/STOP", "");
      expect((await running.ended).code).toBe(0);
      await Promise.all(crowd);
      expect(target.events()).not.toContain("wedged");
      // Whoever closes the database last tidies up, and that was not a reader.
      expect(readdirSync(target.state).filter((name) => name.startsWith("afk.db-"))).toEqual([]);
    },
    PROCESSES.timeout,
  );
});

describe("afk dashboard", () => {
  test(
    "serves the page of a state that nobody works on, and holds nobody up",
    async () => {
      const target = agent();
      const running = target.start(["dashboard", "--json"]);
      const url = /"url": "([^"]+)"/.exec(await running.printed(/"url": ".*"/))?.[1] ?? "";
      expect(textOf((await ask(url)).body)).toContain("Has not run yet");
      expect((await target.afk(["tick"])).code).toBe(0);
      expect(textOf((await ask(url)).body)).toContain("All is well");
      running.kill("SIGTERM");
      expect((await running.ended).code).toBe(0);
    },
    PROCESSES.timeout,
  );

  test(
    "says what is wrong when it cannot listen, and refuses to be open to others without a token",
    async () => {
      const taken = createServer();
      await new Promise<void>((resolve) => taken.listen(0, "127.0.0.1", resolve));
      onTestFinished(() => void taken.close());
      const { port } = taken.address() as AddressInfo;
      const busy = await agent().afk(["dashboard", "--port", String(port)]);
      expect(busy).toMatchObject({ code: 1, stdout: "" });
      expect(busy.stderr).toContain(`port ${port}`);
      const open = await agent({ bind: "0.0.0.0" }).afk(["dashboard"]);
      expect(open).toMatchObject({ code: 78, stdout: "" });
      expect(open.stderr).toContain("DASHBOARD_TOKEN");
    },
    PROCESSES.timeout,
  );

  test(
    "listens at every address of a container only where it is said that something keeps others out",
    async () => {
      const target = agent();
      const open = await target.afk(["dashboard", "--listen", "0.0.0.0:0"]);
      expect(open).toMatchObject({ code: 2, stdout: "" });
      expect(open.stderr).toContain("--behind-proxy");
      const running = target.start(["dashboard", "--json", "--listen", "0.0.0.0:0", "--behind-proxy"]);
      const url = /"url": "([^"]+)"/.exec(await running.printed(/"url": ".*"/))?.[1] ?? "";
      expect((await ask(url.replace("0.0.0.0", "127.0.0.1"))).status).toBe(200);
      running.kill("SIGTERM");
      expect((await running.ended).code).toBe(0);
    },
    PROCESSES.timeout,
  );
});
