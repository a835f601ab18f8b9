// "Hide names" in the page's head: initials only, for trains and open offices. A flag is kept for the browser session.
(() => {
  const root = document.documentElement;
  for (const button of document.querySelectorAll("[data-hide-names]")) {
    const show = () => button.setAttribute("aria-pressed", String(root.classList.contains("hide-names")));
    button.hidden = false;
    show();
    button.addEventListener("click", () => {
      const hidden = root.classList.toggle("hide-names");
      try {
        window.sessionStorage.setItem("hide-names", hidden ? "1" : "0");
      } catch {
        // Storage is switched off: nothing to keep.
      }
      show();
    });
  }
})();
