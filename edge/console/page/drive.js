// The panel to drive with, the figures under the picture, and who holds the wheel.

import { car } from "./car.js";
import { followStick, wish } from "./input.js";

const $ = (id) => document.getElementById(id);
const SLIDERS = {
  speed_limit: { words: (value) => `${value.toFixed(1)} m/s`, factor: 1 },
  scale: { words: (value) => `${Math.round(100 * value)} %`, factor: 1 },
  trim: { words: (value) => (value ? `${Math.abs(value).toFixed(1)}° ${value > 0 ? "left" : "right"}` : "none"), factor: Math.PI / 180 },
};

export function showDrive(news) {
  const { state } = car;
  showVital(state);
  if (state.wheel) showWheel(state.wheel);
  const mine = car.mine();
  const policy = state.mode === "policy";
  for (const radio of document.querySelectorAll("#mode input")) {
    radio.checked = radio.value === state.mode;
    radio.disabled = !mine || state.armed || (radio.value === "policy" && !state.active);
  }
  $("pilot").textContent = policy ? `Model: ${state.active}` : state.active ? "" : "No model is active: see Models.";
  $("pilot").hidden = !$("pilot").textContent;
  const driving = state.armed && state.mode !== "calibration";
  $("start").disabled = !mine || state.armed || state.mode === "calibration" || Boolean(state.obstacle) || !state.guard;
  $("drive-hint").textContent = hint(state, policy);
  $("stick").hidden = policy;
  document.body.classList.toggle("driving", Boolean(driving && mine)); // only what driving needs, without scrolling
  $("stick").classList.toggle("off", !(driving && mine));
  if (news.wheel || news.settings) showLimits(state.settings, mine);
}

function hint(state, policy) {
  if (state.obstacle && !state.armed) return `Cannot start yet: ${state.obstacle}.`;
  if (policy) return "The policy drives while this page is open and in front.";
  return matchMedia("(pointer: coarse)").matches ? "Drag the stick: up is forward." : "W A S D, the arrow keys, the stick, or a gamepad's left stick and triggers.";
}

function showVital({ fps, latency = {}, cpu, temperature, battery }) {
  const put = (id, value, digits, warn, bad) => {
    $(id).textContent = value === undefined || value === null ? "–" : value.toFixed(digits);
    $(id).parentElement.className = bad ? "bad" : warn ? "warn" : "";
  };
  if (fps) put("fps", fps.real, 0, fps.real < 0.8 * fps.set, fps.real < 0.4 * fps.set);
  if (fps) $("fps-set").textContent = `of ${fps.set}`;
  put("p50", latency.p50, 0, latency.p50 > 50, latency.p50 > 90);
  put("p99", latency.p99, 0, latency.p99 > 80, latency.p99 > 100);
  put("cpu", cpu === undefined || cpu === null ? null : 100 * cpu, 0, cpu > 0.85, cpu > 0.97);
  put("heat", temperature, 0, temperature > 75, temperature > 88);
  $("battery-of").textContent = battery === null ? "" : "of 11";
  put("battery", battery, 0, battery !== null && battery <= 3, battery !== null && battery <= 1);
}

function showWheel({ mine, holder, asker, asking }) {
  const asked = mine && asker;
  $("wheel").hidden = mine && !asker;
  $("wheel-no").hidden = !asked;
  $("wheel-yes").disabled = asking;
  $("wheel-text").textContent = asked ? `The ${asker} asks for the wheel.` : holder ? `The ${holder} holds the wheel. You can watch, and stop the car.` : "Nobody holds the wheel.";
  $("wheel-yes").textContent = asked ? "Hand it over" : asking ? "Asked" : holder ? "Ask for it" : "Take the wheel";
}

$("wheel-yes").addEventListener("click", () => car.tell(car.mine() ? { do: "answer", give: true } : { do: "take" }));
$("wheel-no").addEventListener("click", () => car.tell({ do: "answer", give: false }));
$("start").addEventListener("click", () => {
  car.start = { do: "start" };
  scrollTo(0, 0);
});
$("mode").addEventListener("change", (event) => car.tell({ do: "mode", mode: event.target.value }));

// Limits.

function showLimits(settings, mine) {
  for (const [name, { words, factor }] of Object.entries(SLIDERS)) {
    const slider = $(name);
    if (document.activeElement !== slider) slider.value = settings[name] / factor;
    slider.disabled = !mine;
    $(`${name}-value`).textContent = words(Number(slider.value));
  }
}

for (const [name, { words, factor }] of Object.entries(SLIDERS)) {
  $(name).addEventListener("input", (event) => {
    const value = Number(event.target.value);
    $(`${name}-value`).textContent = words(value);
    car.tell({ do: "limit", name, value: value * factor });
  });
  $(name).addEventListener("change", (event) => event.target.blur());
}

// The stick shows what is wanted, wherever that comes from.

followStick($("stick"));

function follow() {
  const { steering, push } = wish();
  const reach = 33;
  $("knob").style.transform = `translate(${(-steering * reach * 100) / 34}%, ${(-push * reach * 100) / 34}%)`;
  requestAnimationFrame(follow);
}
follow();
