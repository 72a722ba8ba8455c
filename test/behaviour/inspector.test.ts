import { expect, it } from "vitest";
import { afk } from "../cli/commands/in-process.ts";
import { deployment, digestConfig, ollama, PROCESSES } from "../support/afk.ts";

it("opens no inspector on SIGUSR1, and goes on working", PROCESSES, async () => {
  const server = await ollama();
  const target = deployment(
    digestConfig(server.url, { rest: { jobs: [{ name: "a", kind: "exec", command: ["true"] }] } }),
  );
  const running = target.start(["run"]);
  await running.logged("tick_finished");
  running.kill("SIGUSR1");
  // What it does next is behind the signal.
  expect(await afk(target, "enqueue", "a")).toMatchObject({ code: 0 });
  await running.logged("job_done");
  running.kill("SIGTERM");
  expect(await running.ended).toMatchObject({ code: 0, signal: null, stderr: "" });
});
