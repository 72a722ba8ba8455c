import * as v from "valibot";
import { channelsSchema } from "../alerts/channels/schema.ts";
import { capMicrosFromUsd } from "../lib/money.ts";
import { budgetSchema } from "./caps.ts";
import { dashboardSchema } from "./dashboard-schema.ts";
import { databaseSchema, fleetSchema } from "./database-schema.ts";
import { egressSchema } from "./egress-schema.ts";
import { duration, integer, minutes, number, section, text, timezone, url, usd } from "./fields.ts";
import { gatewaySchema } from "./gateway-schema.ts";
import { modelsSchema } from "./models-schema.ts";
import { remoteSchema } from "./remote-schema.ts";

/** afk.yaml as parsed: defaults filled in, names and units as in `Config`; its caps, alerts and jobs are still raw. */
export type ParsedFile = v.InferOutput<ReturnType<typeof configSchema>>;

/** The whole of afk.yaml but for the inside of jobs, which belongs to their kinds. */
export function configSchema() {
  return section("The configuration of one agent.", {
    agent: text(
      "The agent's name; it appears in alerts, logs and reports.",
      "write a name for the agent: letters, digits, dots, - and _, at most 64, for example morning-digest",
      /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
      64,
    ),
    timezone: v.optional(timezone(), "UTC"),
    database: v.optional(databaseSchema(), {}),
    fleet: v.optional(fleetSchema(), {}),
    concurrency: v.optional(
      integer(
        "Jobs that run at a time on a machine; never two of the same name.",
        "how many jobs at a time",
        [1, 64],
      ),
      1,
    ),
    budget: budgetSchema(),
    models: modelsSchema(),
    breaker: v.optional(breaker(), {}),
    egress: v.optional(egressSchema(), {}),
    alerts: v.optional(channelsSchema(), []),
    remote: v.optional(remoteSchema(), {}),
    kinds: v.optional(kindFiles(), []),
    heartbeat: v.optional(heartbeat(), {}),
    dashboard: v.optional(dashboardSchema(), {}),
    gateway: v.optional(gatewaySchema(), {}),
    jobs: v.optional(
      v.pipe(
        v.array(v.looseObject({}, WRITE_JOB), "write a list of jobs, each beginning with `- name:`"),
        v.maxLength(100, "write at most 100 jobs"),
        v.description("The work of the agent."),
      ),
      [],
    ),
    value: v.optional(value(), {}),
    retention: v.optional(retention(), {}),
  });
}

const WRITE_JOB = "write a job: a section with name, kind and the keys of its kind";

function breaker() {
  return v.pipe(
    section("When a failing model or host is not called, and for how long.", {
      failures: v.optional(
        integer("Failures in a row that open the breaker.", "how many failures in a row", [1, 1000]),
        5,
      ),
      cooldown: v.optional(
        duration("How long it stays open the first time; each further time is twice as long.", "30d"),
        "5m",
      ),
      max_cooldown: v.optional(duration("The longest it stays open.", "30d"), "6h"),
      calls_per_minute: v.optional(
        integer(
          "Calls of one job or client to one model in a minute that open it: a burst.",
          "how many calls in a minute",
          [1, 100_000],
        ),
        600,
      ),
      same_request_per_hour: v.optional(
        integer(
          "Times in an hour the very same request opens it: a loop.",
          "how many times in an hour",
          [2, 10_000],
        ),
        20,
      ),
      usd_per_five_minutes: v.optional(
        usd(
          "Spend in five minutes that opens it; no limit unless stated.",
          "the most that five minutes may cost",
          "0.20",
        ),
      ),
    }),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed || dataset.value.max_cooldown >= dataset.value.cooldown) return;
      addIssue({
        message: "max_cooldown is shorter than cooldown; write max_cooldown as long as cooldown, or longer",
      });
    }),
    v.transform((read) => ({
      failures: read.failures,
      cooldownMs: read.cooldown,
      maxCooldownMs: read.max_cooldown,
      callsPerMinute: read.calls_per_minute,
      sameRequestPerHour: read.same_request_per_hour,
      spendPerFiveMinutesMicros:
        read.usd_per_five_minutes === undefined ? null : capMicrosFromUsd(read.usd_per_five_minutes),
    })),
  );
}

function heartbeat() {
  return v.pipe(
    section("Tells a service outside this machine that the agent is alive.", {
      ping_url: v.optional(url("Address to ping.", "https://hc-ping.com/your-uuid")),
      style: v.optional(
        v.pipe(
          v.picklist(["healthchecks", "uptime-kuma"]),
          v.description("Whose protocol the address speaks."),
        ),
        "healthchecks",
      ),
      grace: v.optional(duration("A tick that is later than this is reported.", "30d"), "30m"),
      empty_ticks: v.optional(
        integer(
          "After how many ticks in a row that had work and gave neither a unit nor a file no_output is told of; 0 for never.",
          "how many ticks may give nothing",
          [0, 100],
        ),
        3,
      ),
    }),
    v.transform(({ ping_url: pingUrl = null, style, grace: graceMs, empty_ticks: emptyTicks }) => {
      return { pingUrl, style, graceMs, emptyTicks };
    }),
  );
}

function value() {
  return v.pipe(
    section("What an output is worth, for the weekly report.", {
      minutes_saved_per_unit: v.optional(
        minutes(
          "Minutes of a person's work that one unit of output saves; a job may say otherwise. Unless stated it is what the job's kind says (digest: 2 for each item), else 30.",
        ),
      ),
      hourly_rate_usd: v.optional(
        number(
          "What an hour of that person costs.",
          "write US dollars per hour, for example 60",
          [0, 100_000],
        ),
        60,
      ),
      min_ratio: v.optional(
        number(
          "Value out for each dollar in below which a finished week (Monday to Sunday) is told of; never unless stated.",
          "write how many dollars of value a dollar must bring, for example 2",
          [0, 1_000_000],
        ),
      ),
    }),
    v.transform(
      ({ minutes_saved_per_unit: minutesSavedPerUnit, hourly_rate_usd, min_ratio: minRatio = null }) => ({
        minutesSavedPerUnit,
        hourlyRateUsd: hourly_rate_usd,
        minRatio,
      }),
    ),
  );
}

function retention() {
  return v.pipe(
    section("How much of the log is kept.", {
      log_days: v.optional(integer("Days of log files to keep.", "how many days", [1, 3650]), 14),
      log_max_mb: v.optional(
        integer("Most megabytes (2^20 bytes) of log files to keep.", "how many megabytes", [1, 1_000_000]),
        200,
      ),
    }),
    v.transform(({ log_days: logDays, log_max_mb }) => ({ logDays, logMaxBytes: log_max_mb * 1024 * 1024 })),
  );
}

/** Files with kinds of jobs of the owner's own. */
function kindFiles() {
  const write =
    "write a list of JavaScript modules that export kinds of jobs, for example [./kinds/reminder.js]";
  return v.pipe(
    v.array(v.pipe(v.string(write), v.nonEmpty(write)), write),
    v.maxLength(20, "write at most 20 files"),
    v.description(
      "Modules that export kinds of jobs of your own. Their code runs with all the rights of afk; a change takes a restart.",
    ),
  );
}
