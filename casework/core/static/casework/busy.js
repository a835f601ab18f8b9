// A form under way says so and is not sent twice. Without this script the form works just the same.
(() => {
  const forms = new WeakSet();
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented) return;
    if (forms.has(form)) {
      event.preventDefault();
      return;
    }
    const button = event.submitter;
    if (!button || !button.dataset.busyText || form.dataset.download !== undefined) return;
    forms.add(form);
    button.dataset.idleText = button.textContent;
    button.textContent = button.dataset.busyText;
    // Not `disabled`: a disabled button's name and value would not be sent.
    button.setAttribute("aria-disabled", "true");
    form.setAttribute("aria-busy", "true");
  });
  // A page taken back from the browser's memory must be usable again.
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    for (const button of document.querySelectorAll("[data-idle-text]")) {
      button.textContent = button.dataset.idleText;
      button.removeAttribute("aria-disabled");
      button.form?.removeAttribute("aria-busy");
      if (button.form) forms.delete(button.form);
    }
  });
})();
