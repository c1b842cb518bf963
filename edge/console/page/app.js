// The page: getting in, the connection, the tabs, and STOP.

import { showCalibration } from "./calibrate.js";
import { car } from "./car.js";
import { showDrive } from "./drive.js";
import { followKeys, release, wish } from "./input.js";
import { showModels } from "./models.js";
import { ask, stop, talk, watch } from "./net.js";
import { showRecordings } from "./record.js";
import { say, toast } from "./toast.js";

const $ = (id) => document.getElementById(id);
const RETRY = 1000; // between attempts to get the connection back [ms]
const BLIND = 1000; // without a frame the picture counts as lost [ms]

let film = null;
let drawn = 0;
let took = false; // the free wheel, once: who let go of it on purpose does not get it back unasked

// Getting in.

async function begin() {
  try {
    enter((await ask("GET", "/api/session")).state);
  } catch {
    headline("fault", "No connection");
    setTimeout(begin, RETRY);
  }
}

function enter(view) {
  document.body.dataset.view = view;
  const first = view === "first use";
  $("gate-title").textContent = first ? "Choose a password" : "Locked";
  $("gate-text").textContent = first
    ? "This car is new here. Whoever knows the password can see and drive it."
    : "Log in to see and drive this car. STOP works without.";
  $("gate").querySelector("button").textContent = first ? "Choose it" : "Log in";
  $("password").autocomplete = first ? "new-password" : "current-password";
  if (view === "open") return connect();
  headline("idle", first ? "First use" : "Locked");
  $("password").focus();
}

$("gate").addEventListener("submit", async (event) => {
  event.preventDefault();
  const first = document.body.dataset.view === "first use";
  const password = $("password").value;
  const complain = (line) => ($("gate-error").textContent = line);
  if (password.length < 8) return complain("The password has 8 characters or more.");
  if (first && password !== $("again").value) return complain("The two passwords differ.");
  const button = $("gate").querySelector("button");
  button.disabled = true;
  complain("");
  try {
    enter((await ask("POST", first ? "/api/password" : "/api/login", { password })).state);
    $("password").value = $("again").value = "";
  } catch (error) {
    complain(error.message);
    if (first && error.status === 409 && password.length >= 8) begin();
  } finally {
    button.disabled = false;
  }
});

$("logout").addEventListener("click", async () => {
  await ask("POST", "/api/logout").catch(() => {});
  location.reload();
});

// The connection.

function connect() {
  headline("wait", "Connecting");
  car.conversation = talk(hear, lose);
  showFilm();
}

function showFilm() {
  const again = () => car.conversation && setTimeout(showFilm, RETRY);
  film = watch($("film"), () => (drawn = performance.now()), again);
}

function lose() {
  car.conversation = null;
  film?.close();
  car.state = {};
  took = false;
  release();
  showRecordings();
  if (document.body.dataset.view === "open") headline("fault", "No connection");
  setTimeout(begin, RETRY);
}

function hear(message) {
  if ("error" in message) return say(message.error, true);
  if ("said" in message) return say(message.said);
  const { tick, ...news } = message;
  if (car.mine() && document.visibilityState === "visible") {
    const { steering, push, stop: pressed } = wish();
    if (pressed && car.state.armed) halt();
    car.tell({ tick, steering, push });
    if (car.start) car.tell(car.start); // right after a sign of life: the car starts for nobody who is not there
    car.start = null;
  }
  if (Object.keys(news).length) {
    Object.assign(car.state, news);
    show(news);
  }
  const blind = car.state.camera || (performance.now() - drawn > BLIND ? "Waiting for the camera" : "");
  $("blind").textContent = blind;
}

function show(news) {
  const { state } = car;
  if (state.wheel && !state.wheel.holder && !took) car.tell({ do: "take" });
  if (state.wheel) took = true;
  const [kind, words] = status(state);
  headline(kind, words);
  $("stage").dataset.kind = kind;
  $("reason").textContent = state.fault && state.reason ? `Stopped: ${state.reason}` : "";
  const keys = matchMedia("(pointer: coarse)").matches ? "At once, from any state" : "Space bar or Esc";
  $("stop-note").textContent = state.guard === false ? "No guard: use the car's switch" : state.armed ? keys : "The car stands";
  showDrive(news);
  showModels(news);
  showCalibration(news);
  showRecordings();
  for (const line of news.log || []) {
    const item = document.createElement("li");
    item.textContent = line;
    $("lines").append(item);
    if ($("lines").children.length > 300) $("lines").firstChild.remove();
    $("lines").scrollTop = $("lines").scrollHeight;
  }
}

const DRIVING = { hand: "Driving by hand", policy: "Policy drives", calibration: "Calibrating" };

function status(state) {
  if (state.armed) return ["armed", DRIVING[state.mode]];
  if (state.guard === false) return ["fault", "No guard"];
  if (state.fault) return ["fault", "Stopped"];
  if (state.obstacle) return ["wait", "Not ready"];
  return ["ready", "Ready"];
}

function headline(kind, words) {
  $("status").dataset.kind = kind;
  if ($("headline").textContent !== words) $("headline").textContent = words;
}

// STOP.

async function halt() {
  release();
  car.start = null;
  car.tell({ do: "stop" });
  navigator.vibrate?.(60);
  if (await stop()) toast("Stopped", 1500);
  else say("The car does not confirm the stop. Use its switch!", true);
}

$("stop").addEventListener("pointerdown", halt);
$("stop").addEventListener("click", (event) => event.detail === 0 && halt()); // the keyboard's click
followKeys(halt, () => car.state.armed);
document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && car.state.armed && car.mine() && halt());
addEventListener("pagehide", () => car.state.armed && car.mine() && stop());

// Tabs.

const tabs = [...document.querySelectorAll('[role="tab"]')];

function choose(tab) {
  for (const other of tabs) {
    other.setAttribute("aria-selected", other === tab);
    other.tabIndex = other === tab ? 0 : -1;
    $(other.getAttribute("aria-controls")).hidden = other !== tab;
  }
  if (tab.id !== "tab-calibrate" && car.state.mode === "calibration" && car.mine()) car.tell({ do: "mode", mode: "hand" });
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (!step || car.state.armed) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    next.focus();
    choose(next);
  });
}

choose(tabs[0]);
begin();
