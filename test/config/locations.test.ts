import { expect, test } from "vitest";
import { locate } from "../../src/config/locations.ts";
import { issuesOf, load } from "./support.ts";

const HOME = "/home/me";

test.each([
  ["beside the configuration", {}, {}, "/srv/afk.yaml", "/srv/state"],
  ["beside it wherever it is", { configFile: "a/afk.yaml" }, {}, "/srv/a/afk.yaml", "/srv/a/state"],
  [
    "beside it from the environment",
    {},
    { AFK_CONFIG: "/etc/afk/afk.yaml" },
    "/etc/afk/afk.yaml",
    "/etc/afk/state",
  ],
  [
    "where AFK_STATE says",
    { configFile: "a/afk.yaml" },
    { AFK_STATE: "data" },
    "/srv/a/afk.yaml",
    "/srv/data",
  ],
  ["where --state says", { state: "mine" }, { AFK_STATE: "/data" }, "/srv/afk.yaml", "/srv/mine"],
  [
    "in the home folder",
    {},
    { AFK_CONFIG: "~/afk.yaml", AFK_STATE: "~/s" },
    "/home/me/afk.yaml",
    "/home/me/s",
  ],
])("the state is %s", (_name, options, environment, configFile, state) => {
  expect(locate({ ...options, environment: { HOME, ...environment }, cwd: "/srv" })).toMatchObject({
    configFile,
    state,
    stopFile: `${state}/STOP`,
  });
});

test("a state in the home folder of somebody else is refused, and not made under that name", () => {
  const yaml = "agent: a\nbudget: { daily_cap_usd: 1 }\nmodels: { chain: [extractive] }\n";
  expect(load(yaml, { environment: { HOME, AFK_STATE: "~/s" } }).paths.state).toBe("/home/me/s");
  expect(issuesOf(yaml, { environment: { AFK_STATE: "~you/s" } })).toMatchObject([{ path: "AFK_STATE" }]);
});
