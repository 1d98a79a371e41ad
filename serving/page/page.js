// Painting happens in the photograph's own coordinates, on a view that fits the window: strokes are kept as points, drawn
// small on the screen and once more at full size for the server, so a large photograph costs no more than a small one.

const $ = (id) => document.getElementById(id);
const canvas = $("canvas");
const pen = canvas.getContext("2d");
const VEIL = "rgb(216 20 190 / 0.6)"; // magenta: hardly a photograph has it
const LONGEST_VIEW = 1000;

let file = null;      // the photograph as it was chosen; these bytes are sent
let picture = null;   // its pixels, upright
let strokes = [];     // {erase, width, points: [[x, y], ...]} in the photograph's pixels
let current = null;   // the stroke being painted
let cursor = null;    // where the brush is, in the photograph's pixels
let urls = [];        // object URLs to give back
let asking = null;    // AbortController of the request under way: its answer belongs to the photograph that was sent
let blind = false;    // whether the model finds damage by itself where nothing is painted

const section = (name) => {
  for (const id of ["choose", "edit", "result"]) $(id).hidden = id !== name;
};
const say = (sentence) => {
  $("problem").textContent = sentence;
  $("problem").hidden = !sentence;
};
const scale = () => canvas.width / picture.width;
// The slider is even to the hand: its square is the brush, from 1 % to a third of the longer side.
const brush = () => Math.max(2, (0.01 + 0.32 * ($("size").value / 100) ** 2) * Math.max(picture.width, picture.height));
const erasing = () => document.querySelector("[name=tool]:checked").value === "erase";

function trace(context, stroke, factor) {
  const points = stroke.points.map(([x, y]) => [x * factor, y * factor]);
  context.lineCap = context.lineJoin = "round";
  context.lineWidth = stroke.width * factor;
  context.beginPath();
  context.arc(...points[0], context.lineWidth / 2, 0, 2 * Math.PI); // a single touch paints a dot: a line without length would not
  context.fill();
  context.beginPath();
  for (const point of points) context.lineTo(...point);
  context.stroke();
}

function maskOf(width, height, colour) {
  const layer = document.createElement("canvas");
  layer.width = width;
  layer.height = height;
  const context = layer.getContext("2d");
  context.strokeStyle = context.fillStyle = colour;
  for (const stroke of current ? [...strokes, current] : strokes) {
    context.globalCompositeOperation = stroke.erase ? "destination-out" : "source-over";
    trace(context, stroke, width / picture.width);
  }
  return layer;
}

function draw() {
  pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  const layer = maskOf(canvas.width, canvas.height, "#000");
  const context = layer.getContext("2d");
  context.globalCompositeOperation = "source-in"; // one even veil, however often strokes cross
  context.fillStyle = VEIL;
  context.fillRect(0, 0, layer.width, layer.height);
  pen.drawImage(layer, 0, 0);
  if (cursor) {
    pen.beginPath();
    pen.arc(cursor[0] * scale(), cursor[1] * scale(), (brush() * scale()) / 2, 0, 2 * Math.PI);
    pen.lineWidth = 3;
    pen.strokeStyle = "rgb(0 0 0 / 0.6)";
    pen.stroke();
    pen.lineWidth = 1.5;
    pen.strokeStyle = "#fff";
    pen.stroke();
  }
  $("undo").disabled = $("clear").disabled = strokes.length === 0;
}

function fit() {
  if (!picture) return;
  const room = Math.max(160, Math.min(LONGEST_VIEW, $("edit").clientWidth || LONGEST_VIEW));
  const tall = Math.max(240, window.innerHeight * 0.62);
  const factor = Math.min(room / picture.width, tall / picture.height, 4);
  canvas.width = Math.max(1, Math.round(picture.width * factor));
  canvas.height = Math.max(1, Math.round(picture.height * factor));
  draw();
}

async function open(chosen) {
  cancel();
  say("");
  try {
    picture = await createImageBitmap(chosen, { imageOrientation: "from-image" });
  } catch {
    say(`“${chosen.name}” cannot be opened as a picture; choose a JPEG, PNG or WebP file (a TIFF through the command line).`);
    return;
  }
  file = chosen;
  strokes = [];
  cursor = null;
  section("edit");
  fit();
  canvas.focus({ preventScroll: true });
}

function at(event) {
  const box = canvas.getBoundingClientRect();
  return [((event.clientX - box.left) / box.width) * picture.width, ((event.clientY - box.top) / box.height) * picture.height];
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0 || current) return;
  canvas.setPointerCapture(event.pointerId);
  say("");
  cursor = at(event);
  current = { erase: erasing(), width: brush(), points: [cursor], pointer: event.pointerId };
  draw();
});
canvas.addEventListener("pointermove", (event) => {
  cursor = at(event);
  if (current?.pointer === event.pointerId) {
    // Between two frames a fast hand leaves several points.
    for (const part of event.getCoalescedEvents?.() ?? [event]) current.points.push(at(part));
    current.points.push(cursor);
  }
  draw();
});
const finish = (event) => {
  if (current?.pointer !== event.pointerId) return;
  strokes.push(current);
  current = null;
  draw();
};
canvas.addEventListener("pointerup", finish);
canvas.addEventListener("pointercancel", finish);
canvas.addEventListener("pointerleave", () => {
  if (!current && document.activeElement !== canvas) cursor = null;
  draw();
});

