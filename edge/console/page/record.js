// Recordings: the button that begins and ends one, and those that are on the car.

import { car } from "./car.js";
import { about, deleter, element, large } from "./files.js";
import { ask, link } from "./net.js";
import { say } from "./toast.js";

const $ = (id) => document.getElementById(id);
const KEEP = 1e9; // less room than this is said in the header, too [bytes]
let shown = "";

const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

export function showRecordings() {
  const { recording, recordings = [], room, recording_failed: failed } = car.state;
  const button = $("record");
  button.hidden = recording === undefined;
  if (recording === undefined) return;
  button.setAttribute("aria-pressed", String(recording !== null));
  button.setAttribute("aria-label", recording ? "End the recording" : "Record");
  const left = `${large(room)} left`;
  const words = recording ? [clock(recording.seconds), large(recording.size), left] : ["Record"];
  const narrow = matchMedia("(max-width: 899px)").matches;
  $("record-words").textContent = narrow ? [words[0], ...(recording && room < KEEP ? [left] : [])].join(", ") : words.join(" · ");
  $("record-line").textContent = recording
    ? `Recording ${recording.name}: ${clock(recording.seconds)}, ${large(recording.size)}. The disk has ${left}.`
    : `${failed ? `The last recording ended by itself: ${failed}. ` : ""}The disk has ${left}. Record: the button at the top.`;
  showList(recordings, recording?.name, car.state.armed);
}

function showList(recordings, current, armed) {
  const now = JSON.stringify([current ? recordings.map(({ name }) => name) : recordings, current, armed]);
  if (now === shown) return;
  shown = now;
  $("recording-list").replaceChildren(...recordings.filter(({ name }) => name !== current).map((file) => row(file, armed)));
}

function row({ name, size, time }, armed) {
  const item = element("li");
  const buttons = element("div", "row");
  const fetcher = element("a", "", "Download");
  fetcher.href = link(`/api/recordings/${encodeURIComponent(name)}`);
  fetcher.download = name;
  buttons.append(fetcher, deleter("/api/recordings/", name));
  item.append(element("h3", "", name), element("p", "hint", about(size, time)), buttons);
  if (armed) item.append(element("p", "hint", "A download waits while the car drives."));
  return item;
}

$("record").addEventListener("click", async () => {
  const recording = car.state.recording;
  $("record").disabled = true;
  try {
    await ask(recording ? "DELETE" : "POST", "/api/recording");
    say(recording ? `${recording.name} is on the car` : "Recording");
  } catch (error) {
    say(error.message, true);
  } finally {
    $("record").disabled = false;
  }
});
