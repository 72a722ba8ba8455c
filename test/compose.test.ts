import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parse } from "yaml";
import { readAgentConfig } from "../src/agent.ts";

interface Service {
  [key: string]: unknown;
  image: string;
  networks: string[];
  environment: Record<string, string | null>;
  volumes: string[];
}

const read = (name: string) => readFileSync(fileURLToPath(new URL(`../${name}`, import.meta.url)), "utf8");
const text = read("compose.yaml");
const compose: {
  services: Record<string, Service>;
  networks: Record<string, { internal?: boolean } | null>;
} = parse(text, { merge: true });
const services = Object.entries(compose.services);
const { worker, gateway, ollama, "ollama-pull": pull } = compose.services;

describe.each(services)("the service %s", (name, service) => {
  test("can change nothing but its volumes, and has no rights to win", () => {
    expect(service).toMatchObject({
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      init: true,
    });
    for (const key of ["privileged", "cap_add", "devices", "pid", "ipc", "network_mode", "userns_mode"]) {
      expect(service).not.toHaveProperty(key);
    }
    expect(String(service.volumes)).not.toContain("docker.sock");
  });

  test("has bounded memory, processes, logs and time to end", () => {
    expect(service.mem_limit).toBeDefined();
    expect(service.memswap_limit).toBe(service.mem_limit);
    expect(service.pids_limit).toBeGreaterThan(0);
    expect(service.stop_grace_period).toBe("10s");
    expect(service.logging).toMatchObject({
      driver: "json-file",
      options: { "max-size": "10m", "max-file": "3" },
    });
  });

  test("cannot be reached from another machine, and is not started again after a stop", () => {
    if (name === "gateway" || name === "page")
      expect(service.ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:.+:423[56]$/)]);
    else expect(service).not.toHaveProperty("ports");
    expect(service).not.toHaveProperty("expose");
    expect(service.restart).toMatch(/^(on-failure:5|\$\{AFK_RESTART:-on-failure\})$/);
  });
});

test("the model has no way out, what fetches it is not reached by the worker, and the worker has both", () => {
  expect(compose.networks.internal).toEqual({ internal: true });
  expect(compose.networks.egress?.internal ?? false).toBe(false);
  expect(worker?.networks).toEqual(["internal", "egress"]);
  expect(ollama?.networks).toEqual(["internal"]);
  expect(pull?.networks).toEqual(["egress"]);
});

test("the gateway is as the worker is, but for what it does and where it answers, and is asked for by name", () => {
  const { profiles, command, ports, healthcheck, ...same }: Partial<Service> = gateway ?? {};
  const { command: works, ...others }: Partial<Service> = worker ?? {};
  expect(same).toEqual(others);
  expect(profiles).toEqual(["gateway"]);
  expect(works).toEqual(["run", "--no-gateway"]);
  expect(command).toEqual(["gateway", "--listen", "0.0.0.0:4236", "--behind-proxy"]);
  expect([ports, healthcheck]).toMatchObject([
    [expect.stringMatching(/:4236$/)],
    {
      test: ["CMD", "afk", "health", "--gateway", "127.0.0.1:4236"],
    },
  ]);
});

test("watchdog and backup share the worker's state, settings and limits, and nobody else is in the page's network", () => {
  const { command: _works, ...same }: Partial<Service> = worker ?? {};
  for (const name of ["watchdog", "backup"]) {
    const { entrypoint, command, healthcheck, ...others }: Partial<Service> = compose.services[name] ?? {};
    expect(others).toEqual(same);
    expect(String(entrypoint)).toContain(`afk ${name}`);
    expect({ command, healthcheck }).toEqual({ command: [], healthcheck: { disable: true } });
  }
  const inPage = services.flatMap(([name, { networks }]) => (networks.includes("page") ? [name] : []));
  expect(inPage).toEqual(["page"]);
  expect(compose.services.page).toMatchObject({
    profiles: ["page"],
    networks: ["page"],
    command: ["dashboard", "--listen", "0.0.0.0:4235", "--behind-proxy"],
  });
});

test("every variable of .env gets through, and without the file it starts too", () => {
  for (const name of ["worker", "watchdog", "gateway", "page"])
    expect(compose.services[name]?.env_file).toEqual([{ path: ".env", required: false }]);
  for (const name of ["ollama", "ollama-pull"]) expect(compose.services[name]).not.toHaveProperty("env_file");
});

test("the worker does not wait for the model, whose image is pinned", () => {
  expect(worker).not.toHaveProperty("depends_on");
  expect(ollama?.image).toMatch(/:\d+\.\d+\.\d+\}$/);
  expect(pull?.image).toBe(ollama?.image);
});

describe(".env.example", () => {
  const example = read(".env.example");
  const explained = [...example.matchAll(/^(?:# )?([A-Z_]+)=(.*)$/gm)].map(([, name = "", value = ""]) => ({
    name,
    value,
  }));
  const substituted = [...text.matchAll(/(?<!\$)\$\{([A-Z_]+)(?::-([^}]*))?\}/g)];
  const handedOn = Object.entries(worker?.environment ?? {}).flatMap(([name, value]) =>
    value === null ? [name] : [],
  );

  const inFleet = [...read("compose.fleet.yaml").matchAll(/(?<!\$)\$\{([A-Z_]+)(?::-([^}]*))?/g)];

  test("explains every variable that compose.yaml and compose.fleet.yaml read, and no other", () => {
    const used = new Set([...[...substituted, ...inFleet].map(([, name]) => name), ...handedOn]);
    expect(explained.map(({ name }) => name).sort()).toEqual([...used].sort());
  });

  test("shows the defaults as they are, so that a copy of it changes nothing", () => {
    for (const [, name, value] of substituted) {
      expect(explained, name).toContainEqual({ name, value });
    }
    // Which folder is the default differs, and is said there; a password has none.
    for (const [, name, value = ""] of inFleet.filter(([, name]) => name !== "AFK_FOLDER")) {
      expect(explained, name).toContainEqual({ name, value });
    }
    const set = [...example.matchAll(/^([A-Z_]+)=/gm)].map(([, name]) => name);
    expect(set).toEqual(["OLLAMA_MODEL", "OLLAMA_MEMORY"]);
  });
});

test("the configuration that ships with it is accepted, costs nothing and fetches nothing", () => {
  const config = fileURLToPath(new URL("../examples/compose/afk.yaml", import.meta.url));
  const read = readAgentConfig({ config, environment: { OLLAMA_MODEL: "qwen2.5:3b" } });
  expect(read).toMatchObject({ agent: "compose", egress: { allow: [] } });
  expect(JSON.stringify(read.models)).toContain("ollama/qwen2.5:3b");
});
