// The smallest coding agent: has a model write a file anew. The prompt stands on its input, models in its environment.
import { readFileSync, writeFileSync } from "node:fs";

const { OPENAI_BASE_URL, OPENAI_API_KEY } = process.env;
const [file] = process.argv.slice(2);
const prompt = readFileSync(0, "utf8");
const before = readFileSync(file, "utf8");

const reply = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
  method: "POST",
  headers: { authorization: `Bearer ${OPENAI_API_KEY}`, "content-type": "application/json" },
  body: JSON.stringify({
    model: "local",
    max_tokens: 4000,
    messages: [
      { role: "user", content: `${prompt}\nAnswer with the whole file, and nothing else.\n\n${before}` },
    ],
  }),
});
const { choices, error } = await reply.json();
// A refusal says in one sentence what happened, how much, until when, and what to do.
if (!reply.ok) throw new Error(error.message);
const after = choices[0].message.content.trim().replace(/^```\w*\n([\s\S]*)\n```$/, "$1");
writeFileSync(file, `${after}\n`);
console.log(`I wrote ${file} anew: ${before.length} characters before, ${after.length + 1} now.`);
