// The page of a live view: takes pictures and answers from the program, and tells it what it has drawn.

import { Stage } from "./stage.js";
import { Timeline } from "./timeline.js";

const REDRAW_MS = 100;
const SILENT_MS = 2000;
const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5000;
const FAILED = 1011; // the code of a connection that an error of the program has closed
const UNREACHABLE = "The program has ended, or cannot be reached";

const byId = (id) => document.getElementById(id);
const stage = new Stage(byId("picture"));
const timeline = new Timeline(byId("timeline"));

let socket = null;
let labels = [];
let minConfidence = 0;
let waitMs = FIRST_WAIT_MS;
let isPaused = false;
let source = { condition: "connecting", sentence: "Connecting." };
let recording = { phase: "off", sentence: "" };
let message = null; // what belongs to the picture that comes next
let shown = null; // the latest picture's faces
let lastPicture = performance.now();

function connect() {
  socket = new WebSocket(`ws://${location.host}/watch`);
  socket.binaryType = "blob";
  socket.onopen = tellLook;
  socket.onmessage = (event) => (typeof event.data === "string" ? take(JSON.parse(event.data)) : draw(event.data));
  socket.onclose = (event) => {
    if (source.condition !== "ended") {
      const reason = event.code === FAILED ? "The program failed to send a picture" : UNREACHABLE;
      source = { condition: "offline", sentence: `${reason}. Trying again.` };
    }
    showState();
    setTimeout(connect, waitMs);
    waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
  };
}

function send(content) {
  if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(content));
}

function tellLook() {
  send({ type: "look", width: stage.width, paused: isPaused || document.hidden });
}

function take(content) {
  if (content.type === "hello") begin(content);
  else if (content.type === "picture") message = content;
  else {
    source = content.source;
    recording = content.recording;
    showState();
  }
}

function begin(hello) {
  timeline.reset();
  labels = hello.labels;
  minConfidence = hello.min_confidence;
  document.title = `${hello.source} – live expressions`;
  byId("source").textContent = hello.source;
  byId("record").hidden = !hello.may_record;
  byId("legend").replaceChildren(...labels.map(legendEntry));
}

function legendEntry(label) {
  const entry = document.createElement("li");
  const sample = document.createElement("i");
  sample.style.setProperty("--colour", label.colour);
  entry.append(sample, label.name);
  return entry;
}

async function draw(jpeg) {
  const [content, from] = [message, socket];
  const bitmap = await createImageBitmap(jpeg).catch(() => null);
  if (!bitmap) {
    send({ type: "shown", number: content.number }); // the program waits for it before it sends more
    return;
  }
  const faces = content.faces.map(described);
  requestAnimationFrame(() => {
    if (from !== socket) return; // of a program that has ended: a page in the background draws late
    stage.draw(bitmap, faces);
    bitmap.close();
    waitMs = FIRST_WAIT_MS;
    send({ type: "shown", number: content.number });
    shown = { content, faces };
    lastPicture = performance.now();
    timeline.add(content.time_s, faces);
  });
}

function described(face) {
  const confidence = Math.max(...face.probabilities);
  const best = labels[face.probabilities.indexOf(confidence)];
  return { ...face, best, confidence, isSure: confidence >= minConfidence };
}

// Numbers and words change less often than the picture, so that they can be read.
function refresh() {
  timeline.draw();
  if (source.condition === "live" && !isPaused && performance.now() - lastPicture > SILENT_MS) {
    setText("state", "No picture has come for a while.");
  }
  if (!shown) return;
  const { content, faces } = shown;
  shown = null;
  setText("rate", `${content.frames_per_s.toFixed(0)} frames/s`);
  setText("dropped", `${content.dropped} of ${content.decoded}`);
  if (content.delay_ms) {
    setText("delay", `${content.delay_ms.p50} ms`);
    setText("delay95", `${content.delay_ms.p95} ms`);
  }
  showFaces(faces);
  if (byId("state").textContent.startsWith("No picture")) showState();
}

