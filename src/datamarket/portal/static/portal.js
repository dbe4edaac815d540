// Makes pages quicker; each of them works without it.

/** A form is sent once: its key makes a second sending the same write, and its button says that it is under way. */
document.addEventListener("submit", (event) => {
  const button = event.submitter ?? event.target.querySelector("button");
  if (event.target.method === "post" && button) {
    button.setAttribute("aria-busy", "true");
    setTimeout(() => { button.disabled = true; });
  }
});

/** A page that is shown again by the browser's own memory lets its buttons be pressed again. */
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("button[aria-busy]")) {
    button.removeAttribute("aria-busy");
    button.disabled = false;
  }
});

/** A search form that asks as one types: the answer is the same page, of which the part `data-live` is replaced. */
for (const form of document.querySelectorAll("form[data-live]")) {
  const target = document.getElementById(form.dataset.live);
  let waiting, running;
  const ask = async () => {
    running?.abort();
    running = new AbortController();
    const address = `${form.getAttribute("action")}?${new URLSearchParams(new FormData(form))}`;
    try {
      const answer = await fetch(address, { signal: running.signal, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      target.replaceChildren(...page.getElementById(target.id).childNodes);
      history.replaceState(null, "", address);
    } catch (error) {
      if (error.name !== "AbortError") throw error;
    }
  };
  form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 200); });
  form.addEventListener("change", ask);
}
