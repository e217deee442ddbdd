// Filters, sorts and opens findings. The page is complete without it: nothing is made here that is not in the page.
"use strict";
(() => {
  const list = document.getElementById("list");
  const tools = document.getElementById("tools");
  const none = document.getElementById("none");
  if (!tools) return;
  const findings = Array.from(list.children);
  const output = tools.querySelector("output");
  const toggle = tools.querySelector("[data-toggle]");
  const selects = Array.from(tools.querySelectorAll("select")).filter((one) => one.name !== "sort");
  const texts = new Map();
  const number = new Intl.NumberFormat("en-US");

  const text = (finding) => {
    if (!texts.has(finding)) texts.set(finding, finding.textContent.toLowerCase());
    return texts.get(finding);
  };
  const shown = () => findings.filter((finding) => !finding.hidden);

  const apply = () => {
    const severities = new Set(Array.from(tools.querySelectorAll("[name=severity]:checked"), (one) => one.value));
    const wanted = selects.filter((one) => one.value !== "").map((one) => [one.name, one.value]);
    const words = tools.elements.text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const finding of findings) {
      const data = finding.dataset;
      const meant = severities.has(data.severity)
        && wanted.every(([name, value]) => data[name].split(" ").includes(value))
        && words.every((word) => text(finding).includes(word));
      finding.hidden = !meant;
      if (meant) count += 1;
    }
    none.hidden = count > 0;
    output.value = count === findings.length ? number.format(count) + (count === 1 ? " finding" : " findings")
      : number.format(count) + " of " + number.format(findings.length);
    label();
  };

  const orders = {
    severity: null,
    money: (a, b) => Number(b.dataset.money) - Number(a.dataset.money),
    place: (a, b) => Number(a.dataset.place) - Number(b.dataset.place),
  };
  const sort = () => {
    const order = orders[tools.elements.sort.value];
    list.append(...(order ? findings.slice().sort(order) : findings));
  };

  const label = () => {
    toggle.textContent = shown().some((finding) => !finding.open) ? "Open all" : "Close all";
  };

  const advise = (finding) => {
    const place = finding.querySelector(".advice");
    if (place.dataset.done) return;
    place.dataset.done = "yes";
    const of = place.dataset.advice;
    const why = document.querySelector('[data-why="' + of + '"]');
    const fix = document.querySelector('[data-fix="' + of + '"][data-dialect="' + place.dataset.dialect + '"]');
    place.prepend(...[fix, why].filter(Boolean).map((one) => {
      const copy = one.cloneNode(true);
      copy.removeAttribute("data-why");
      copy.removeAttribute("data-fix");
      return copy;
    }));
  };

  const opened = (details) => {
    if (details.matches(".finding") && details.open) advise(details);
  };

  const reveal = () => {
    const target = location.hash.length > 1 ? document.getElementById(location.hash.slice(1)) : null;
    if (!target || target.tagName !== "DETAILS") return;
    target.hidden = false;
    target.open = true;
    opened(target);
    target.scrollIntoView();
  };

  const reset = () => {
    tools.reset();
    sort();
    apply();
  };

  const narrow = (name) => {
    const select = tools.elements[name.dataset.filter];
    if (!select) return;
    select.value = name.dataset.value;
    apply();
    document.getElementById("findings").scrollIntoView();
  };

  tools.hidden = false;
  tools.addEventListener("submit", (event) => event.preventDefault());
  tools.addEventListener("input", (event) => {
    if (event.target.name === "sort") sort();
    else apply();
  });
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-reset]")) reset();
    const name = event.target.closest("[data-filter][role]");
    if (name) narrow(name);
  });
  toggle.addEventListener("click", () => {
    const open = shown().some((finding) => !finding.open);
    for (const finding of shown()) {
      finding.open = open;
      opened(finding);
    }
    label();
  });
  list.addEventListener("toggle", (event) => {
    opened(event.target);
    label();
  }, true);
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select, textarea");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      tools.elements.text.focus();
    }
    if (event.key === "Escape" && event.target === tools.elements.text) {
      event.target.value = "";
      apply();
    }
    if ((event.key === "Enter" || event.key === " ") && event.target.matches("[data-filter][role]")) {
      event.preventDefault();
      narrow(event.target);
    }
  });
  for (const name of document.querySelectorAll("[data-filter]")) {
    if (!tools.elements[name.dataset.filter] || name.dataset.value === "") continue;
    name.setAttribute("role", "button");
    name.tabIndex = 0;
    name.title = name.textContent + ": show its findings";
  }
  window.addEventListener("hashchange", reveal);
  apply();
  reveal();
})();
