import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readAgentConfig } from "../src/agent.ts";

interface Service {
  [key: string]: unknown;
  networks: string[];
  environment: Record<string, string | null>;
  volumes: string[];
}

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), "utf8");
const parsed = (name: string): { services: Record<string, Service>; networks: Record<string, unknown> } =>
  parse(read(name), { merge: true });
const fleet = parsed("compose.fleet.yaml");
const single = parsed("compose.yaml");
const services = Object.entries(fleet.services);
const { database, "worker-1": one, "worker-2": two, gateway } = fleet.services;

describe.each(services)("the service %s of a fleet", (name, service) => {
  test("can change nothing but its volumes, has no rights to win, and is bounded", () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      init: true,
      logging: { driver: "json-file", options: { "max-size": "10m", "max-file": "3" } },
    });
    for (const key of ["privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"])
      expect(service).not.toHaveProperty(key);
    expect(service.mem_limit).toBeDefined();
    expect(service.memswap_limit).toBe(service.mem_limit);
    expect(service.pids_limit).toBeGreaterThan(0);
    // PostgreSQL ends in order, which takes longer than afk does.
    expect(service.stop_grace_period).toBe(name === "database" ? "60s" : "10s");
  });

  test("is started again after an end that is not 0, so also while the database is away, and not after a stop", () => {
    // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in.
    expect(service.restart).toBe("${AFK_RESTART:-on-failure}");
  });

  test("cannot be reached from another machine", () => {
    if (name === "gateway" || name === "page")
      expect(service.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:.+:423[56]$/)]);
    else expect(service).not.toHaveProperty("ports");
    expect(service).not.toHaveProperty("expose");
  });

  test("has a state of its own or a worker's, and nobody has the database's files but the database", () => {
    const states = service.volumes
      .filter((volume) => /^[a-z]/.test(volume))
      .map((volume) => volume.split(":")[0]);
    const own = ["database", "worker-2"].includes(name) ? name : "worker-1";
    expect(states).toEqual([own]);
  });
});

test("the database reaches nothing, and only what runs afk reaches it", () => {
  expect(fleet.networks.database).toEqual({ internal: true });
  expect(database?.networks).toEqual(["database"]);
  for (const [name, { networks }] of services) {
    const more = { database: [], page: ["page"] }[name] ?? ["egress"];
    expect(networks, name).toEqual(["database", ...more]);
  }
});

test("its password has no default, and everything waits until it answers", () => {
  const url = one?.environment.DATABASE_URL;
  expect(database?.environment.POSTGRES_PASSWORD).toMatch(/^\$\{POSTGRES_PASSWORD:\?.+\}$/);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: compose fills it in.
  expect(url).toBe("postgres://afk:${POSTGRES_PASSWORD}@database:5432/afk");
  for (const [name, service] of services.filter(([name]) => name !== "database")) {
    expect(service.depends_on, name).toEqual({ database: { condition: "service_healthy" } });
    expect(service.environment.DATABASE_URL, name).toBe(url);
  }
});

test("a worker is what compose.yaml runs, but for the database, the model and its own state", () => {
  const { volumes, networks, environment, depends_on, ...same } = one ?? ({} as Partial<Service>);
  const expected: Partial<Service> = { ...single.services.worker };
  for (const key of ["volumes", "networks", "environment"]) delete expected[key];
  expect(same).toEqual(expected);
  const { DATABASE_URL: _, ...settings } = environment ?? {};
  const { OLLAMA_MODEL: __, ...others } = single.services.worker?.environment ?? {};
  expect(settings).toEqual(others);
  expect({ ...two, volumes: null }).toEqual({ ...one, volumes: null });
  expect(gateway?.command).toEqual(["gateway", "--listen", "0.0.0.0:4236", "--behind-proxy"]);
  for (const name of ["watchdog", "backup"])
    expect(fleet.services[name]?.entrypoint).toEqual(single.services[name]?.entrypoint);
});

test("the configuration that ships with it is accepted, costs nothing and fetches nothing", () => {
  const config = fileURLToPath(new URL("../examples/fleet/afk.yaml", import.meta.url));
  expect(readAgentConfig({ config, environment: {} })).toMatchObject({
    agent: "fleet",
    egress: { allow: [] },
    models: { chain: ["extractive"] },
  });
});
