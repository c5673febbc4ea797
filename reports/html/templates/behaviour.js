(() => {
  "use strict";
  for (const button of document.querySelectorAll("button.copy")) {
    if (!navigator.clipboard) break;
    button.hidden = false;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
      button.textContent = "Copied";
      setTimeout(() => { button.textContent = "Copy"; }, 1500);
    });
  }

  const form = document.querySelector("form.filter");
  const apply = () => {
    const text = form.elements.text.value.trim().toLowerCase();
    const wanted = new Set([...form.querySelectorAll("[name=verdict]:checked")].map((box) => box.value));
    let shown = 0;
    for (const row of document.querySelectorAll("table.matrix > tbody > tr")) {
      const rowNamed = row.dataset.line.toLowerCase().includes(text);
      let any = false;
      for (const chip of row.querySelectorAll(".chip")) {
        const named = rowNamed || chip.dataset.name.toLowerCase().includes(text);
        const visible = named && chip.dataset.verdicts.split(" ").some((verdict) => wanted.has(verdict));
        chip.hidden = !visible;
        any ||= visible;
        shown += visible;
      }
      row.hidden = !any && !(rowNamed && !row.querySelector(".chip"));
    }
    form.querySelector("output").textContent = shown + " shown";
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());

  const reveal = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    if (target) target.scrollIntoView({ block: "start" });
  };
  addEventListener("hashchange", reveal);
  reveal();
  addEventListener("beforeprint", () => {
    for (const card of document.querySelectorAll("details.card, details.axis")) card.open = true;
  });
})();
