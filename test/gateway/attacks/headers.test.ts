import { describe, expect, it } from "vitest";
import { KEY, testGateway, turn } from "../gateway-on.ts";

describe("a client's headers", () => {
  it("make no server read another body than the one that was judged", async () => {
    const { url, servers } = await testGateway();
    await turn(url, "chat", {}, { "content-type": "application/json; charset=utf-7" });
    await turn(url, "messages", {}, { "content-type": "application/x-www-form-urlencoded" });
    for (const { headers } of [...servers.openai.requests, ...servers.anthropic.requests])
      expect(headers["content-type"]).toBe("application/json");
    expect(servers.anthropic.requests).toHaveLength(1);
  });

  it.each([
    "x-portkey-custom-host",
    "helicone-target-url",
    "helicone-openai-api-base",
    "cf-aig-custom-provider",
    "x-litellm-tags",
    "azureml-model-deployment",
    "x-http-method-override",
    "x-original-url",
  ])("send no request, and no key with it, to another place: %s", async (name) => {
    const { url, servers } = await testGateway();
    await turn(url, "chat", {}, { [name]: "https://example.org", "x-other": "kept" });
    const [request] = servers.openai.requests;
    expect(request?.headers).toMatchObject({ "x-other": "kept" });
    expect(request?.headers).not.toHaveProperty(name);
  });

  it.each([
    "x-vertex-ai-llm-shared-request-type",
    "x-vertex-ai-llm-request-type",
    "x-goog-user-project",
    "x-amzn-bedrock-service-tier",
    "x-amzn-bedrock-performanceconfig-latency",
    "x-pass-x-vertex-ai-llm-shared-request-type",
  ])("have no server sell it dearer than it was judged: %s", async (name) => {
    const { url, servers } = await testGateway();
    await turn(url, "chat", {}, { [name]: "priority", "x-other": "kept" });
    const [request] = servers.openai.requests;
    expect(request?.headers).toMatchObject({ "x-other": "kept" });
    expect(request?.headers).not.toHaveProperty(name);
  });

  it("tell no provider the address that the client asked", async () => {
    const { url, servers } = await testGateway();
    await turn(`${url}/k/${KEY}`, "chat", {}, { referer: `${url}/k/other-key-of-the-laptop/` });
    expect(servers.openai.requests[0]?.headers).not.toHaveProperty("referer");
  });
});
