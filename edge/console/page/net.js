// How the page talks to the car.

let csrf = "";

/** Ask an address; its JSON, or an Error with one line for people. */
export async function ask(method, path, content) {
  const headers = { "X-CSRF-Token": csrf };
  let body;
  if (content !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(content);
  }
  let answer;
  try {
    answer = await fetch(path, { method, headers, body, cache: "no-store" });
  } catch {
    throw new Error("no connection to the car");
  }
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new Error(said.error || `the car answers ${answer.status}`), { status: answer.status });
  if (said.csrf) csrf = said.csrf;
  return said;
}

/** Where a link fetches something from: it cannot send the token otherwise. */
export const link = (path) => `${path}?csrf=${encodeURIComponent(csrf)}`;

/** Send a file; `progress` hears the share that was sent. */
export function send(file, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("PUT", `/api/models/${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-CSRF-Token", csrf);
    request.responseType = "json";
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.onload = () => (request.status === 201 ? resolve() : reject(new Error(request.response?.error || `the car answers ${request.status}`)));
    request.onerror = () => reject(new Error("the upload broke off"));
    request.send(file);
  });
}

/** Stop the car. It needs no password; whether the car confirms it. */
export async function stop() {
  try {
    return (await fetch("/stop", { method: "POST", keepalive: true, signal: AbortSignal.timeout(1500) })).ok;
  } catch {
    return false;
  }
}

function open(path) {
  const socket = new WebSocket(location.origin.replace(/^http/, "ws") + link(path));
  socket.binaryType = "blob";
  return socket;
}

/** The conversation: `hear` gets each message, `lost` is called once when it ends. Returns how to say something. */
export function talk(hear, lost) {
  const socket = open("/talk");
  socket.onmessage = (event) => hear(JSON.parse(event.data));
  socket.onclose = lost;
  return {
    say: (message) => socket.readyState === WebSocket.OPEN && socket.send(JSON.stringify(message)),
    close: () => socket.close(),
  };
}

/** The camera's frames, each drawn and confirmed; the car sends no more than were confirmed. */
export function watch(canvas, drawn, lost) {
  const socket = open("/video");
  socket.onclose = lost;
  const pen = canvas.getContext("2d", { alpha: false });
  socket.onmessage = async (event) => {
    try {
      const image = await createImageBitmap(event.data);
      if (canvas.width !== image.width || canvas.height !== image.height) {
        canvas.width = image.width;
        canvas.height = image.height;
      }
      pen.drawImage(image, 0, 0);
      image.close();
      drawn();
    } catch {
      // A broken frame: the next one may be fine.
    }
    if (socket.readyState === WebSocket.OPEN) socket.send("");
  };
  return { close: () => socket.close() };
}