function setText(id, text) {
  if (byId(id).textContent !== text) byId(id).textContent = text;
}

function showFaces(faces) {
  byId("no-face").hidden = faces.length > 0;
  const list = byId("faces");
  const cards = new Map([...list.children].map((card) => [card.dataset.track, card]));
  const wanted = faces.map((face) => cards.get(String(face.track)) ?? newCard(face));
  if (wanted.length !== list.children.length || wanted.some((card, place) => card !== list.children[place])) {
    list.replaceChildren(...wanted);
  }
  faces.forEach((face, place) => fillCard(wanted[place], face));
  const words = faces.map((face) => `face ${face.track} ${face.best.name}`).join(", ");
  byId("picture").setAttribute("aria-label", words ? `Picture with ${words}` : "Picture without a face");
}

function newCard(face) {
  const card = document.createElement("li");
  card.dataset.track = face.track;
  const top = document.createElement("div");
  top.className = "top";
  const [who, what] = ["who", "what"].map((name) => {
    const part = document.createElement("span");
    part.className = name;
    return part;
  });
  who.textContent = `Face ${face.track}`;
  top.append(who, what);
  const bars = document.createElement("div");
  bars.className = "bars";
  for (const label of labels) bars.append(...bar(label, face.track));
  card.append(top, bars);
  if (face.affect) {
    const affect = document.createElement("p");
    affect.className = "affect";
    card.append(affect);
  }
  return card;
}

function bar(label, track) {
  const name = document.createElement("span");
  name.textContent = label.name;
  const value = document.createElement("progress");
  value.max = 1;
  value.style.setProperty("--colour", label.colour);
  value.setAttribute("aria-label", `${label.name}, face ${track}`);
  const share = document.createElement("span");
  share.className = "share";
  return [name, value, share];
}

function fillCard(card, face) {
  const what = card.querySelector(".what");
  what.textContent = face.isSure ? face.best.name : `${face.best.name}, unsure`;
  what.classList.toggle("unsure", !face.isSure);
  const [values, shares] = [card.querySelectorAll("progress"), card.querySelectorAll(".share")];
  face.probabilities.forEach((probability, place) => {
    values[place].value = probability;
    shares[place].textContent = `${Math.round(100 * probability)} %`;
  });
  if (face.affect) {
    const [valence, arousal] = face.affect;
    card.querySelector(".affect").textContent = `valence ${valence.toFixed(2)}, arousal ${arousal.toFixed(2)}`;
  }
}

function showState() {
  const condition = isPaused && source.condition === "live" ? "paused" : source.condition;
  setText("badge", condition);
  byId("badge").dataset.condition = condition;
  const sentence = condition === "paused" ? "This page is paused; the analysis goes on." : source.sentence;
  setText("state", [sentence, recording.sentence].filter(Boolean).join(" "));
  const isRecording = recording.phase === "on";
  byId("record").setAttribute("aria-pressed", isRecording);
  byId("record").disabled = recording.phase === "saving" || ["offline", "ended"].includes(source.condition);
}

function togglePause() {
  isPaused = !isPaused;
  byId("pause").setAttribute("aria-pressed", isPaused);
  showState();
  tellLook();
}

function toggleRecording() {
  if (!byId("record").hidden && !byId("record").disabled) {
    send({ type: "record", on: recording.phase !== "on" });
  }
}

function toggleHelp() {
  const dialog = byId("help-dialog");
  if (dialog.open) dialog.close();
  else dialog.showModal();
}

const KEYS = { p: togglePause, r: toggleRecording, "?": toggleHelp };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return;
  KEYS[event.key]?.();
});
byId("pause").addEventListener("click", togglePause);
byId("record").addEventListener("click", toggleRecording);
byId("help").addEventListener("click", toggleHelp);
document.addEventListener("visibilitychange", tellLook);
addEventListener("resize", tellLook);
setInterval(refresh, REDRAW_MS);
connect();
