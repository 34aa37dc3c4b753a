// What is on the page: everything that a reader chose stands in the address, after the #.

const element = (id) => document.getElementById(id);
const data = JSON.parse(element("data").textContent);
const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const PICTURES = 40; // as many as the sheet shows
const PART = 8; // pictures between two looks at what the reader does
const WALK_SECONDS = 2;
const FRAME_MILLISECONDS = 250;

const address = new URLSearchParams(location.hash.slice(1));
const wanted = (name, fallback) => address.get(name) ?? fallback;
const state = {
  language: wanted("lang", navigator.language.startsWith("zh") ? "zh" : "en"),
  set: Number(wanted("set", 0)) >>> 0, // 0: the workbench's own pictures
  label: Math.min(Number(wanted("class", -1)), data.classes.length - 1), // -1: all, in turn
  ends: wanted("walk", "0.0.0,0.1.1").split(",").map(readEnd),
  place: Math.min(Math.max(Number(wanted("place", 50)), 0), 100),
};
let generator = null;

/** An end of the walk is written set.picture.class; set -1 holds the favourites. */
function readEnd(text) {
  const [set, index, label] = text.split(".").map(Number);
  const known = Number.isInteger(index) && (set !== -1 || index < data.favourites.length);
  return known ? { set, index, label: Math.min(label || 0, Math.max(data.classes.length - 1, 0)) } : { set: 0, index: 0, label: 0 };
}

function remember() {
  const ends = state.ends.map(({ set, index, label }) => `${set}.${index}.${label}`).join(",");
  const hash = new URLSearchParams({
    lang: state.language, set: state.set, class: state.label, walk: ends, place: state.place,
  });
  history.replaceState(null, "", `#${hash}`);
}

// --- words

