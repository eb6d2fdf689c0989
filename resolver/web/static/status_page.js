// Fetches the page again every few seconds and replaces the parts that change. A part that has the
// focus or a selection stays.
"use strict";
const PERIOD = 3000;
const pause = document.getElementById("pause");
let paused = false;

function isInUse(part) {
  const selection = document.getSelection();
  return part.contains(document.activeElement) ||
    (!selection.isCollapsed && selection.containsNode(part, true));
}

// What somebody has opened stays open.
function open(fresh) {
  for (const part of fresh.querySelectorAll("details[id]")) {
    part.open = document.getElementById(part.id)?.open ?? false;
  }
}

async function refresh() {
  if (paused || document.hidden) return;
  const answer = await fetch("?lang=" + document.documentElement.lang);
  if (!answer.ok) throw new Error(answer.statusText);
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  open(fresh);
  for (const part of document.querySelectorAll("[data-live]")) {
    const its = fresh.getElementById(part.id);
    if (its && !isInUse(part) && part.innerHTML !== its.innerHTML) part.innerHTML = its.innerHTML;
  }
}

async function refreshForever() {
  try {
    await refresh();
    document.documentElement.removeAttribute("data-lost");
  } catch {
    document.documentElement.setAttribute("data-lost", "");
  }
  setTimeout(refreshForever, PERIOD);
}

pause.hidden = false;
pause.addEventListener("click", () => {
  paused = !paused;
  [pause.textContent, pause.dataset.resume] = [pause.dataset.resume, pause.textContent];
});
setTimeout(refreshForever, PERIOD);
