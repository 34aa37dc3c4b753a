// The sheets of a run as a film: a slider, play, one step back and forth, the discriminator's verdict on each tile, and
// the vertical cursor of the charts in step. It plays in the browser; the server learns where it came to rest.

const ICONS = {
  play: "M8 5v14l11-7z", pause: "M6 5h4v14H6zm8 0h4v14h-4z", back: "M15.4 6 14 4.6 6.6 12l7.4 7.4 1.4-1.4-6-6z",
  forth: "M8.6 18 10 19.4 17.4 12 10 4.6 8.6 6l6 6z", newest: "M5 18l8.5-6L5 6v12zM16 6v12h2V6h-2z",
};
const GAP = 2;       // pixels between two tiles of a sheet, as gan_core.images draws it
const AHEAD = 12;    // pictures fetched before they are due
const READABLE = 34; // CSS pixels that a tile must be wide to carry a number

function icon(name) {
  return `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;
}

function element(tag, parent, properties = {}) {
  const made = Object.assign(document.createElement(tag), properties);
  parent.append(made);
  return made;
}

function root() {
  // The app may live under a prefix (a proxy), so the root is where Streamlit's own scripts came from.
  const own = document.querySelector('script[src*="/static/js/"]')?.src ?? location.origin + "/static/js/";
  return own.slice(0, own.indexOf("/static/js/"));
}

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

function setCursor(key, x) {
  // The charts' own script may not have come yet; it finds the cursor where it keeps its cursors.
  if (window.ganSetCursor) window.ganSetCursor(key, x);
  else (window.ganCursors ??= new Map()).set(key, x);
}

function build(parent) {
  const node = element("div", parent, { className: "gan-timeline" });
  node.setAttribute("role", "group");
  const stage = element("div", node, { className: "gan-stage" });
  const parts = { node, stage, image: element("img", stage), tiles: element("div", stage) };
  parts.track = element("div", node, { className: "gan-track" });
  parts.slider = element("input", parts.track, { type: "range", min: 0, step: 1 });
  const controls = element("div", node, { className: "gan-controls" });
  for (const name of ["play", "back", "forth", "newest"])
    parts[name] = element("button", controls, { type: "button", className: "gan-" + name, innerHTML: icon(name) });
  parts.where = element("span", controls, { className: "gan-where" });
  const label = element("label", controls);
  parts.speedTitle = element("span", label);
  parts.speed = element("select", label);
  return parts;
}

class Timeline {
  constructor(parent) {
    this.parts = build(parent);
    this.index = 0;
    this.following = true;       // stays at the newest sheet while the run trains
    this.pictures = new Map();   // step -> Image, so that the browser keeps them decoded
    const { play, back, forth, newest, slider, speed, image } = this.parts;
    play.onclick = () => (this.timer ? this.pause() : this.play());
    back.onclick = () => this.rest(this.index - 1);
    forth.onclick = () => this.rest(this.index + 1);
    newest.onclick = () => this.rest(this.last);
    slider.oninput = () => { this.halt(); this.show(Number(slider.value)); };
    slider.onchange = () => this.rest(Number(slider.value));
    speed.onchange = () => {
      this.send("speed", Number(speed.value));
      if (this.timer) { this.halt(); this.play(); }
    };
    image.onload = () => this.layout();
    this.observer = new ResizeObserver(() => this.layout());
    this.observer.observe(parent);
    this.onClick = (event) => this.clicked(event.detail);
    window.addEventListener("gan-plot-click", this.onClick);
  }

  get last() { return this.data.sheets.length - 1; }

  update(data, send) {
    const fresh = data.run !== this.data?.run;
    this.data = data;
    this.send = send;
    if (fresh) {
      this.halt();
      this.pictures.clear();
      const asked = data.sheets.findIndex((sheet) => sheet[0] === data.step);
      this.following = asked < 0 || asked === this.last;
      this.index = asked < 0 ? this.last : asked;
    } else if (this.following && !this.timer) this.index = this.last;
    this.write();
    this.show(Math.min(this.index, this.last));
  }

  write() {
    const { parts, data } = this;
    parts.node.setAttribute("aria-label", data.words.title);
    for (const name of ["back", "forth", "newest"]) {
      parts[name].title = data.words[name];
      parts[name].setAttribute("aria-label", data.words[name]);
    }
    parts.slider.max = this.last;
    parts.slider.setAttribute("aria-label", data.words.slider);
    parts.speedTitle.textContent = data.words.speed;
    if (parts.speed.options.length !== data.speeds.length)
      parts.speed.replaceChildren(...data.speeds.map((speed) => new Option("", speed)));
    data.speeds.forEach((speed, i) => { parts.speed.options[i].text = fill(data.words.rate, { speed }); });
    parts.speed.value = data.speed;
    parts.track.querySelectorAll("b").forEach((mark) => mark.remove());
    data.sheets.forEach((sheet, i) => {
      if (!sheet[2]) return;
      // A range's thumb, some 16 pixels wide, never leaves its track.
      const share = this.last ? i / this.last : 0.5;
      element("b", parts.track, { title: data.words.kept }).style.left = `calc(8px + ${share} * (100% - 16px))`;
    });
  }

  show(index) {
    const { parts, data } = this;
    this.index = index;
    const [step, epoch] = data.sheets[index];
    const told = { epoch: epoch.toFixed(Number.isInteger(epoch) ? 0 : 2), number: index + 1, count: this.last + 1, step };
    const picture = this.picture(index);
    if (parts.image.src !== picture.src) parts.image.src = picture.src;
    parts.image.alt = fill(data.words.alt, told);
    parts.where.textContent = fill(data.words.where, told);
    parts.slider.value = index;
    parts.slider.setAttribute("aria-valuetext", parts.where.textContent);
    parts.back.disabled = index === 0;
    parts.forth.disabled = parts.newest.disabled = index === this.last;
    const doing = this.timer ? "pause" : "play";
    if (parts.play.dataset.icon !== doing) {
      parts.play.dataset.icon = doing;
      parts.play.innerHTML = icon(doing);
    }
    parts.play.disabled = this.last === 0;
    parts.play.title = data.words[doing];
    parts.play.setAttribute("aria-label", data.words[doing]);
    this.judge();
    for (const key of data.charts) setCursor(key, epoch);
  }

  picture(index) {
    const [step] = this.data.sheets[index];
    if (!this.pictures.has(step)) {
      const made = new Image();
      made.src = `${root()}${this.data.route}/${step}.png`;
      this.pictures.set(step, made);
    }
    return this.pictures.get(step);
  }

  layout() {
    const { image, stage, node } = this.parts;
    if (!image.naturalWidth || !node.clientWidth) return;
    // Whole multiples only: every pixel of the sheet is then as large as its neighbour.
    const factor = Math.max(1, Math.floor(Math.min(node.clientWidth / image.naturalWidth, 560 / image.naturalHeight)));
    stage.style.width = `${factor * image.naturalWidth}px`;
    stage.style.height = `${factor * image.naturalHeight}px`;
    this.judge();
  }

  judge() {
    const { image, tiles, stage } = this.parts;
    const verdicts = this.data.verdicts ? this.data.sheets[this.index][3] : [];
    if (tiles.children.length !== verdicts.length)
      tiles.replaceChildren(...verdicts.map(() => {
        const tile = Object.assign(document.createElement("div"), { className: "gan-tile" });
        tile.append(document.createElement("i"), document.createElement("span"));
        return tile;
      }));
    if (!verdicts.length || !image.naturalWidth) return;
    const { rows, columns } = this.data;
    const across = (image.naturalWidth + GAP) / columns, down = (image.naturalHeight + GAP) / rows;
    stage.classList.toggle("gan-tiny", (stage.clientWidth / columns) < READABLE);
    verdicts.forEach((percent, i) => {
      const tile = tiles.children[i], [bar, text] = tile.children;
      Object.assign(tile.style, {
        left: `${(100 * across * (i % columns)) / image.naturalWidth}%`, width: `${(100 * (across - GAP)) / image.naturalWidth}%`,
        top: `${(100 * down * Math.floor(i / columns)) / image.naturalHeight}%`, height: `${(100 * (down - GAP)) / image.naturalHeight}%`,
      });
      tile.title = fill(this.data.words.verdict, { percent });
      text.textContent = `${percent}%`;
      bar.style.width = `${percent}%`;
      bar.style.background = percent >= 50 ? "#56b4e9" : "#f0a030"; // fooled: the generator's blue; seen through: orange
    });
  }

  play() {
    if (this.index === this.last) this.index = 0;
    this.following = false;
    this.timer = setInterval(() => this.tick(), 1000 / this.data.speed);
    this.show(this.index);
  }

  tick() {
    for (let i = this.index + 1; i <= Math.min(this.last, this.index + AHEAD); i++) this.picture(i);
    if (!this.picture(Math.min(this.index + 1, this.last)).complete) return; // a slow line slows the film, no more
    if (this.index < this.last) this.show(this.index + 1);
    if (this.index >= this.last) this.rest(this.last);
  }

  halt() {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  pause() { this.rest(this.index); }

  rest(index) {
    this.halt();
    this.show(Math.max(0, Math.min(index, this.last)));
    this.following = this.index === this.last;
    this.send("step", this.following ? null : this.data.sheets[this.index][0]);
  }

  clicked({ key, x }) {
    if (!this.data.charts.includes(key)) return;
    const far = this.data.sheets.map((sheet) => Math.abs(sheet[1] - x));
    this.rest(far.indexOf(Math.min(...far)));
  }

  remove() {
    this.halt();
    this.observer.disconnect();
    window.removeEventListener("gan-plot-click", this.onClick);
    for (const key of this.data.charts) setCursor(key, null);
  }
}

export default function ({ data, parentElement, setStateValue }) {
  const timeline = (parentElement.ganTimeline ??= new Timeline(parentElement));
  timeline.update(data, setStateValue);
  return () => {
    timeline.remove();
    timeline.parts.node.remove();
    parentElement.ganTimeline = undefined;
  };
}
