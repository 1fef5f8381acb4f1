"""Makes posters with Lamina."""

import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request

BASE = os.environ.get("LAMINA_BASE_URL", "https://app.uselamina.ai")


class Refused(Exception):
    """The service refused a request."""

    def __init__(self, status, body):
        super().__init__(body.get("error", f"status {status}"))
        self.status, self.code, self.details = status, body.get("code"), body.get("details", [])


def call(method, path, body=None):
    """Sends a request to the API. A request that only reads is repeated when the service is busy or fails."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"x-api-key": os.environ["LAMINA_API_KEY"], "content-type": "application/json"}
    for attempt in range(1, 4):
        request = urllib.request.Request(BASE + path, data=data, headers=headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=90) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            is_passing = error.code == 429 or error.code >= 500
            if not is_passing or method != "GET" or attempt == 3:
                raise Refused(error.code, _object(error.read())) from None
            time.sleep(float(error.headers.get("retry-after", attempt)))
    raise AssertionError("unreachable")


def _object(raw):
    try:
        return json.loads(raw)
    except ValueError:
        return {}


def make_poster(text, style="Bold"):
    """Makes a poster and returns the bytes of the picture."""
    apps = call("GET", "/v1/apps?" + urllib.parse.urlencode({"search": "poster"}))
    started = call("POST", f"/v1/apps/{apps[0]['appId']}/runs", {"inputs": {"text": text, "style": style}})
    while True:
        run = call("GET", f"/v1/runs/{started['runId']}/wait?timeout=60")
        if run["status"] not in ("queued", "running"):
            break
    if run["status"] != "completed":
        raise RuntimeError(f"run {run['runId']}: {run['errorMessage']}")
    with urllib.request.urlopen(run["outputs"][0]["value"], timeout=90) as picture:
        return picture.read()
