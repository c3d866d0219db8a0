"use strict";
const data = JSON.parse(document.getElementById("data").textContent);
const WINDOWS = { brain: [40, 80], subdural: [75, 215], bone: [600, 2800] }; // center, width in HU
const slices = data.slices, find = (id) => document.getElementById(id);
const buttons = (name) => document.querySelectorAll(`[data-${name}]`);
let at = strongest(), shown = "brain", overlay = false;

function strongest() {
  let best = 0;
  slices.forEach((slice, i) => { if (slice.p.any > slices[best].p.any) best = i; });
  return best;
}

function picture(source) {
  return new Promise((resolve, reject) => {
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = image.width; canvas.height = image.height;
      const context = canvas.getContext("2d", { willReadFrequently: true });
      context.drawImage(image, 0, 0);
      resolve(context.getImageData(0, 0, image.width, image.height));
    };
    image.onerror = reject;
    image.src = source;
  });
}

// Red holds the upper eight, green the lower four of twelve bits above data.lowest.
function draw(canvas, i, saliency) {
  const side = data.side, slice = slices[i];
  canvas.width = canvas.height = side;
  if (!slice) return;
  const context = canvas.getContext("2d"), out = context.createImageData(side, side);
  const [center, width] = WINDOWS[shown], from = slice.pixels.data, to = out.data;
  for (let k = 0; k < from.length; k += 4) {
    const hu = (from[k] << 4) + (from[k + 1] >> 4) + data.lowest;
    to[k] = to[k + 1] = to[k + 2] = Math.round(255 * (hu - center + width / 2) / width); // the array clamps
    to[k + 3] = 255;
  }
  context.putImageData(out, 0, 0);
  if (saliency) heat(context, slice.heat, side);
}

function heat(context, map, side) {
  const layer = document.createElement("canvas");
  layer.width = map.width; layer.height = map.height;
  const pixels = layer.getContext("2d").createImageData(map.width, map.height);
  for (let k = 0; k < map.data.length; k += 4) {
    pixels.data[k] = 255; pixels.data[k + 1] = 140; pixels.data[k + 3] = 0.6 * map.data[k];
  }
  layer.getContext("2d").putImageData(pixels, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(layer, 0, 0, side, side);
}

function show(i) {
  at = Math.min(Math.max(i, 0), slices.length - 1);
  const slice = slices[at], last = slices[slices.length - 1].mm || 1;
  draw(find("large"), at, overlay);
  draw(find("below"), at - 1, false);
  draw(find("above"), at + 1, false);
  find("where").textContent = `slice ${at + 1} of ${slices.length}, ${slice.mm.toFixed(0)} mm`;
  const said = Object.entries(slice.p).map(([name, p]) => `${data.names[name]} ${p.toFixed(2)}`).join(" · ");
  find("said").textContent = said + (overlay ? ` – saliency of ${data.names[slice.of]}` : "");
  for (const end of ["x1", "x2"]) find("here").setAttribute(end, 1000 * slice.mm / last);
  for (const thumb of find("montage").children) thumb.setAttribute("aria-current", thumb === find("montage").children[at]);
}

function choose(name) {
  shown = name;
  buttons("window").forEach((button) => button.setAttribute("aria-pressed", button.dataset.window === name));
  slices.forEach((_, i) => draw(find("montage").children[i].firstChild, i, false));
  show(at);
}

function toggle() {
  if (!find("saliency")) return;
  overlay = !overlay;
  find("saliency").setAttribute("aria-pressed", overlay);
  show(at);
}

function thumbs() {
  slices.forEach((slice, i) => {
    const button = document.createElement("button"), label = document.createElement("span");
    button.append(document.createElement("canvas"), label);
    label.textContent = `${i + 1} · ${slice.p.any.toFixed(2)}`;
    button.title = `slice ${i + 1}, ${slice.mm.toFixed(0)} mm, any bleed ${slice.p.any.toFixed(2)}`;
    if (slice.framed) button.className = "framed";
    if (!slice.printed) button.classList.add("unprinted");
    button.addEventListener("click", () => { show(i); find("viewer").scrollIntoView({ block: "nearest" }); });
    find("montage").append(button);
  });
}

function listen() {
  buttons("slice").forEach((button) => button.addEventListener("click", () => {
    show(Number(button.dataset.slice));
    find("viewer").scrollIntoView({ block: "nearest" });
  }));
  buttons("step").forEach((button) => button.addEventListener("click", () => show(at + Number(button.dataset.step))));
  buttons("window").forEach((button) => button.addEventListener("click", () => choose(button.dataset.window)));
  find("saliency")?.addEventListener("click", toggle);
  find("chart").addEventListener("click", (event) => {
    const chart = find("chart"), point = new DOMPoint(event.clientX, event.clientY);
    const mm = point.matrixTransform(chart.getScreenCTM().inverse()).x / 1000 * slices[slices.length - 1].mm;
    const away = slices.map((slice) => Math.abs(slice.mm - mm));
    show(away.indexOf(Math.min(...away)));
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1, PageDown: -5, PageUp: 5 };
    const windows = { 1: "brain", 2: "subdural", 3: "bone" };
    if (event.key in steps) { show(at + steps[event.key]); event.preventDefault(); }
    else if (event.key in windows) choose(windows[event.key]);
    else if (event.key === "s") toggle();
  });
}

async function main() {
  for (const slice of slices) {
    [slice.pixels, slice.heat] = await Promise.all([picture(slice.hu), slice.saliency && picture(slice.saliency)]);
  }
  thumbs();
  listen();
  choose("brain");
  document.body.dataset.ready = "yes";
}
main();
