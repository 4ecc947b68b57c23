// Every page with a form: the text size changes without a reload, so that nothing typed or ticked is lost,
// an error summary takes the focus, and a double click sends a form once. All of it works without this script too
// (a link; a summary that comes first; the server knows a repeat).

const root = document.documentElement;

for (const link of document.querySelectorAll("[data-size-choice]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const size = link.dataset.sizeChoice;
    root.dataset.size = size;
    document.cookie = `size=${size}; path=/; max-age=31536000; samesite=lax`;
    for (const other of document.querySelectorAll("[data-size-choice]")) {
      other.toggleAttribute("aria-current", false);
    }
    link.setAttribute("aria-current", "true");
  });
}

document.querySelector("[data-focus]")?.focus();

const ANSWER_AWAITED = 5000; // milliseconds; afterwards somebody may well press again

for (const form of document.querySelectorAll("form[data-once]")) {
  let sentAt = -Infinity;
  form.addEventListener("submit", (event) => {
    if (event.timeStamp - sentAt < ANSWER_AWAITED) event.preventDefault();
    else sentAt = event.timeStamp;
  });
  addEventListener("pageshow", () => (sentAt = -Infinity)); // the back button shows this page as it was left
}
