// The consent page, made lively: the summary names what is ticked, one button ticks all accounts, and a dialog asks
// for more time when two minutes are left. The server checks everything again; without this script all still works.

const form = document.querySelector("#consent");
const ticked = (name) => [...form.querySelectorAll(`input[name="${name}"]:checked`)].map((box) => box.dataset.said);

function showAccounts() {
  const place = form.querySelector("[data-accounts]");
  const names = ticked("account");
  if (names.length === 0) {
    place.replaceChildren(place.dataset.none);
    return;
  }
  const list = document.createElement("small");
  list.className = "line";
  list.textContent = names.join(place.dataset.between);
  place.replaceChildren(place.dataset.count.replace("{n}", names.length), list);
}

function showScopes() {
  const place = form.querySelector("[data-scopes]");
  const names = ticked("scope");
  place.textContent = names.length === 0 ? place.dataset.none : [place.dataset.always, ...names].join(place.dataset.between);
}

function show() {
  showAccounts();
  showScopes();
}

form.addEventListener("change", show);
window.addEventListener("pageshow", show); // the back button brings ticks back without a change event
show();

const all = form.querySelector("[data-select-all]");
if (all) {
  all.hidden = false;
  all.addEventListener("click", () => {
    for (const box of form.querySelectorAll('input[name="account"]')) box.checked = true;
    show();
  });
}

// A second click on a decision must not send the form twice.
form.addEventListener("submit", (event) => {
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => delete form.dataset.sent);

window.addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("details")) details.open = true;
});

const dialog = document.querySelector("#time");
let timers = [];

function watch(seconds) {
  timers.forEach(clearTimeout);
  timers = [
    setTimeout(() => dialog.showModal(), Math.max(0, seconds - Number(dialog.dataset.warnAt)) * 1000),
    setTimeout(() => window.location.assign(dialog.dataset.here), (seconds + 1) * 1000), // the server then says what is true
  ];
}

dialog.querySelector("[data-close]")?.addEventListener("click", () => dialog.close());
dialog.querySelector("[data-extend]").addEventListener("submit", async (event) => {
  event.preventDefault();
  const extend = event.target;
  try {
    const answer = await fetch(extend.action, {
      method: "POST",
      headers: { Accept: "application/json" },
      body: new URLSearchParams(new FormData(extend)),
    });
    if (!answer.ok) throw new Error(String(answer.status));
    watch((await answer.json()).seconds_left);
    dialog.close();
  } catch {
    extend.submit(); // what went wrong, the page that comes says
  }
});

watch(Number(dialog.dataset.seconds));
