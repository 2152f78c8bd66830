"use strict";
/* Opens the claims behind a number of the page: filter, sort, copy. Text goes in through textContent alone. */
(() => {
  const data = JSON.parse(document.getElementById("claims-data").textContent);
  const $ = (id) => document.getElementById(id);
  const dialog = $("claims"), head = $("claims-head"), body = $("claims-rows"), filters = $("claims-filters");
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
  const STEP = 100, MORE = 500, MOST_CHOICES = 40;
  let table, link, base, rows, order, sorted, limit, came = false, timer;

  const value = (place, row) => {
    const column = table.columns[place];
    return column.words ? column.words[column.values[row]] : column.values[row];
  };
  const dollars = (cents) => {
    const text = "$" + (Math.abs(cents) / 100).toLocaleString("en-US", {minimumFractionDigits: 2, maximumFractionDigits: 2});
    return cents < 0 ? `(${text})` : text;
  };
  const day = (iso) => iso ? `${MONTHS[+iso.slice(5, 7) - 1]} ${+iso.slice(8, 10)}, ${iso.slice(0, 4)}` : "";
  const isMoney = (place) => table.columns[place].unit === "usd";
  const text = (place, row) => {
    const found = value(place, row);
    if (found === null || found === "") return "";
    return isMoney(place) ? dollars(found) : table.columns[place].unit === "date" ? day(found) : String(found);
  };
  const make = (name, words, inside) => {
    const element = document.createElement(name);
    if (words !== undefined) element.textContent = words;
    if (inside) inside.append(element);
    return element;
  };
  const sum = () => rows.reduce((total, row) => total + value(link.amount, row), 0);

  function choose() {
    const asked = $("claims-words").value.trim().toLowerCase();
    const picked = [...filters.querySelectorAll("select")].filter((one) => one.value !== "");
    rows = base.filter((row) =>
      picked.every((one) => value(+one.dataset.place, row) === one.value.slice(1)) &&
      (!asked || order.some((place) => text(place, row).toLowerCase().includes(asked))));
    sort();
  }

  function sort() {
    const {place, down} = sorted;
    const compare = (one, other) => {
      const a = value(place, one), b = value(place, other);
      return a === b ? one - other : (a < b ? -1 : 1) * (down ? -1 : 1);
    };
    rows.sort(compare);
    draw();
  }

  function draw() {
    head.replaceChildren();
    const line = make("tr", undefined, head);
    for (const place of order) {
      const cell = make("th", undefined, line);
      cell.scope = "col";
      cell.className = isMoney(place) ? "right" : "left";
      const button = make("button", table.columns[place].title, cell);
      button.type = "button";
      if (place === sorted.place) {
        cell.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
        make("span", sorted.down ? " ▼" : " ▲", button).setAttribute("aria-hidden", "true");
      }
      button.addEventListener("click", () => {
        sorted = {place, down: place === sorted.place ? !sorted.down : isMoney(place)};
        sort();
        head.querySelectorAll("button")[order.indexOf(place)].focus();
      });
    }
    body.replaceChildren();
    for (const row of rows.slice(0, limit)) {
      const line = make("tr", undefined, body);
      for (const place of order) {
        const cell = make(place === 0 ? "th" : "td", text(place, row), line);
        cell.className = isMoney(place) ? "right" : "left";
        if (place === 0) cell.scope = "row";
      }
    }
    const there = Math.min(limit, rows.length);
    $("claims-shown").textContent = rows.length ? `Rows 1 to ${there.toLocaleString("en-US")} of ${rows.length.toLocaleString("en-US")}` : "No claim is left by these filters.";
    $("claims-more").hidden = there === rows.length;
    clearTimeout(timer);
    timer = setTimeout(say, 150);
  }

  function say() {
    const claims = new Set(rows.map((row) => value(0, row))).size;
    const of = claims === rows.length ? "" : ` in ${rows.length.toLocaleString("en-US")} rows`;
    const part = rows.length === base.length ? "" : ` (filtered from ${base.length.toLocaleString("en-US")} rows)`;
    $("claims-sum").textContent = `${claims.toLocaleString("en-US")} ${claims === 1 ? "claim" : "claims"}${of}, ${dollars(sum())}${part}`;
  }

  function choices() {
    filters.replaceChildren();
    for (const place of order) {
      if (isMoney(place) || place === 0) continue;
      const words = [...new Set(base.map((row) => value(place, row)))].sort();
      if (words.length < 2 || words.length > MOST_CHOICES) continue;
      const label = make("label", table.columns[place].title, filters);
      const select = make("select", undefined, label);
      select.dataset.place = place;
      make("option", "All", select).value = "";
      for (const word of words) make("option", word || "(none)", select).value = "=" + word;
      select.addEventListener("change", () => { limit = STEP; choose(); });
    }
  }

  function open(number) {
    link = data.links[number];
    table = data.tables[link.table];
    base = [];
    table.columns[link.amount].values.forEach((cents, row) => {
      if (cents && link.where.every(([place, word]) => value(place, row) === word)) base.push(row);
    });
    const isSaid = (place) => !isMoney(place) || base.some((row) => value(place, row));
    const others = table.columns.map((_, place) => place).filter((place) => place !== 0 && place !== link.amount && isSaid(place));
    order = [0, link.amount, ...others];
    sorted = {place: link.amount, down: true};
    limit = STEP;
    $("claims-title").textContent = link.title;
    $("claims-about").textContent = table.about;
    $("claims-copied").textContent = "";
    $("claims-words").value = "";
    choices();
    choose();
    say();
    if (!dialog.open) dialog.showModal();
    $("claims-scroll").scrollTo(0, 0);
  }

  /* Excel takes a text that begins with one of these for a formula. */
  const safe = (words) => /^[=+\-@\t]/.test(words) ? "'" + words : words;
  const plain = (place, row) => {
    const found = value(place, row);
    if (found === null) return "";
    return isMoney(place) ? (found / 100).toFixed(2) : safe(String(found).replace(/[\t\r\n]+/g, " "));
  };
  const escaped = (words) => words.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/"/g, "&quot;");
  const ID = ` style='mso-number-format:"\\@"' sdnum="1033;0;@"`;

  function copy() {
    const titles = order.map((place) => table.columns[place].title);
    const lines = rows.map((row) => order.map((place) => plain(place, row)));
    const cells = (line) => line.map((words, n) => `<td${isMoney(order[n]) ? "" : ID}>${escaped(words)}</td>`).join("");
    const put = (event) => {
      event.preventDefault();
      event.clipboardData.setData("text/plain", [titles.map(safe), ...lines].map((line) => line.join("\t")).join("\r\n"));
      event.clipboardData.setData("text/html", `<table><tr>${titles.map((words) => `<th>${escaped(words)}</th>`).join("")}</tr>${lines.map((line) => `<tr>${cells(line)}</tr>`).join("")}</table>`);
    };
    getSelection().selectAllChildren($("claims-sum"));
    document.addEventListener("copy", put, {once: true});
    const done = document.execCommand("copy");
    document.removeEventListener("copy", put);
    getSelection().removeAllRanges();
    $("claims-copied").textContent = done ? `${lines.length.toLocaleString("en-US")} rows copied; paste them into Excel.` : "This browser did not allow it: select the rows and copy them.";
  }

  const asked = () => { const found = /^#claims-(\d+)$/.exec(location.hash); return found && data.links[+found[1]] ? +found[1] : null; };
  const follow = () => { const number = asked(); number === null ? dialog.open && dialog.close() : open(number); };

  for (const element of document.querySelectorAll("[data-behind]")) {
    const hash = "#claims-" + element.dataset.behind;
    if (element.tagName === "A") element.href = hash;
    element.addEventListener("click", () => {
      came = true;
      if (element.tagName === "A") return;
      document.querySelector(`a[data-behind="${element.dataset.behind}"]`).focus();
      location.hash = hash;
    });
  }
  document.body.classList.add("with-script");
  addEventListener("hashchange", follow);
  dialog.addEventListener("close", () => {
    if (asked() === null) return;
    came ? history.back() : history.replaceState(null, "", "#");
    came = false;
  });
  $("claims-close").addEventListener("click", () => dialog.close());
  $("claims-copy").addEventListener("click", copy);
  $("claims-clear").addEventListener("click", () => { $("claims-words").value = ""; choices(); limit = STEP; choose(); });
  $("claims-words").addEventListener("input", () => { limit = STEP; choose(); });
  $("claims-more").addEventListener("click", () => { limit += MORE; draw(); });
  for (const one of document.querySelectorAll(".contents a")) one.addEventListener("click", () => { document.querySelector(".contents details").open = false; });
  follow();
})();
