// Every page with a form: the text size changes without a reload, so that nothing typed or ticked is lost,
// and an error summary takes the focus. Both work without this script too (a link; a summary that comes first).

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
