"use strict";
// Shows those changes of the list that hold the typed words and have the chosen action.
const words = document.getElementById("words");
const action = document.getElementById("action");
const shown = document.getElementById("shown");
const changes = Array.from(document.querySelectorAll(".change"));
function filter() {
  const wanted = words.value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const change of changes) {
    const text = change.textContent.toLowerCase();
    const fits = (!action.value || change.dataset.action === action.value)
      && wanted.every((word) => text.includes(word));
    change.hidden = !fits;
    count += fits ? 1 : 0;
  }
  shown.textContent = `${count} of ${changes.length} shown`;
}
if (words) {
  words.form.hidden = false;
  words.addEventListener("input", filter);
  action.addEventListener("change", filter);
  words.form.addEventListener("submit", (event) => event.preventDefault());
  filter();
}
