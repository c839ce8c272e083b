// Theme, live pages, times that go on, keys. Every page works without this.
"use strict";

(() => {
  const root = document.documentElement;

  // -- theme: the system's, unless another was chosen

  root.dataset.scripted = "";
  const chosen = localStorage.getItem("theme");
  if (chosen) root.dataset.theme = chosen;

  function switchTheme() {
    const isDark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = isDark ? "light" : "dark";
    localStorage.setItem("theme", root.dataset.theme);
  }

  // -- live: an event about what a page shows makes htmx ask for the page again, and put in what is different

  const PAUSE = 400;
  let socket = null;
  let told = 0;

  function tell() {
    if (told) return;
    told = setTimeout(() => {
      told = 0;
      if (!document.hidden) document.body.dispatchEvent(new Event("changed"));
      else document.addEventListener("visibilitychange", tell, { once: true });
    }, PAUSE);
  }

  function listen(wait = 1000) {
    const main = document.getElementById("main");
    const about = (main?.dataset.live ?? "").split(" ").filter(Boolean);
    if (!about.length) return;
    const base = document.body.dataset.base;
    const address = new URL(`${base}/api/events/out`, location.href);
    address.protocol = address.protocol.replace("http", "ws");
    let isOpen = false;
    socket = new WebSocket(address);
    socket.onopen = () => {
      if (wait > 1000) tell(); // something may have happened meanwhile
      isOpen = true;
      wait = 1000;
      const filter = { occurred: { since: main.dataset.now }, any_resource: { id_prefix: about } };
      socket.send(JSON.stringify({ type: "filter", filter }));
    };
    socket.onmessage = tell;
    socket.onclose = () => {
      if (!isOpen) tell(); // where it cannot be listened, the page is asked for now and then
      setTimeout(listen, wait, Math.min(wait * 2, 30000));
    };
  }

  // -- times

  function duration(seconds) {
    const whole = Math.round(seconds);
    if (whole < 60) return `${whole} s`;
    for (const [unit, size, smaller, part] of [["d", 86400, "h", 3600], ["h", 3600, "min", 60], ["min", 60, "s", 1]]) {
      if (whole >= size) {
        const rest = Math.floor((whole % size) / part);
        return `${Math.floor(whole / size)} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
      }
    }
    return "";
  }

  function tick() {
    for (const element of document.querySelectorAll("time[data-ago]")) {
      const passed = (Date.now() - Date.parse(element.dateTime)) / 1000;
      element.textContent = Math.abs(passed) < 1 ? "now" : passed > 0 ? `${duration(passed)} ago` : `in ${duration(-passed)}`;
    }
    for (const element of document.querySelectorAll("time[data-since]")) {
      element.textContent = duration((Date.now() - Date.parse(element.dateTime)) / 1000);
    }
  }

  // -- keys

  const PLACES = { d: "/dashboard", r: "/runs", f: "/flows", p: "/deployments", w: "/work-pools", e: "/events" };
  let isGoing = false;

  function rows() {
    return [...document.querySelectorAll("main table.list tbody tr")];
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    const at = all.findIndex((row) => row.contains(document.activeElement));
    const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + step))];
    next.querySelector("a")?.focus();
  }

  document.addEventListener("keydown", (event) => {
    const isTyping = event.target.closest?.("input, textarea, select");
    if (event.ctrlKey || event.metaKey || event.altKey || (isTyping && event.key !== "Escape")) return;
    if (isTyping) event.target.blur();
    else if (isGoing && PLACES[event.key]) location.href = document.body.dataset.base + PLACES[event.key];
    else if (event.key === "/") document.querySelector("main input[type=search]")?.focus();
    else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "x") document.activeElement?.closest("tr")?.querySelector("input[name=run]")?.click();
    else if (event.key === "?") document.getElementById("keys")?.showModal();
    else {
      isGoing = event.key === "g";
      return;
    }
    isGoing = false;
    event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest?.("#theme")) switchTheme();
    if (event.target.closest?.("#show-keys")) document.getElementById("keys")?.showModal();
  });

  document.addEventListener("submit", (event) => {
    const question = event.submitter?.dataset.confirm ?? event.target.dataset?.confirm;
    if (question && !confirm(question)) event.preventDefault();
  });

  document.addEventListener("change", (event) => {
    if (event.target.matches?.("form.selection input.all")) {
      for (const box of event.target.form.querySelectorAll("input[name=run]")) box.checked = event.target.checked;
    }
    if (event.target.matches?.("form.filters select, form.filters input[type=checkbox]")) event.target.form.requestSubmit();
  });

  addEventListener("DOMContentLoaded", () => {
    listen();
    tick();
    setInterval(tick, 1000);
  });
})();
