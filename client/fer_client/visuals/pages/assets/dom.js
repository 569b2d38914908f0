// Small helpers for elements and for how numbers are written. All texts become text nodes, never markup.

/** Make an element. Attributes that are functions listen; `class`, `data-…` and the like are set as they stand. */
function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Return the element of an id. */
function byId(id) {
  return document.getElementById(id);
}

/** Read a block of JSON that the page holds; undefined where it holds none. */
function readBlock(id) {
  const block = byId(id);
  return block ? JSON.parse(block.textContent) : undefined;
}

/** Write seconds as 2:03.4, or 1:02:03.4 from an hour on. */
function clock(seconds, decimals = 1) {
  const scale = 10 ** decimals;
  const rounded = Math.round(Math.abs(seconds) * scale) / scale;
  const hours = Math.floor(rounded / 3600);
  const minutes = Math.floor(rounded / 60) % 60;
  const rest = (rounded % 60).toFixed(decimals).padStart(decimals ? decimals + 3 : 2, "0");
  const sign = seconds < 0 && rounded ? "−" : "";
  return sign + (hours ? `${hours}:${String(minutes).padStart(2, "0")}` : minutes) + `:${rest}`;
}

/** Write a share in [0, 1] as a percentage. */
function percent(share) {
  return `${Math.round(100 * share)} %`;
}

/** Write a number with so many decimals; what rounds to zero has no sign. */
function fixed(value, decimals) {
  const shown = value.toFixed(decimals);
  return Number(shown) ? shown : (0).toFixed(decimals);
}

/** Make a dot of an expression's colour. */
function dot(colour) {
  return element("span", { class: "dot", style: `background: ${colour}` });
}

/** Let a function run once before the next picture, however often it is asked for until then. */
function oncePerPicture(work) {
  let isAsked = false;
  return () => {
    if (isAsked) return;
    isAsked = true;
    requestAnimationFrame(() => {
      isAsked = false;
      work();
    });
  };
}

/** Compare numbers by value and texts by their letters, numbers in them by value; what is missing comes last. */
function compare(a, b) {
  if (a === undefined || a === null) return b === undefined || b === null ? 0 : 1;
  if (b === undefined || b === null) return -1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b), undefined, { numeric: true });
}
