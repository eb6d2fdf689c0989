// Fetches the page anew every few seconds and puts in what moves. What was typed and what was
// explained stay as they are; so does whatever the reader has selected or is in.
"use strict";
const PERIOD = 3000;
const pause = document.getElementById("pause");
const other = pause.dataset.resume;
let paused = false;

function isInUse(part) {
  const selection = document.getSelection();
  return part.contains(document.activeElement) ||
    (!selection.isCollapsed && selection.containsNode(part, true));
}

async function refresh() {
  if (paused || document.hidden) return;
  const answer = await fetch("?lang=" + document.documentElement.lang);
  if (!answer.ok) throw new Error(answer.statusText);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-moving]")) {
    const its = fresh.getElementById(part.id);
    if (its && !isInUse(part) && part.innerHTML !== its.innerHTML) part.innerHTML = its.innerHTML;
  }
}

async function keep() {
  try {
    await refresh();
    document.documentElement.removeAttribute("data-lost");
  } catch {
    document.documentElement.setAttribute("data-lost", "");
  }
  setTimeout(keep, PERIOD);
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  [pause.textContent, pause.dataset.resume] = [pause.dataset.resume, pause.textContent];
});
setTimeout(keep, PERIOD);
