// Warns before the sign-in ends for want of use. Any tab that loads a page, or says "stay", tells the others.
(() => {
  const dialog = document.querySelector("dialog.idle-warning");
  if (!dialog) return;
  const unused = Number(dialog.dataset.unused) * 1000;
  const warned = Number(dialog.dataset.warned) * 1000;
  const form = dialog.querySelector("form");
  const [stay, close] = form.querySelectorAll("button");
  const channel = "BroadcastChannel" in window ? new BroadcastChannel("casework-seen") : null;
  let seen = Date.now();
  let dismissed = false;

  const used = (at) => {
    seen = Math.max(seen, at);
    dismissed = false;
    if (dialog.open && Date.now() - seen < unused - warned) dialog.close();
  };
  const look = () => {
    const left = unused - (Date.now() - seen);
    if (left > warned || dismissed) return;
    const over = left <= 0;
    dialog.querySelector("[data-idle=before]").hidden = over;
    dialog.querySelector("[data-idle=after]").hidden = !over;
    stay.hidden = over;
    close.hidden = !over;
    if (!dialog.open) dialog.showModal();
  };

  if (channel) {
    channel.onmessage = (event) => used(Number(event.data));
    channel.postMessage(seen);
  }
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      const answer = await fetch(form.action, { method: "POST", body: new FormData(form), redirect: "manual" });
      if (answer.status !== 204) throw new Error("signed out");
      used(Date.now());
      if (channel) channel.postMessage(seen);
    } catch {
      seen = Date.now() - unused;
      look();
    }
  });
  close.addEventListener("click", () => { dismissed = true; dialog.close(); });
  // A laptop that slept has missed its timers: look again when the page is seen again.
  document.addEventListener("visibilitychange", look);
  window.setInterval(look, 5000);
})();
