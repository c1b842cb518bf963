// Files on the car: how they are shown and deleted.

import { ask } from "./net.js";
import { say } from "./toast.js";

export function element(tag, className = "", text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  if (text) made.textContent = text;
  return made;
}

/** A size in bytes, for people. */
export function large(size) {
  for (const [unit, words] of [[1e9, "GB"], [1e6, "MB"]]) if (size >= unit) return `${(size / unit).toFixed(1)} ${words}`;
  return `${Math.ceil(size / 1e3)} kB`;
}

/** Size and time [s since 1970] of a file, for people. */
export const about = (size, time) => `${large(size)}, ${new Date(1000 * time).toLocaleString()}`;

/** A button that deletes a file, once it was pressed twice. */
export function deleter(folder, name) {
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
      await ask("DELETE", folder + encodeURIComponent(name));
      say(`${name} is deleted`);
    } catch (error) {
      say(error.message, true);
    }
  });
  return button;
}
