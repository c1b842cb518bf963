// Calibration: pulses of the servo and the motor, each change shown by the wheels at once.

import { car } from "./car.js";
import { element } from "./files.js";

const SHORTEST = 900;
const LONGEST = 2100; // [us]
const STEP = 5; // [us]
const AXES = {
  servo: { title: "Steering", mid: "Straight ahead", ends: ["Full lock right", "Full lock left"], reversed: "Left and right are swapped" },
  motor: { title: "Motor", mid: "Stands still", ends: ["Back, shown gently", "Forward, shown gently"], reversed: "Forward and back are swapped" },
};
const USUAL = { servo: 1, motor: -1 }; // polarity of a DeepRacer

const panel = document.getElementById("calibrate");
const fields = {};
let draft = null;
let point = "servo.mid";

build();

export function showCalibration(news) {
  const { state } = car;
  if (!state.calibration) return;
  const running = state.mode === "calibration" && state.armed;
  if (news.calibration && !panel.contains(document.activeElement)) draft = null;
  draft ??= structuredClone(state.calibration.trial);
  fields.begin.hidden = running;
  fields.off.closest("label").hidden = running;
  fields.begin.disabled = !car.mine() || state.armed || !fields.off.checked;
  const changed = JSON.stringify(draft) !== JSON.stringify(state.calibration.saved);
  for (const button of [fields.save, fields.forget]) button.disabled = !car.mine() || state.mode !== "calibration" || !changed;
  fields.save.textContent = changed ? "Save" : "Saved";
  for (const input of panel.querySelectorAll(".axis input, .axis button")) input.disabled = !running || !car.mine();
  fill(running);
}

function build() {
  panel.append(
    element("h2", "", "Calibrate"),
    element("p", "hint", "The wheels show each change at once, and stop when this page is gone. Nothing is kept until you save."),
  );
  const check = element("label", "check");
  fields.off = element("input");
  fields.off.type = "checkbox";
  fields.off.addEventListener("change", () => showCalibration({}));
  check.append(fields.off, element("span", "", "All four wheels are off the ground"));
  fields.begin = element("button", "primary", "Begin");
  fields.begin.addEventListener("click", () => {
    car.tell({ do: "mode", mode: "calibration" });
    car.start = { do: "start", wheels_off_ground: fields.off.checked };
  });
  panel.append(check, fields.begin);
  for (const [name, axis] of Object.entries(AXES)) panel.append(axisFields(name, axis));
  const row = element("div", "row");
  fields.save = element("button", "primary", "Save");
  fields.save.addEventListener("click", () => car.tell({ do: "save" }));
  fields.forget = element("button", "", "Back to what is saved");
  fields.forget.addEventListener("click", () => {
    draft = structuredClone(car.state.calibration.saved);
    car.tell({ do: "forget" });
  });
  row.append(fields.save, fields.forget);
  panel.append(row);
}

/** What a point means: the longer pulse is left or forward, unless the polarity is turned round. */
function meaning(name, key) {
  if (key === "mid") return AXES[name].mid;
  const positive = (key === "max") === ((draft?.[name].polarity ?? USUAL[name]) > 0);
  return AXES[name].ends[positive ? 1 : 0];
}

function axisFields(name, { title, reversed }) {
  const box = element("div", "axis");
  box.append(element("h3", "", title));
  for (const key of ["min", "mid", "max"]) box.append(pointFields(`${name}.${key}`));
  const label = element("label", "check");
  const flip = (fields[`${name}.polarity`] = element("input"));
  flip.type = "checkbox";
  flip.addEventListener("change", () => {
    draft[name].polarity = flip.checked ? -USUAL[name] : USUAL[name];
    show(`${name}.max`);
  });
  label.append(flip, element("span", "", reversed));
  box.append(label);
  return box;
}

function pointFields(id) {
  const box = element("div", "point");
  const head = element("div");
  const words = element("span");
  const value = element("output");
  head.append(words, value);
  const slider = element("input");
  Object.assign(slider, { type: "range", min: SHORTEST, max: LONGEST, step: STEP });
  slider.addEventListener("input", () => set(id, Number(slider.value)));
  slider.addEventListener("pointerdown", () => show(id));
  const step = (sign, text) => {
    const button = element("button", "", text);
    button.setAttribute("aria-label", sign < 0 ? "shorter pulse" : "longer pulse");
    button.addEventListener("click", () => set(id, Number(slider.value) + sign * STEP));
    return button;
  };
  box.append(head, step(-1, "−"), slider, step(1, "+"));
  fields[id] = { box, slider, words, value };
  return box;
}

/** Take a pulse [us], kept between its neighbours. */
function set(id, pulse) {
  const [name, key] = id.split(".");
  const axis = draft[name];
  const low = { min: SHORTEST, mid: axis.min / 1000 + STEP, max: axis.mid / 1000 + STEP }[key];
  const high = { min: axis.mid / 1000 - STEP, mid: axis.max / 1000 - STEP, max: LONGEST }[key];
  axis[key] = Math.round(1000 * Math.min(Math.max(pulse, low), high));
  show(id);
}

function show(id) {
  point = id;
  car.tell({ do: "show", calibration: draft, point });
  showCalibration({});
}

function fill(running) {
  for (const name of Object.keys(AXES)) {
    for (const key of ["min", "mid", "max"]) {
      const { box, slider, words, value } = fields[`${name}.${key}`];
      words.textContent = meaning(name, key);
      slider.setAttribute("aria-label", `${words.textContent}, pulse in microseconds`);
      slider.value = draft[name][key] / 1000;
      value.textContent = `${(draft[name][key] / 1000).toFixed(0)} µs`;
      box.classList.toggle("shown", running && point === `${name}.${key}`);
    }
    fields[`${name}.polarity`].checked = draft[name].polarity !== USUAL[name];
  }
}
