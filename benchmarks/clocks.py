"""Clocks that run in the browser, as scripts for its page: milliseconds up to the frame that shows what is waited for.

A ready picture is one that is drawn, not just asked for. What has not come after a minute is an error: a browser that
draws no frames any more would otherwise be waited for without end.
"""

# From the click on a page's name to the heading, the content, and the end; what never comes is an error after a minute.
SWITCH = """([href, title, content]) => new Promise((resolve, reject) => {
  const main = () => document.querySelector("[data-testid=stMain]");
  const shown = (node) => node && !node.closest("[data-stale=true]") && (node.tagName !== "IMG" || node.complete);
  const marks = {}, began = performance.now();
  const tests = {
    title: () => main()?.querySelector("h1")?.textContent.trim() === title && shown(main().querySelector("h1")),
    content: () => "title" in marks && [...main().querySelectorAll(content)].some(shown),
    end: () => "content" in marks
      && document.querySelector("[data-testid=stApp]").dataset.testScriptState === "notRunning",
  };
  const look = () => {
    const now = performance.now() - began;
    for (const [name, holds] of Object.entries(tests)) if (!(name in marks) && holds()) marks[name] = now;
    if ("end" in marks) resolve(marks); else requestAnimationFrame(look);
  };
  setTimeout(() => reject(new Error(`${title} showed only: ${Object.keys(marks)}`)), 60000);
  [...document.querySelectorAll("[data-testid=stSidebarNavLink]")].find((link) => new URL(link.href).pathname === href)
    .click();
  requestAnimationFrame(look);
})"""
# Moves the film's slider as a hand would; until the picture is another.
FILM = """() => new Promise((resolve, reject) => {
  const slider = document.querySelector(".gan-film-slider"), canvas = document.querySelector("canvas.gan-film-picture");
  const before = canvas.toDataURL(), began = performance.now();
  slider.value = Number(slider.value) === Number(slider.max) ? slider.min : slider.max;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  const look = () => canvas.toDataURL() !== before ? resolve(performance.now() - began) : requestAnimationFrame(look);
  setTimeout(() => reject(new Error("the film stays at its picture")), 60000);
  requestAnimationFrame(look);
})"""
FILM_DRAWN = "document.querySelector('.gan-film-picture')?.getContext('2d').getImageData(0, 0, 1, 1).data[3] > 0"
# From the next key or click until the picture of that alt text is another: `window.ganChanged` is the answer to come.
WATCH = """(alt) => {
  const picture = () => document.querySelector(`[data-testid=stMain] img[alt*="${alt}"]`);
  const before = picture().src;
  let began;
  for (const kind of ["keydown", "pointerdown"])
    window.addEventListener(kind, () => { began ??= performance.now(); }, { capture: true, once: true });
  window.ganChanged = new Promise((resolve, reject) => {
    const look = () => {
      const now = picture();
      if (began && now && now.src !== before && now.complete) resolve(performance.now() - began);
      else requestAnimationFrame(look);
    };
    setTimeout(() => reject(new Error(`the picture of ${alt} stays the same`)), 60000);
    look();
  });
}"""
CHANGED = "() => window.ganChanged"
# Whether the chart of the losses has a point.
POINT = """() => [...(window.ganCharts?.values() ?? [])].some((state) => !state.gone
  && state.data.key.endsWith(".losses") && (state.node._fullData?.[0]?._length ?? 0) > 0)"""
