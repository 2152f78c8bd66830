"use strict";
(() => {
  const table = document.getElementById("months"), body = table.tBodies[0], rows = [...body.rows];
  const search = document.getElementById("search"), state = document.getElementById("state");
  const words = rows.map((row) => row.textContent.toLowerCase());

  const filter = () => {
    const wanted = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    rows.forEach((row, number) => {
      row.hidden = !wanted.every((word) => words[number].includes(word)) || !!state.value && row.dataset.state !== state.value;
      shown += !row.hidden;
    });
    document.getElementById("count").textContent = `${shown} of ${rows.length} shown`;
  };

  const key = (row, column) => row.cells[column].dataset.sort ?? row.cells[column].textContent.trim().toLowerCase();
  const compare = (one, other) => {
    const numbers = [Number(one), Number(other)];
    return numbers.some(Number.isNaN) ? one.localeCompare(other) : numbers[0] - numbers[1];
  };
  const sort = (heading, column) => {
    const up = heading.getAttribute("aria-sort") !== "ascending", sign = up ? 1 : -1;
    [...table.tHead.rows[0].cells].forEach((cell) => cell.removeAttribute("aria-sort"));
    heading.setAttribute("aria-sort", up ? "ascending" : "descending");
    const keyed = rows.map((row) => [key(row, column), row]);
    keyed.sort(([one], [other]) => one === "" || other === "" ? (one === "") - (other === "") : sign * compare(one, other));
    body.append(...keyed.map(([, row]) => row));
  };

  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = heading.textContent;
    heading.replaceChildren(button);
    button.addEventListener("click", () => sort(heading, column));
  });
  search.addEventListener("input", filter);
  state.addEventListener("change", filter);
  document.getElementById("tools").hidden = false;
  filter();
})();
