// Asks for one sentence about each note beside it, as any program would that speaks OpenAI's protocol.
import { readFileSync } from "node:fs";

const { OPENAI_BASE_URL, OPENAI_API_KEY } = process.env;

async function summarize(note) {
  const reply = await fetch(`${OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${OPENAI_API_KEY}`, "content-type": "application/json" },
    body: JSON.stringify({
      model: "local",
      max_tokens: 200,
      messages: [{ role: "user", content: `Sum this note up in one sentence:\n\n${note}` }],
    }),
  });
  const { choices, error } = await reply.json();
  // A refusal says in one sentence what happened, how much, until when, and what to do.
  if (!reply.ok) throw new Error(error.message);
  return choices[0].message.content.trim();
}

const notes = readFileSync("notes.txt", "utf8")
  .trim()
  .split(/\n{2,}/);
for (const note of notes) console.log(`- ${await summarize(note)}`);
