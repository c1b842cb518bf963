// One line at the foot of the page, for a while.

let timer = 0;

export function toast(line, time = 5000, bad = false) {
  const field = document.getElementById("toast");
  field.textContent = line;
  field.classList.toggle("bad", bad);
  clearTimeout(timer);
  timer = setTimeout(() => (field.textContent = ""), time);
}

export const say = (line, bad = false) => toast(line, bad ? 8000 : 3000, bad);
