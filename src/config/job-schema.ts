import * as v from "valibot";
import { ownerCapsSchema } from "./caps.ts";
import type { RetryConfig } from "./config.ts";
import { deliverSchema } from "./deliver.ts";
import { expectSchema } from "./expect.ts";
import { duration, flag, integer, list, minutes, number, section, text, USD_MAX } from "./fields.ts";
import { chainSchema } from "./model-reference.ts";
import { onlyIfSchema } from "./only-if.ts";

/** What a job may do when a cap refuses it. */
const JOB_ON_CAP = ["halt", "fallback", "ask"] as const;

const WRITE_CRON =
  'write a cron line of five fields (minute, hour, day, month, weekday), for example "0 6 * * *", or leave it out and write every: 4h';

/** The keys that every job has, whatever its kind. */
export const jobSchema = v.strictObject({
  name: text(
    "The job's name; unique, and part of the names of its files.",
    "write a name of small letters, digits and -, at most 64, for example digest",
    /^[a-z0-9][a-z0-9-]*$/,
    64,
  ),
  kind: v.pipe(v.string("write the kind of the job"), v.description("What the job does.")),
  schedule: v.optional(
    text("Cron line of five fields, in the agent's time zone.", WRITE_CRON, /^\s*\S+(?:\s+\S+){4}\s*$/),
  ),
  every: v.optional(
    duration("Time between two runs, instead of a schedule; due at once the first time.", "365d"),
  ),
  env_file: v.optional(
    text(
      "File with environment variables for the programs that it starts, read when it runs; no log or report shows their values.",
      "write the path of a file with lines of NAME=value, for example ./.env.script",
      /^[^\0]+$/,
      2000,
    ),
  ),
  after: v.optional(
    list(
      "Jobs on which this one follows: it runs each time that a run of one of them is done, with what that came to as its payload (docs/jobs.md).",
      "write a list of names of jobs under after, for example [fetch]",
      v.string("write the name of a job"),
      20,
    ),
  ),
  timeout: v.optional(duration("A run is aborted after this long.", "7d"), "45m"),
  idle_timeout: v.optional(
    duration(
      "A run is ended that wrote nothing and asked no model or host for so long: its program waits at a prompt. Never unless stated.",
      "7d",
    ),
  ),
  retry: v.optional(
    v.pipe(
      section("How the job is tried again when it failed.", {
        attempts: v.optional(
          integer("Tries before the job waits for a person.", "how often to try", [1, 100]),
          5,
        ),
        first: v.optional(
          duration(
            "The longest wait after the first failure; it doubles with each, and a random share is waited.",
            "1d",
          ),
          "30s",
        ),
        max: v.optional(duration("The longest wait between two tries.", "7d"), "1h"),
        give_up_after: v.optional(
          duration(
            "How long the job waits while no model can answer or its sources are down; such tries are not counted.",
            "30d",
          ),
          "24h",
        ),
      }),
      v.transform(({ attempts, first: firstMs, max: maxMs, give_up_after: giveUpAfterMs }): RetryConfig => {
        return { attempts, firstMs, maxMs, giveUpAfterMs };
      }),
    ),
    {},
  ),
  models: v.optional(
    chainSchema(
      "The models of this job alone, in the order they are tried; those of models.chain unless stated.",
    ),
  ),
  on_cap: v.optional(
    v.pipe(
      v.picklist(JOB_ON_CAP),
      v.description(
        "As models.on_cap, for this job alone; what that says unless stated. With ask a run that met a cap of the job itself waits, and a person is asked whether it may have as much again.",
      ),
    ),
  ),
  caps: ownerCapsSchema("job"),
  deliver: deliverSchema(),
  progress: v.optional(
    duration(
      "Its receivers hear in between how far a long run is, at most so often; never unless stated.",
      "7d",
    ),
  ),
  expect: v.optional(expectSchema()),
  paused: v.optional(
    flag("Whether it is put off: nothing of it runs or is added until this is taken out (docs/jobs.md)."),
    false,
  ),
  only_if: onlyIfSchema(),
  alerts: v.optional(
    list(
      "The channels that alerts of this job go to, and no others; all of `alerts` unless stated.",
      "write a list of names of channels under alerts, for example [phone], or leave it out for all of them",
      v.string("write the name of a channel"),
      20,
    ),
  ),
  minutes_saved_per_unit: v.optional(
    minutes("Minutes of a person's work that one unit of this job's output saves."),
  ),
  revenue_usd_per_unit: v.optional(
    number(
      "What somebody pays for one unit of this job's output, in US dollars, where it is billed; reports show it apart from the time saved.",
      "write US dollars, for example 40",
      [0, USD_MAX],
    ),
  ),
});
