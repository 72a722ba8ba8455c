/** An afk.yaml, as a person writes it, with something of everything that the runbook is about. It wants OPENAI_API_KEY. */
export function sceneYaml(options: {
  model: string;
  inbox: string;
  allow: string;
  channels: string;
}): string {
  return `agent: runbook
budget:
  daily_cap_usd: 1.00
models:
  chain: [openai/gpt-4o-mini, extractive]
  max_output_tokens: 64
  providers:
    openai: { base_url: "${options.model}/v1" }
breaker: { failures: 100 }
egress: { allow: ["${options.allow}"], allow_private: ["${options.allow}"] }
${options.channels}
jobs:
  - { name: digest, kind: digest, every: 1d, sources: [{ folder: ${options.inbox} }] }
  - { name: broken, kind: exec, schedule: "0 0 1 1 *", retry: { attempts: 1 }, command: [sh, -c, "exit 3"] }
`;
}

/** Puts a draft into the database, as a job of the library's user would; no kind of job that comes with afk drafts. */
export function insertDraft(id: string, url: string): string {
  const content = JSON.stringify({ url, json: { said: "from the runbook" } });
  return `insert into drafts (id, job_id, name, action, content, state, created_at)
    select '${id}', id, 'tell ${id}', 'post', '${content}', 'pending', 1795255200000 from jobs limit 1`;
}

/** Puts a question about a cap into the database, as a run with on_cap: ask does that met it. `run` is ready. */
export function insertQuestion(id: string, run: string): string {
  const detail = JSON.stringify({ window: "day", amount: "micros", period: "2026-11-21", cap: 1, extra: 1 });
  return `insert into questions (id, kind, subject, job, message, detail, state, asked_at, expires_at)
    values ('${id}', 'cap', '${run}', 'digest', 'digest met its cap of the day', '${detail}', 'open', 1795255200000,
      4102444800000)`;
}
