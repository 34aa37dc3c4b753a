// Small charts that share a cursor: SVG, no library.

const SVG = "http://www.w3.org/2000/svg";
const BOX = { height: 190, left: 40, right: 12, top: 6, bottom: 20 };

function shape(name, attributes, text = "") {
  const element = document.createElementNS(SVG, name);
  Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
  element.textContent = text;
  return element;
}

/** A handful of round numbers that span a range. */
function ticks(low, high) {
  const raw = (high - low || 1) / 5;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((width) => width >= raw);
  const first = Math.ceil(low / step - 1e-9);
  return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, index) =>
    Number(((first + index) * step).toPrecision(6)));
}

/**
 * A chart, `width` pixels wide, of `series` [{label, color, values}] over `xs`; gaps are null. Answers with its element
 * and `point(x)`, which moves the cursor and writes the values there. `choose(x)` hears where the reader clicks.
 */
function chart(title, width, xs, series, range, choose) {
  const present = series.flatMap((one) => one.values).filter((value) => value !== null);
  const [low, high] = range ?? [Math.min(0, ...present), Math.max(...present)];
  const [first, last] = [xs[0], xs[xs.length - 1]];
  const across = (x) => BOX.left + ((x - first) / (last - first || 1)) * (width - BOX.left - BOX.right);
  const down = (y) => BOX.top + ((high - y) / (high - low || 1)) * (BOX.height - BOX.top - BOX.bottom);
  const svg = shape("svg", { viewBox: `0 0 ${width} ${BOX.height}`, role: "img" });
  svg.setAttribute("aria-label", `${title}: ${series.map((one) => one.label).join(", ")}`);
  ticks(low, high).forEach((y) => {
    svg.append(
      shape("line", { class: "grid", x1: BOX.left, x2: width - BOX.right, y1: down(y), y2: down(y) }),
      shape("text", { x: BOX.left - 6, y: down(y) + 4, "text-anchor": "end" }, y),
    );
  });
  ticks(first, last).forEach((x) => {
    svg.append(shape("text", { x: across(x), y: BOX.height - 4, "text-anchor": "middle" }, x));
  });
  series.forEach((one) => svg.append(shape("path", { d: line(xs, one.values, across, down), stroke: one.color })));
  const cursor = shape("line", { class: "cursor", y1: BOX.top, y2: BOX.height - BOX.bottom });
  svg.append(cursor);

  const figure = document.createElement("figure");
  figure.className = "chart";
  const caption = document.createElement("figcaption");
  const heading = document.createElement("b");
  heading.textContent = title;
  const values = series.map((one) => {
    const entry = document.createElement("span");
    entry.style.color = one.color;
    return entry;
  });
  caption.append(heading, ...values);
  figure.append(caption, svg);

  function point(x) {
    const place = across(Math.min(Math.max(x, first), last));
    cursor.setAttribute("x1", place);
    cursor.setAttribute("x2", place);
    const index = nearest(xs, x);
    series.forEach((one, rank) => {
      const value = one.values[index];
      values[rank].textContent = `${one.label} ${value === null ? "" : value.toPrecision(3)}`;
    });
  }
  svg.addEventListener("click", (event) => {
    const bounds = svg.getBoundingClientRect();
    const inside = ((event.clientX - bounds.left) / bounds.width) * width;
    choose(first + ((inside - BOX.left) / (width - BOX.left - BOX.right)) * (last - first));
  });
  return { figure, point };
}

function line(xs, values, across, down) {
  let command = "M";
  return values.map((value, index) => {
    if (value === null) {
      command = "M";
      return "";
    }
    const part = `${command}${across(xs[index]).toFixed(1)} ${down(value).toFixed(1)}`;
    command = "L";
    return part;
  }).join("");
}

/** The index of the number nearest to `x` in a rising list. */
function nearest(xs, x) {
  let [low, high] = [0, xs.length - 1];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (xs[middle] <= x) low = middle;
    else high = middle;
  }
  return x - xs[low] <= xs[high] - x ? low : high;
}
