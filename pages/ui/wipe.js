// Two pictures over each other and a slider that uncovers one. Moving it touches one CSS variable: the server hears of
// it only when the visitor lets go. Streamlit calls the default export again for new pictures; the slider stays then.

function build(root) {
  root.innerHTML = `
    <div class="gan-wipe-names"><span></span><span></span></div>
    <div class="gan-wipe-stage">
      <img class="gan-wipe-right" draggable="false"><img class="gan-wipe-left" draggable="false">
      <input type="range" min="0" max="100" step="1"><div class="gan-wipe-line"></div>
    </div>`;
}

export default function ({ data, parentElement, setStateValue }) {
  let root = parentElement.querySelector(":scope > .gan-wipe");
  const fresh = !root;
  if (fresh) {
    root = document.createElement("div");
    root.className = "gan-wipe";
    build(root);
    parentElement.append(root);
  }
  const slider = root.querySelector("input");
  const move = () => {
    root.style.setProperty("--at", slider.value + "%");
    slider.setAttribute("aria-valuetext", data.spoken.replace("{share}", slider.value));
  };
  if (fresh) slider.value = data.at;
  slider.setAttribute("aria-label", data.label);
  slider.oninput = move;
  slider.onchange = () => setStateValue("at", Number(slider.value));
  root.style.width = data.width + "px";
  root.querySelectorAll(".gan-wipe-names span").forEach((node, index) => { node.textContent = data.names[index]; });
  for (const [index, side] of ["left", "right"].entries()) {
    const image = root.querySelector(".gan-wipe-" + side);
    image.src = data.pictures[index];
    image.alt = data.alts[index];
  }
  move();
}