canvas.addEventListener("keydown", (event) => {
  const step = (event.shiftKey ? 0.1 : 0.02) * Math.max(picture.width, picture.height);
  const moves = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] };
  cursor ??= [picture.width / 2, picture.height / 2];
  if (moves[event.key]) {
    const [dx, dy] = moves[event.key];
    cursor = [Math.min(picture.width, Math.max(0, cursor[0] + dx)), Math.min(picture.height, Math.max(0, cursor[1] + dy))];
  } else if (event.key === " " || event.key === "Enter") {
    strokes.push({ erase: erasing(), width: brush(), points: [cursor] });
  } else if (event.key === "[" || event.key === "]") {
    $("size").value = Number($("size").value) + (event.key === "[" ? -5 : 5);
  } else {
    return;
  }
  event.preventDefault();
  draw();
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "z" && !$("edit").hidden) {
    event.preventDefault();
    undo();
  }
});

function undo() {
  strokes.pop();
  draw();
}
$("undo").addEventListener("click", undo);
$("clear").addEventListener("click", () => {
  strokes = [];
  draw();
});
$("size").addEventListener("input", () => {
  cursor ??= [picture.width / 2, picture.height / 2];
  draw();
});
window.addEventListener("resize", fit);

async function fullMask() {
  const layer = maskOf(picture.width, picture.height, "#fff");
  const context = layer.getContext("2d");
  context.globalCompositeOperation = "destination-over";
  context.fillStyle = "#000";
  context.fillRect(0, 0, layer.width, layer.height);
  const blob = await new Promise((done) => layer.toBlob(done, "image/png"));
  if (!blob) throw new Error("This photograph is too large for the browser to paint on.");
  return blob;
}

async function sentenceOf(response) {
  try {
    return (await response.json()).detail;
  } catch {
    return `The server answered with status ${response.status}.`;
  }
}

$("fill").addEventListener("click", async () => {
  say("");
  const painted = strokes.some((stroke) => !stroke.erase);
  if (!painted && !blind) {
    say("Nothing is painted yet: paint over what should be filled.");
    canvas.focus();
    return;
  }
  const request = (asking = new AbortController());
  const sent = file;
  wait(true);
  try {
    const form = new FormData();
    form.append("image", sent);
    if (painted) form.append("mask", await fullMask(), "mask.png");
    const begin = performance.now();
    const response = await fetch("/v1/inpaint", { method: "POST", body: form, signal: request.signal });
    if (!response.ok) throw new Error(await sentenceOf(response));
    const blob = await response.blob();
    if (asking === request) show(sent, blob, response.headers, (performance.now() - begin) / 1000);
  } catch (error) {
    if (asking !== request) return; // another photograph was chosen meanwhile
    say(error instanceof TypeError ? "The server cannot be reached; try again in a moment." : error.message);
  } finally {
    if (asking === request) {
      asking = null;
      wait(false);
    }
  }
});

function wait(busy) {
  $("fill").disabled = busy;
  $("busy").hidden = !busy;
}

// Leaving a photograph cancels its request.
function cancel() {
  asking?.abort();
  asking = null;
  wait(false);
}

async function show(sent, blob, headers, seconds) {
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [URL.createObjectURL(sent), URL.createObjectURL(blob)];
  $("before").src = urls[0];
  $("after").src = $("download").href = urls[1];
  $("download").download = `${sent.name.replace(/\.[^.]*$/, "")}-inpainted.png`;
  const version = headers.get("X-Rayfill-Version");
  const scaled = Number(headers.get("X-Rayfill-Scale"));
  const by = `Filled by ${headers.get("X-Rayfill-Model")}${version === "unregistered" ? ", unregistered" : ` version ${version}`}`;
  $("filled-by").textContent = `${by}, in ${seconds.toFixed(1)} s${scaled < 1 ? `, at ${Math.round(scaled * 100)} % of its size` : ""}.`;
  section("result");
  await $("after").decode();
  $("after").width = canvas.width; // as large as it was painted on
  split(50);
  $("split").focus({ preventScroll: true });
}

function split(percent) {
  $("split").value = percent;
  $("compare").style.setProperty("--split", `${percent}%`);
}
$("split").addEventListener("input", () => split($("split").value));
$("again").addEventListener("click", () => {
  section("edit");
  fit();
});

function another() {
  cancel();
  say("");
  section("choose");
  $("file").value = "";
  $("file").focus();
}
$("other").addEventListener("click", another);
$("new").addEventListener("click", another);
$("file").addEventListener("change", () => $("file").files[0] && open($("file").files[0]));
for (const kind of ["dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    const dropped = kind === "drop" && event.dataTransfer.files[0];
    if (dropped) open(dropped);
  });
}

async function tell() {
  try {
    const response = await fetch("/v1/models");
    if (!response.ok) throw new Error();
    const [model] = (await response.json()).models;
    const name = document.createElement("b");
    name.textContent = model.name;
    const digest = document.createElement("code");
    digest.textContent = model.digest.slice(0, 8);
    digest.title = `SHA-256 of the weights: ${model.digest}`;
    const version = model.version === "unregistered" ? ` from run ${model.run}` : ` version ${model.version}`;
    blind = model.blind;
    $("blind").hidden = !blind;
    $("model").replaceChildren(name, `${version}, ${model.system}, `, digest);
  } catch {
    $("model").textContent = "no model is loaded";
  }
}
tell();
