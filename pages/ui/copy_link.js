// A button that copies the address bar as it is at the click: some choices reach the address without the server.
// `link` is a fixed address instead; `pins` are parameters that the address does not need on this server today, but
// that another visitor's may. Names that begin with two underscores are a host's own (such as a key to a private page).

export function address(href, pins) {
  const url = new URL(href);
  for (const name of [...url.searchParams.keys()]) if (name.startsWith("__")) url.searchParams.delete(name);
  for (const [name, value] of Object.entries(pins)) if (!url.searchParams.has(name)) url.searchParams.set(name, value);
  return url.href;
}

// Browsers lend the clipboard to https and localhost alone; the older way works everywhere that allows any.
async function copied(text, field) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    field.hidden = false;
    field.select();
    try { return document.execCommand("copy"); } catch { return false; }
  }
}

export default function ({ data, parentElement }) {
  let root = parentElement.querySelector(":scope > .gan-copy");
  if (!root) {
    root = document.createElement("div");
    root.className = "gan-copy";
    root.innerHTML = `
      <button type="button"><svg viewBox="0 0 24 24" aria-hidden="true"><path d="M10 13.5a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1.7 1.7M14 10.5a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1.7-1.7"/></svg><span></span></button>
      <input type="text" readonly hidden><p role="status" aria-live="polite"></p>`;
    parentElement.append(root);
  }
  const [label, field, said] = ["span", "input", "p"].map((name) => root.querySelector(name));
  if (!root.dataset.busy) label.textContent = data.words.copy;
  field.setAttribute("aria-label", data.words.link);
  root.querySelector("button").onclick = async () => {
    field.value = data.link || address(window.location.href, data.pins);
    const done = await copied(field.value, field);
    field.hidden = done;
    label.textContent = done ? data.words.copied : data.words.copy;
    said.textContent = done ? "" : data.words.select;
    if (!done) field.select();
    root.dataset.busy = "yes";
    setTimeout(() => { delete root.dataset.busy; label.textContent = data.words.copy; }, 2500);
  };
}
