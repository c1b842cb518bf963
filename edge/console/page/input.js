// What the person wants, from the stick, keys or a gamepad: steering (+ = left) and push (+ = forward) in [-1, 1].

const STEERING_KEYS = { KeyA: 1, ArrowLeft: 1, KeyD: -1, ArrowRight: -1 };
const PUSH_KEYS = { KeyW: 1, ArrowUp: 1, KeyS: -1, ArrowDown: -1 };
const DEAD = 0.12; // of a gamepad's stick

const held = new Set();
const stick = { steering: 0, push: 0 };

const drives = (code) => code in STEERING_KEYS || code in PUSH_KEYS;
const clip = (value) => Math.min(Math.max(value, -1), 1);
const sum = (keys) => clip([...held].reduce((total, key) => total + (keys[key] || 0), 0));
const live = (value) => (Math.abs(value) < DEAD ? 0 : ((Math.abs(value) - DEAD) / (1 - DEAD)) * Math.sign(value));

/** Let go of everything. */
export function release() {
  held.clear();
  stick.steering = stick.push = 0;
}

/** Gamepads in their standard layout: left stick steers, right trigger forward, left trigger back. */
function gamepad() {
  const pad = [...(navigator.getGamepads?.() || [])].find((found) => found?.connected && found.mapping === "standard");
  if (!pad) return { steering: 0, push: 0, stop: false };
  return {
    steering: -live(pad.axes[0]),
    push: clip(pad.buttons[7].value - pad.buttons[6].value),
    stop: pad.buttons[1].pressed,
  };
}

/** What is wanted now; `stop` is a gamepad's B. */
export function wish() {
  const pad = gamepad();
  return {
    steering: clip(stick.steering + sum(STEERING_KEYS) + pad.steering),
    push: clip(stick.push + sum(PUSH_KEYS) + pad.push),
    stop: pad.stop,
  };
}

/** Follow the keys. Escape stops, and so does the space bar while the car is `armed`; else it presses buttons. */
export function followKeys(stop, armed) {
  addEventListener("keydown", (event) => {
    const typing = event.target.matches?.("input[type=password]");
    const setting = event.target.matches?.("input") && event.code.startsWith("Arrow");
    if (event.key === "Escape" || (event.code === "Space" && armed() && !typing)) {
      event.preventDefault();
      if (!event.repeat) stop();
    } else if (drives(event.code) && !typing && !setting && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      held.add(event.code);
    }
  });
  addEventListener("keyup", (event) => held.delete(event.code));
  addEventListener("blur", release);
}

/** Follow a finger or the mouse on the stick. */
export function followStick(field) {
  const move = (event) => {
    const box = field.getBoundingClientRect();
    const reach = box.width * 0.36;
    let x = (event.clientX - box.left - box.width / 2) / reach;
    let y = (event.clientY - box.top - box.height / 2) / reach;
    const far = Math.max(Math.hypot(x, y), 1);
    stick.steering = clip(-x / far);
    stick.push = clip(-y / far);
  };
  const end = () => (stick.steering = stick.push = 0);
  field.addEventListener("pointerdown", (event) => {
    field.setPointerCapture(event.pointerId);
    move(event);
  });
  field.addEventListener("pointermove", (event) => field.hasPointerCapture(event.pointerId) && move(event));
  for (const name of ["pointerup", "pointercancel", "lostpointercapture"]) field.addEventListener(name, end);
}
