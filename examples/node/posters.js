// Makes posters with Lamina.

const base = process.env.LAMINA_BASE_URL ?? "https://app.uselamina.ai";
const headers = { "x-api-key": process.env.LAMINA_API_KEY, "content-type": "application/json" };

/** Sends a request to the API. A request that only reads is repeated when the service is busy or fails. */
async function call(method, path, body) {
  for (let attempt = 1; ; attempt++) {
    const response = await fetch(base + path, { method, headers, body: body && JSON.stringify(body) });
    if (response.ok) return (await response.json()).data;
    const isPassing = response.status === 429 || response.status >= 500;
    if (!isPassing || method !== "GET" || attempt === 3) {
      const refusal = await response.json().catch(() => ({ error: response.statusText }));
      throw Object.assign(new Error(refusal.error), { code: refusal.code, details: refusal.details });
    }
    const seconds = Number(response.headers.get("retry-after")) || attempt;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
}

/** Makes a poster and returns the bytes of the picture. */
export async function makePoster(text, style = "Bold") {
  const { appId } = await findApp("poster");
  const { runId } = await call("POST", `/v1/apps/${appId}/runs`, { inputs: { text, style } });
  let run;
  do {
    run = await call("GET", `/v1/runs/${runId}/wait?timeout=60`);
  } while (run.status === "queued" || run.status === "running");
  if (run.status !== "completed") throw new Error(`run ${runId}: ${run.errorMessage}`);
  const picture = await fetch(run.outputs[0].value);
  return Buffer.from(await picture.arrayBuffer());
}

async function findApp(word) {
  const apps = await call("GET", `/v1/apps?search=${word}`);
  if (apps.length === 0) throw new Error(`there is no app for ${word}`);
  return apps[0];
}
