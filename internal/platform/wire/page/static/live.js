// Keeps a page up to date: while it is visible, its parts that have changed are replaced once a second.
"use strict";

let tag = "";

async function update() {
  const headers = tag ? { "If-None-Match": tag } : {};
  const response = await fetch(location.href, { headers, cache: "no-store" });
  if (!response.ok) return;
  tag = response.headers.get("ETag") ?? "";
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    const isInUse = part.contains(document.activeElement);
    if (isInUse) tag = ""; // it is replaced later
    else if (next && next.outerHTML !== part.outerHTML) part.replaceWith(next);
  }
}

async function keepUpToDate() {
  if (!document.hidden) {
    const hasStopped = await update().then(() => false, () => true);
    document.getElementById("stopped").hidden = !hasStopped;
  }
  setTimeout(keepUpToDate, 1000);
}

keepUpToDate();
