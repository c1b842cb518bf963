// The models on the car.

import { car } from "./car.js";
import { about, deleter, element } from "./files.js";
import { send } from "./net.js";
import { say } from "./toast.js";

const $ = (id) => document.getElementById(id);
let shown = "";

export function showModels() {
  const { models = [], active, armed } = car.state;
  const now = JSON.stringify([models, active, armed, car.mine()]);
  if (now === shown) return;
  shown = now;
  $("model-list").replaceChildren(...models.map(row));
  if (!models.length) $("model-list").append(element("p", "hint", "No models yet. Upload one."));
}

function row({ name, size, time }) {
  const active = name === car.state.active;
  const item = element("li", active ? "active" : "");
  const title = element("h3", "", name);
  if (active) title.append(element("span", "badge", "active"));
  const buttons = element("div", "row");
  if (!active) buttons.append(activator(name), deleter("/api/models/", name));
  item.append(title, element("p", "hint", about(size, time)), buttons);
  return item;
}

function activator(name) {
  const button = element("button", "primary", "Activate");
  button.disabled = !car.mine() || car.state.armed;
  button.addEventListener("click", () => {
    button.disabled = true;
    button.textContent = "Checking";
    car.tell({ do: "activate", name });
    setTimeout(() => {
      button.disabled = false;
      button.textContent = "Activate";
    }, 3000);
  });
  return button;
}

async function upload(file) {
  if (!file) return;
  $("progress").hidden = false;
  try {
    await send(file, (share) => ($("progress").value = share));
    say(`${file.name} is on the car`);
  } catch (error) {
    say(error.message, true);
  } finally {
    $("progress").hidden = true;
    $("upload").value = "";
  }
}

$("upload").addEventListener("change", (event) => upload(event.target.files[0]));
for (const name of ["dragover", "dragleave", "drop"]) {
  $("drop").addEventListener(name, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", name === "dragover");
    if (name === "drop") upload(event.dataTransfer.files[0]);
  });
}
