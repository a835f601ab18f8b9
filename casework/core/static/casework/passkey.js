// What the library's passkey script cannot do: say that it failed, or that this browser knows no passkeys.
(() => {
  const show = (name) => {
    const note = document.querySelector(`[data-passkey="${name}"]`);
    if (!note) return;
    for (const other of document.querySelectorAll("[data-passkey]")) other.hidden = other !== note;
    // Filled in late, so that it is read out.
    const words = note.querySelector("[data-words]");
    words.textContent = words.dataset.words;
  };
  document.addEventListener("allauth.error", (event) => {
    event.preventDefault();
    // `SecurityError`: the page's address is no name under which a browser keeps passkeys.
    const kinds = { SecurityError: "address", InvalidStateError: "known" };
    show(kinds[event.detail.exception?.name] ?? "failed");
  });
  document.addEventListener("DOMContentLoaded", () => {
    if (!window.PublicKeyCredential) show("missing");
    for (const button of document.querySelectorAll("[data-needs-script]")) {
      button.hidden = !window.PublicKeyCredential;
    }
  });
})();
