// The models on the car.

import { car } from "./car.js";
import { ask, send } from "./net.js";
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
  const large = size > 1e6 ? `${(size / 1e6).toFixed(1)} MB` : `${Math.ceil(size / 1e3)} kB`;
  const about = `${large}, ${new Date(1000 * time).toLocaleString()}`;
  const buttons = element("div", "row");
  if (!active) buttons.append(activator(name), deleter(name));
  item.append(title, element("p", "hint", about), buttons);
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

function deleter(name) {
  const button = element("button", "danger", "Delete");
  let sure = false;
  button.addEventListener("click", async () => {
    if (!sure) {
      sure = true;
      button.textContent = "Really delete?";
      setTimeout(() => {
        sure = false;
        button.textContent = "Delete";
      }, 4000);
      return;
    }
    try {
      await ask("DELETE", `/api/models/${encodeURIComponent(name)}`);
      say(`${name} is deleted`);
    } catch (error) {
      say(error.message, true);
    }
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

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}
