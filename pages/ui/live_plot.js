// One Plotly chart in one DOM node that lives as long as the chart is on the page. Streamlit calls the default export
// again for new data and for a new theme, and what it returned last when the element leaves the page.

const charts = (window.ganCharts ??= new Map());   // key -> state of the chart on the page
const cursors = (window.ganCursors ??= new Map()); // key -> x; kept apart so that a cursor may come before its chart

// Other components move a chart's cursor without the server: ganSetCursor(key, x), null takes it away. What they hear of
// a chart is the window's event "gan-plot-click" with {key, x}.
window.ganSetCursor = (key, x) => {
  if ((cursors.get(key) ?? null) === (x ?? null)) return;
  cursors.set(key, x);
  const state = charts.get(key);
  if (!state?.watched || state.moving) return;
  state.moving = requestAnimationFrame(() => {
    state.moving = undefined;
    if (state.gone) return;
    const shapes = withCursor(state.node.layout.shapes, cursors.get(key), theme(state.node.parentElement).text);
    window.Plotly.relayout(state.node, { shapes });
  });
};

function loadPlotly(route) {
  if (window.Plotly) return Promise.resolve(window.Plotly);
  // The app may live under a prefix (a proxy), so the root is where Streamlit's own scripts came from.
  const own = document.querySelector('script[src*="/static/js/"]')?.src ?? location.origin + "/static/js/";
  const address = own.slice(0, own.indexOf("/static/js/")) + route;
  return (window.ganPlotly ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = address;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => { window.ganPlotly = undefined; script.remove(); reject(new Error(address)); };
    document.head.append(script);
  }));
}

function luminance(color) {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = color;
  canvas.fillRect(0, 0, 1, 1);
  const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
  return (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

function theme(element) {
  const style = getComputedStyle(element);
  const read = (name, fallback) => style.getPropertyValue("--st-" + name).trim() || fallback;
  const background = read("background-color", "#ffffff");
  return {
    background, text: read("text-color", "#222222"), grid: read("border-color", "#dddddd"),
    accent: read("primary-color", "#5b4bd6"), font: read("font", "sans-serif"), dark: luminance(background) < 0.5,
  };
}

function template(t) {
  const axis = { gridcolor: t.grid, zerolinecolor: t.grid, linecolor: t.grid, tickcolor: t.grid, automargin: true,
                 title: { font: { size: 13 } }, spikecolor: t.text, spikethickness: 1, spikedash: "dot" };
  return { layout: {
    font: { color: t.text, family: t.font, size: 13 }, title: { font: { size: 15 } },
    paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", xaxis: axis, yaxis: axis,
    legend: { bgcolor: "rgba(0,0,0,0)" },
    hoverlabel: { bgcolor: t.background, bordercolor: t.grid, font: { color: t.text, family: t.font } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: t.text, activecolor: t.accent },
  } };
}

function shaded(value, shades) {
  if (typeof value === "string") return shades[value.toLowerCase()] ?? value;
  if (Array.isArray(value)) return value.map((item) => shaded(item, shades));
  // A typed array travels as {dtype, bdata}: nothing to recolour, and walking megabytes of text would cost time.
  if (value && typeof value === "object" && !("bdata" in value))
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, shaded(v, shades)]));
  return value;
}

function withCursor(shapes, x, color) {
  const others = (shapes ?? []).filter((shape) => shape.name !== "gan-cursor");
  if (x === null || x === undefined) return others;
  return [...others, { name: "gan-cursor", type: "line", xref: "x", yref: "paper", x0: x, x1: x, y0: 0, y1: 1,
                       line: { color, width: 1.5, dash: "dot" } }];
}

// The title as text of the page above the chart: unlike Plotly's own it wraps, and never lies over the legend.
function setTitle({ title, data }) {
  const given = data.figure.layout.title;
  title.textContent = (typeof given === "string" ? given : given?.text) ?? "";
}