function say(text, values = {}) {
  const words = state.language === "zh" ? data.chinese[text] ?? text : text;
  return words.replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

function className(label) {
  return say(data.classes[label]);
}

function translate() {
  document.documentElement.lang = state.language === "zh" ? "zh-CN" : "en";
  document.title = say(data.title);
  document.querySelectorAll("[data-text]").forEach((one) => { one.textContent = say(one.dataset.text); });
  document.querySelectorAll("[data-label]").forEach((one) => one.setAttribute("aria-label", say(one.dataset.label)));
  element("language").textContent = state.language === "zh" ? "English" : "简体中文";
  element("language").lang = state.language === "zh" ? "en" : "zh-CN";
  element("title").textContent = say(data.title);
  element("summary").textContent = say(data.summary);
  const length = () => say("{steps} steps, {epochs} epochs of {data}", {
    steps: data.step.toLocaleString("en"), epochs: Number(data.epoch.toPrecision(4)), data: say(data.dataset),
  });
  element("facts").textContent = data.trained ? length() : say("Trained elsewhere");
  const rows = data.facts.map(([name, value]) => {
    const [term, fact] = [document.createElement("dt"), document.createElement("dd")];
    term.textContent = say(name);
    fact.textContent = say(value);
    return [term, fact];
  });
  element("about").replaceChildren(...rows.flat());
  element("notes").replaceChildren(...data.notes.map((note) => {
    const item = document.createElement("li");
    item.textContent = say(note);
    return item;
  }));
  markEnds();
  drawTraining();
}

function failed(error) {
  console.error(error);
  element("trouble").hidden = false;
  element("trouble").textContent = say(
    "This browser cannot run the generator; open the page in a current Chrome, Edge, Firefox or Safari.");
}

// --- latents

const shipped = { latents: null }; // float32, one row a picture: the first ones of the workbench, then the favourites

function latentOf({ set, index }) {
  const size = data.latents.size;
  const row = set === -1 ? data.latents.first + index : set === 0 && index < data.latents.first ? index : -1;
  if (row < 0) return drawLatent(data.latents.distribution, size, set, index);
  return shipped.latents.slice(row * size, (row + 1) * size);
}

function weightsOf(label) {
  return Float32Array.from(data.classes, (_, index) => (index === label ? 1 : 0));
}

// --- the sheet

const tiles = Array.from({ length: PICTURES }, (_, index) => tile(() => ({ set: state.set, index, label: labelOf(index) })));
const favourites = data.favourites.map(({ label, name }, index) => {
  const one = tile(() => ({ set: -1, index, label: Math.max(label, 0) }));
  const caption = document.createElement("span");
  caption.textContent = name;
  one.button.append(caption);
  return { ...one, name };
});

function tile(end) {
  const button = document.createElement("button");
  const canvas = document.createElement("canvas");
  button.type = "button";
  button.append(canvas);
  button.addEventListener("click", () => walkTo(end()));
  [, canvas.height, canvas.width] = data.shape; // keeps its place before it is drawn
  return { button, canvas, end };
}

function labelOf(index) {
  if (!data.classes.length) return 0;
  return state.label >= 0 ? state.label : index % data.classes.length;
}

let sheetTurn = 0;

/** Draws the tiles in parts, so that the page answers meanwhile; a newer wish ends an older one. */
async function drawTiles(list) {
  const turn = list === tiles ? (sheetTurn += 1) : sheetTurn;
  for (let first = 0; first < list.length; first += PART) {
    const part = list.slice(first, first + PART);
    const ends = part.map((one) => one.end());
    const pictures = await generator.draw(ends.map(latentOf), ends.map(({ label }) => weightsOf(label)));
    if (turn !== sheetTurn && list === tiles) return;
    part.forEach(({ canvas }, index) => paint(canvas, pictures[index], data.shape, data.range));
    await new Promise((resolve) => { setTimeout(resolve); });
  }
}

function markEnds() {
  const same = (a, b) => a.set === b.set && a.index === b.index && (!data.classes.length || a.label === b.label);
  [...tiles, ...favourites].forEach(({ button, end, name }, rank) => {
    const at = end();
    const place = state.ends.findLastIndex((one) => same(one, at));
    const values = { number: (rank % PICTURES) + 1, name: data.classes.length ? className(at.label) : "" };
    const title = name ?? say(data.classes.length ? "Picture {number}: {name}" : "Picture {number}", values);
    const role = place < 0 ? "" : say(place === 0 ? "From" : "To");
    button.setAttribute("aria-label", role ? `${title}, ${role}` : title);
    button.toggleAttribute("data-end", place >= 0);
    button.dataset.mark = role;
  });
}

function sheetChanged() {
  remember();
  markEnds();
  element("first").disabled = state.set === 0;
  drawTiles(tiles).catch(failed);
}

// --- the walk

let walkBusy = false;
let walkStale = false;

/** Draws the walk as it is wanted now; wishes that come meanwhile are answered by one more drawing. */
async function drawWalk() {
  walkStale = true;
  if (walkBusy || !generator) return;
  walkBusy = true;
  while (walkStale) {
    walkStale = false;
    const [start, end] = state.ends;
    const place = state.place / 100;
    const [from, to] = [latentOf(start), latentOf(end)];
    const [fromClass, toClass] = [weightsOf(start.label), weightsOf(end.label)];
    const between = fromClass.map((weight, index) => (1 - place) * weight + place * toClass[index]);
    const pictures = await generator.draw(
      [from, matched(from, to, place, data.latents.distribution), to], [fromClass, between, toClass]);
    ["start", "between", "end"].forEach((id, index) => paint(element(id), pictures[index], data.shape, data.range));
  }
  walkBusy = false;
}

function walkChanged() {
  const [start, end] = state.ends.map(({ label }) => (data.classes.length ? className(label) : ""));
  element("place").value = state.place;
  element("share").textContent = `${Math.round(state.place)} %`;
  element("start").setAttribute("aria-label", say("The picture that the walk leaves {name}", { name: start }).trim());
  element("end").setAttribute("aria-label", say("The picture that the walk reaches {name}", { name: end }).trim());
  element("between").setAttribute("aria-label", say("The picture at {place} percent of the walk",
    { place: Math.round(state.place) }));
  drawWalk().catch(failed);
}

function walkTo(end) {
  state.ends = [state.ends[1], end];
  state.place = calm ? 100 : 0;
  remember();
  markEnds();
  walkChanged();
  if (!calm) walk.play({ once: true });
}

/** A button that plays and stops; `tick(seconds)` gets the time since the last frame and says whether to go on. */
function player(button, tick) {
  let last = null;
  let once = false;
  const show = () => button.setAttribute("aria-pressed", String(last !== null));
  const frame = (now) => {
    if (last === null) return;
    const goes = tick((now - last) / 1000, once);
    last = goes ? now : null;
    show();
    if (goes) requestAnimationFrame(frame);
  };
  const play = (how = {}) => {
    once = Boolean(how.once);
    if (last !== null) return;
    last = performance.now();
    show();
    requestAnimationFrame(frame);
  };
  const stop = () => { last = null; show(); };
  button.addEventListener("click", () => (last === null ? play() : stop()));
  return { play, stop };
}

let direction = 1;
const walk = player(element("play"), (seconds, once) => {
  const next = state.place + (once ? 1 : direction) * (seconds / WALK_SECONDS) * 100;
  if (next >= 100 || next <= 0) direction = next >= 100 ? -1 : 1;
  state.place = Math.min(Math.max(next, 0), 100);
  walkChanged();
  const goes = !once || state.place < 100;
  if (!goes) remember();
  return goes;
});

// --- the training

let charts = [];

function drawTraining() {
  const xs = data.curves.epoch;
  element("training").hidden = !data.sheets.length && !xs.length;
  element("film").hidden = !data.sheets.length;
  element("time").max = data.sheets.length - 1;
  const host = element("curves");
  const color = { loss_g: "generator", d_fake: "generator", loss_d: "discriminator", d_real: "discriminator" };
  const kept = data.charts.filter(({ series }) => xs.length && series.some(({ key }) => key in data.curves));
  charts = kept.map(({ title, series, range }) => chart(
    `${say(title)} · ${say("Epoch")}`, Math.max(host.clientWidth, 240), xs,
    series.filter(({ key }) => key in data.curves).map(({ key, label }) => (
      { label: say(label), color: `var(--${color[key]})`, values: data.curves[key] })),
    range, (x) => showMoment(nearest(data.sheets.map(({ epoch }) => epoch), x))));
  host.replaceChildren(...charts.map(({ figure }) => figure));
  showMoment(Number(element("time").value));
}

function showMoment(index) {
  const sheet = data.sheets[index];
  const epoch = sheet ? sheet.epoch : data.epoch;
  if (sheet) {
    element("time").value = index;
    element("moment").src = `data:image/png;base64,${sheet.png}`;
    element("moment").alt = say("Generated pictures at epoch {epoch}", { epoch: Number(epoch.toPrecision(4)) });
    element("when").textContent = say("Epoch {epoch}, step {step}",
      { epoch: Number(epoch.toPrecision(4)), step: sheet.step.toLocaleString("en") });
  }
  charts.forEach(({ point }) => point(epoch));
}

let shownFor = 0;
const replay = player(element("replay"), (seconds) => {
  shownFor += seconds * 1000;
  if (shownFor >= FRAME_MILLISECONDS) {
    shownFor = 0;
    const next = Number(element("time").value) + 1;
    showMoment(next < data.sheets.length ? next : 0);
    return next + 1 < data.sheets.length;
  }
  return true;
});

// --- files to take away

function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

function saveCanvases(canvases, columns, name) {
  const [, height, width] = data.shape;
  const factor = Math.max(1, Math.round(224 / width / Math.sqrt(columns)));
  const canvas = document.createElement("canvas");
  canvas.width = columns * (width + 2) * factor - 2 * factor;
  canvas.height = Math.ceil(canvases.length / columns) * (height + 2) * factor - 2 * factor;
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = false;
  context.fillRect(0, 0, canvas.width, canvas.height);
  canvases.forEach((one, index) => context.drawImage(
    one, (index % columns) * (width + 2) * factor, Math.floor(index / columns) * (height + 2) * factor,
    width * factor, height * factor));
  canvas.toBlob((blob) => save(blob, name), "image/png");
}

// --- the start

function offerClasses() {
  const names = data.classes.length ? [-1, ...data.classes.keys()] : [];
  element("classes").hidden = !names.length;
  element("classes").replaceChildren(...names.map((label) => {
    const [choice, input, text] = [document.createElement("label"), document.createElement("input"), document.createElement("span")];
    Object.assign(input, { type: "radio", name: "class", value: label, checked: label === state.label });
    input.addEventListener("change", () => { state.label = label; sheetChanged(); });
    text.dataset.text = label < 0 ? "All" : data.classes[label];
    choice.append(input, text);
    return choice;
  }));
}

function listen() {
  const on = (id, event, answer) => element(id).addEventListener(event, answer);
  on("language", "click", () => { state.language = state.language === "zh" ? "en" : "zh"; remember(); translate(); walkChanged(); });
  on("new", "click", () => { state.set = 1 + Math.floor(Math.random() * 999_999); sheetChanged(); });
  on("first", "click", () => { state.set = 0; sheetChanged(); });
  on("place", "input", () => { walk.stop(); state.place = Number(element("place").value); walkChanged(); });
  on("place", "change", remember);
  on("time", "input", () => { replay.stop(); showMoment(Number(element("time").value)); });
  on("save-sheet", "click", () => saveCanvases(tiles.map(({ canvas }) => canvas), 10, `${data.name}-sheet.png`));
  on("save-picture", "click", () => saveCanvases([element("between")], 1, `${data.name}.png`));
  on("save-model", "click", () => save(new Blob([generator.model]), `${data.name}.onnx`));
  new ResizeObserver(drawTraining).observe(element("curves"));
}

async function start() {
  element("language").hidden = !Object.keys(data.chinese).length;
  element("sheet").append(...tiles.map(({ button }) => button));
  element("favourites").append(...favourites.map(({ button }) => button));
  element("favourites-part").hidden = !favourites.length;
  ["start", "between", "end"].forEach((id) => { [, element(id).height, element(id).width] = data.shape; });
  element("time").value = Math.max(data.sheets.length - 1, 0);
  element("time").max = Math.max(data.sheets.length - 1, 0);
  element("time").value = element("time").max;
  offerClasses();
  translate();
  listen();
  shipped.latents = new Float32Array(await bytesOf("latents"));
  generator = await loadGenerator(data);
  walkChanged();
  element("first").disabled = state.set === 0;
  await drawTiles(tiles);
  await drawTiles(favourites);
  // For the console and for whoever frames this page: pictures as numbers.
  globalThis.gan = { data, draw: generator.draw, latent: (set, index) => latentOf({ set, index }), matched, weights: weightsOf };
  document.documentElement.dataset.ready = "true";
}

start().catch(failed);
