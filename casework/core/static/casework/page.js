// Runs before the first paint: the system's light or dark, and names hidden on a screen that others can see.
(() => {
  const root = document.documentElement;
  const dark = window.matchMedia("(prefers-color-scheme: dark)");
  const follow = () => { root.dataset.bsTheme = dark.matches ? "dark" : "light"; };
  follow();
  dark.addEventListener("change", follow);
  try {
    root.classList.toggle("hide-names", window.sessionStorage.getItem("hide-names") === "1");
  } catch {
    // Storage is switched off in this browser: the button works for the page at hand.
  }
})();