async function draw(state) {
  if (state.drawing) { state.again = true; return; }   // newest wins: never two draws at once
  state.drawing = true;
  do {
    state.again = false;
    const { data, node } = state;
    const t = theme(node.parentElement);
    const figure = t.dark ? shaded(data.figure, data.shades) : structuredClone(data.figure);
    const layout = { autosize: true, uirevision: data.key, ...figure.layout };
    Object.assign(layout, { height: data.height - state.title.offsetHeight, template: template(t) });
    delete layout.title;
    layout.shapes = withCursor(layout.shapes, cursors.get(data.key), t.text);
    const locales = { [data.locale]: { dictionary: data.words, format: {} } };
    const config = { displaylogo: false, responsive: false, locale: data.locale, locales, ...data.config };
    await window.Plotly.react(node, figure.data, layout, config);
    if (state.watched !== true) {
      state.watched = true;
      node.on("plotly_click", (event) => {
        const x = event.points?.[0]?.x;
        if (x === undefined) return;
        window.dispatchEvent(new CustomEvent("gan-plot-click", { detail: { key: state.data.key, x } }));
        if (state.data.clickable) state.trigger("click", x);
      });
    }
  } while (state.again && !state.gone);
  state.drawing = false;
}

// Drawing takes processor time, from a training on the same machine too: a chart that nobody sees takes in its newest
// data when it comes into sight. The first time it is drawn wherever it is.
function drawIfSeen(state) {
  if (state.watched && (document.hidden || state.away)) { state.stale = true; return; }
  state.stale = false;
  draw(state);
}

document.addEventListener("visibilitychange", () => charts.forEach((state) => state.stale && drawIfSeen(state)));

// The margins have a chart drawn just before it comes into sight.
function watchSight(state) {
  const seen = (entries) => {
    state.away = !entries.at(-1).isIntersecting;
    if (state.stale) drawIfSeen(state);
  };
  const sight = new IntersectionObserver(seen, { rootMargin: "200px", scrollMargin: "200px" });
  sight.observe(state.node);
  return sight;
}

function mountCursor({ data, parentElement }) {
  parentElement.closest('[data-testid="stElementContainer"]')?.style.setProperty("display", "none");
  window.ganSetCursor(data.key, data.cursor);
  return () => window.ganSetCursor(data.key, null);
}

export default function (component) {
  const { data, parentElement, setTriggerValue } = component;
  if ("cursor" in data) return mountCursor(component);
  let node = parentElement.querySelector(":scope > .gan-plot");
  if (!node) {
    node = document.createElement("div");
    node.className = "gan-plot";
    parentElement.append(node);
  }
  let state = node.ganState;
  if (!state || state.gone) {   // an element may leave the page and come back with its old content
    const title = document.createElement("div");
    title.className = "gan-plot-title";
    node.before(title);
    state = node.ganState = { node, title };
    state.observer = new ResizeObserver(() => state.watched && node.offsetWidth && window.Plotly.Plots.resize(node));
    state.observer.observe(parentElement);
    state.sight = watchSight(state);
  }
  Object.assign(state, { data, trigger: setTriggerValue });
  charts.set(data.key, state);
  setTitle(state);
  node.style.minHeight = data.height - state.title.offsetHeight + "px";   // the place is kept while plotly.js loads
  node.setAttribute("role", "img");
  node.setAttribute("aria-label", data.alt);
  loadPlotly(data.route).then(
    () => { node.classList.remove("gan-plot-missing"); if (!state.gone) drawIfSeen(state); },
    () => { if (!state.watched) { node.classList.add("gan-plot-missing"); node.textContent = data.alt; } },
  );
  return () => {
    state.gone = true;
    state.title.remove();
    state.observer.disconnect();
    state.sight.disconnect();
    if (charts.get(data.key) === state) charts.delete(data.key);
    window.Plotly?.purge(node);
  };
}
