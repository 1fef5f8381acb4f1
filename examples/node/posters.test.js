import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";
import { makePoster } from "./posters.js";

/** Controls the local platform: https://github.com/uselamina/lamina/blob/main/docs/dev.md#planned-faults */
async function faults(method, plan) {
  const headers = { "content-type": "application/json" };
  await fetch(`${process.env.LAMINA_BASE_URL}/dev/faults`, { method, headers, body: plan && JSON.stringify(plan) });
}

beforeEach(() => faults("DELETE"));

test("makes a PNG", async () => {
  const picture = await makePoster("Hello");
  assert.equal(picture.subarray(1, 4).toString(), "PNG");
});

test("says which input is wrong", async () => {
  await assert.rejects(makePoster("Hello", "Loud"), (error) => {
    assert.equal(error.code, "VALIDATION_ERROR");
    assert.equal(error.details[0].field, "style");
    return true;
  });
});

test("survives a service that fails once", async () => {
  await faults("POST", { path: "/v1/runs/*", status: 503 });
  const picture = await makePoster("Patience");
  assert.ok(picture.length > 1000);
});

test("starts no second run when the service fails", async () => {
  await faults("POST", { path: "/v1/apps/*", method: "POST", status: 503 });
  await assert.rejects(makePoster("Once"));
});
