// One film in one DOM node: a canvas, a play button, a slider and a caption. Streamlit calls the default export again for
// new frames and for a new theme; the position is the visitor's and stays.

function element(tag, className, parent) {
  const made = document.createElement(tag);
  made.className = className;
  parent.append(made);
  return made;
}

function build(parent) {
  const node = element("div", "gan-film", parent);
  const canvas = element("canvas", "gan-film-picture", node);
  canvas.setAttribute("role", "img");
  const bar = element("div", "gan-film-bar", node);
  const play = element("button", "gan-film-play", bar);
  play.type = "button";
  const slider = element("input", "gan-film-slider", bar);
  slider.type = "range";
  slider.min = 0;
  slider.step = 1;
  const caption = element("div", "gan-film-caption", node);
  const film = { node, canvas, play, slider, caption, position: null, playing: 0, direction: 1, sheet: null };
  slider.addEventListener("input", () => { pause(film); show(film, Number(slider.value)); });
  slider.addEventListener("change", () => report(film));
  play.addEventListener("click", () => (film.playing ? pause(film, true) : start(film)));
  return film;
}

function show(film, position) {
  const { data, canvas, slider, caption } = film;
  film.position = Math.min(Math.max(position, 0), data.count - 1);
  slider.value = film.position;
  const text = data.captions[film.position] ?? "";
  caption.textContent = text;
  slider.setAttribute("aria-valuetext", text);
  canvas.setAttribute("aria-label", text ? `${data.alt} ${text}` : data.alt);
  if (!film.sheet) return;
  const x = (film.position % data.columns) * data.width;
  const y = Math.floor(film.position / data.columns) * data.height;
  canvas.getContext("2d").drawImage(film.sheet, x, y, data.width, data.height, 0, 0, data.width, data.height);
}

function report(film) {
  if (film.reported === film.position) return;
  film.reported = film.position;
  film.tell("position", film.position);
}

function label(film) {
  film.play.textContent = film.playing ? "❚❚" : "▶";
  film.play.setAttribute("aria-label", film.playing ? film.data.words.pause : film.data.words.play);
  film.play.title = film.play.getAttribute("aria-label");
}

function pause(film, tell) {
  clearInterval(film.playing);
  film.playing = 0;
  label(film);
  if (tell) report(film);
}

function start(film) {
  film.playing = setInterval(() => {
    const last = film.data.count - 1;
    if (film.data.loop) return show(film, film.position === last ? 0 : film.position + 1);
    if (film.position >= last) film.direction = -1;
    if (film.position <= 0) film.direction = 1;
    show(film, film.position + film.direction);
  }, film.data.milliseconds);
  label(film);
}

function load(film, data) {
  const image = new Image();
  film.wanted = data.sheet;
  image.onload = () => {
    if (film.wanted !== data.sheet) return;             // newer frames are on their way
    film.data = data;
    film.sheet = image;
    if (film.canvas.width !== data.width) film.canvas.width = data.width;
    if (film.canvas.height !== data.height) film.canvas.height = data.height;
    film.slider.max = data.count - 1;
    show(film, film.position ?? data.position);
  };
  image.src = data.sheet;
}

export default function ({ data, parentElement, setStateValue }) {
  let film = parentElement.ganFilm;
  if (!film || !parentElement.contains(film.node)) {
    film = parentElement.ganFilm = build(parentElement);
    film.position = film.reported = data.position;
  }
  film.tell = setStateValue;
  film.slider.setAttribute("aria-label", data.words.position);
  const scale = data.size / Math.max(data.width, data.height);
  film.canvas.style.width = Math.round(data.width * scale) + "px";
  film.canvas.style.aspectRatio = `${data.width} / ${data.height}`;
  if (!film.data) {                                      // the place is kept while the first sheet is decoded
    film.data = data;
    film.slider.max = data.count - 1;
    show(film, film.position);
  }
  label(film);
  if (film.wanted !== data.sheet) load(film, data);
  else { film.data = data; show(film, film.position); }
  return () => clearInterval(film.playing);
}
